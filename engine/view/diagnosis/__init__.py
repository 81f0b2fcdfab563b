"""The diagnosis: from dossiers to verdicts, pure."""

from __future__ import annotations

from engine.view.diagnosis.cluster import find_cluster_faults, group, worst_first
from engine.view.diagnosis.judge import diagnose

__all__ = ["diagnose", "find_cluster_faults", "group", "worst_first"]
