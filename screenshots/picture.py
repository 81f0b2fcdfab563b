"""A picture of the app as SVG that stands by itself."""

from __future__ import annotations

import re
from typing import Any

from textual.app import App

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture(app: App[Any], title: str) -> str:
    """Return what the app shows, without fonts that would be fetched from elsewhere.

    Args:
        app: under `run_test`.
        title: stands in the window's frame.
    """
    svg = _FONTS.sub("", app.export_screenshot(title=title))
    # Without it some viewers drop the blanks at the beginning of a text.
    svg = svg.replace("<text ", '<text xml:space="preserve" ')
    return "\n".join(line.rstrip() for line in svg.split("\n")).strip() + "\n"
