"""Settings: defaults, files, environment and flags, merged once; a wrong value names its source."""

from __future__ import annotations

from engine.settings.flags import add_arguments
from engine.settings.load import load
from engine.settings.secret import MASK, Secret, without_login
from engine.settings.table import Settings

__all__ = ["MASK", "Secret", "Settings", "add_arguments", "load", "without_login"]
