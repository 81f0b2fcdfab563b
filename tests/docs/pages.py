"""The examples of a documentation page: blocks that stand below a line `<!-- run -->`.

A Python block that begins with a comment such as `# hello/say_hello.py` is that file; any other is
a script that is run. In a console block each line after `$ ` is a command of the shell, and what
follows is what it prints; `...` stands for any text, or for any lines where it is alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^<!-- run -->\n+```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w/.-]+\.\w+)\n")


@dataclass(frozen=True, slots=True)
class Step:
    """A file to write, or a command to run."""

    page: str
    text: str
    """The content, or the command."""
    file: str = ""
    """The name of the file; "" for a command."""
    wanted: str = ""
    """What the command prints."""


def steps_of(page: Path) -> list[Step]:
    """Return what a page has one do, in order."""
    steps: list[Step] = []
    for kind, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "console":
            steps += _commands(page.name, body)
        elif named := _FILE.match(body):
            steps.append(Step(page.name, body, file=named[1]))
        else:
            steps.append(Step(page.name, body, file="example.py"))
            steps.append(Step(page.name, "python example.py"))
    return steps


def matches(wanted: str, printed: str) -> bool:
    """Whether a command printed what the page says."""
    pattern = ""
    for line in wanted.splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r"[^\n]*?".join(map(re.escape, line.rstrip().split("..."))) + r" *\n"
    text = f"{printed}\n" if printed and not printed.endswith("\n") else printed
    return re.fullmatch(pattern, text) is not None


def _commands(page: str, body: str) -> list[Step]:
    found: list[Step] = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        command = [lines.pop(0)]
        while command[-1].endswith("\\"):
            command.append(lines.pop(0))
        wanted = "".join(f"{line}\n" for line in lines)
        found.append(Step(page, "\n".join(command), wanted=wanted))
    return found
