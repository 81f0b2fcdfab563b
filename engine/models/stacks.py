"""Thread stacks: what each thread of a process does at one moment, and who took the picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from engine.models.job import format_time, parse_time
from engine.text import clean

MAX_THREADS = 600
"""An executor has 512 workers at most, and a few threads beside them."""
MAX_FRAMES = 48
OUTERMOST = 8
"""Frames of a longer stack that are kept at its outer end; the rest at its inner end."""
MAX_TEXT = 240

_INSTALLED = re.compile(r".*/(?:site-packages|dist-packages|lib/python3\.\d+)/")
_ENGINE = re.compile(r".*/(?=engine/(?:cli|local|nuvla|service|zookeeper)/)")


@dataclass(frozen=True, slots=True)
class Frame:
    """One call that has not returned."""

    function: str
    file: str
    """Without the folder where libraries are installed, so that hosts compare."""
    line: int
    """0 where it is not known."""
    code: str = ""
    """The source line, where the source is there."""

    @classmethod
    def of(cls, function: str, file: str, line: int, code: str = "") -> Frame:
        """Return a frame whose texts are safe to draw."""
        return cls(
            function=clean(function, limit=MAX_TEXT),
            file=clean(_short(file), limit=MAX_TEXT),
            line=max(0, line),
            code=clean(code.strip(), limit=MAX_TEXT),
        )

    @property
    def where(self) -> str:
        """The call in one line: ``recv_into (socket.py:718)``."""
        if not self.file:
            return self.function
        return f"{self.function} ({self.file}:{self.line})"

    @property
    def near(self) -> str:
        """The same, with the last folder of the file only: for a line among others."""
        if not self.file:
            return self.function
        return f"{self.function} ({'/'.join(self.file.rsplit('/', 2)[-2:])}:{self.line})"

    @property
    def is_own(self) -> bool:
        """Whether the code is an operator's or an action's, not a library's or the engine's."""
        return self.file.startswith("/") or "actions/" in self.file

    @classmethod
    def from_json(cls, raw: Any) -> Frame:
        """Read the form in which frames travel.

        Raises:
            ValueError: it is not what `StackReport.to_json` gives.
        """
        if not (isinstance(raw, list) and len(raw) == 4):
            raise ValueError("a frame is not a list of four")
        function, file, line, code = raw
        if not all(isinstance(text, str) for text in (function, file, code)):
            raise ValueError("a frame's function, file or code is no text")
        return cls.of(function, file, _whole(line, "a frame's line"), code)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStack:
    """One thread."""

    ident: int
    name: str
    job_id: str | None
    """The job that it works on."""
    frames: tuple[Frame, ...]
    """Innermost first: that is where it stands."""

    @property
    def top(self) -> Frame | None:
        """The innermost frame."""
        return self.frames[0] if self.frames else None

    @property
    def own(self) -> Frame | None:
        """The innermost frame of an action's own code; None where there is none."""
        return next((frame for frame in self.frames if frame.is_own), None)

    @classmethod
    def from_json(cls, raw: Any, table: Sequence[Frame]) -> ThreadStack:
        """Read a stack that another process sent.

        Args:
            raw: the stack; its frames are places in the table.
            table: the frames of the report.

        Raises:
            ValueError: it is not what `StackReport.to_json` gives.
        """
        if not (isinstance(raw, Mapping) and isinstance(raw.get("frames"), list)):
            raise ValueError("a stack is no object with frames")
        name, job_id = raw.get("name"), raw.get("job_id")
        if not isinstance(name, str) or not isinstance(job_id, str | None):
            raise ValueError("a stack's name or job id is no text")
        places = [_whole(place, "a frame's place") for place in raw["frames"]]
        if any(place >= len(table) for place in places):
            raise ValueError("a stack has a frame that is not in the table")
        return cls(
            ident=_whole(raw.get("ident"), "a thread's ident"),
            name=clean(name, limit=MAX_TEXT),
            job_id=None if job_id is None else clean(job_id, limit=MAX_TEXT),
            frames=capped([table[place] for place in places]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReport:
    """All threads of one process at one moment."""

    source: str
    """Who took it: "in-process", "watchdog" or "py-spy"."""
    taken_at: datetime
    pid: int = 0
    threads: tuple[ThreadStack, ...] = ()
    """Those that run a job first."""
    trouble: str = ""
    """What is wrong with the process, or why the stacks are not whole; safe to draw."""

    def working_on(self, job_id: str) -> ThreadStack | None:
        """Return the thread that works on a job."""
        return next((thread for thread in self.threads if thread.job_id == job_id), None)

    def to_json(self) -> dict[str, Any]:
        """Return the form in which reports travel: threads share most of their frames, so each
        frame stands once, in a table."""
        table: list[list[str | int]] = []
        places: dict[int, int] = {}
        threads = []
        for thread in self.threads:
            # By identity, which is cheap: a frame that is there twice costs some bytes only.
            for frame in thread.frames:
                if id(frame) not in places:
                    places[id(frame)] = len(table)
                    table.append([frame.function, frame.file, frame.line, frame.code])
            threads.append(
                {
                    "ident": thread.ident,
                    "name": thread.name,
                    "job_id": thread.job_id,
                    "frames": [places[id(frame)] for frame in thread.frames],
                }
            )
        return {
            "source": self.source,
            "taken_at": format_time(self.taken_at),
            "pid": self.pid,
            "frames": table,
            "threads": threads,
            "trouble": self.trouble,
        }

    @classmethod
    def from_json(cls, raw: Any) -> StackReport:
        """Read a report that another process sent; its texts become safe to draw.

        Raises:
            ValueError: it is not what `to_json` gives.
        """
        if not (isinstance(raw, Mapping) and isinstance(raw.get("threads"), list)):
            raise ValueError("a stack report is no object with threads")
        if not isinstance(raw.get("frames"), list):
            raise ValueError("a stack report has no table of frames")
        source, trouble, taken_at = raw.get("source"), raw.get("trouble"), raw.get("taken_at")
        if not isinstance(source, str) or not isinstance(trouble, str):
            raise ValueError("a stack report's source or trouble is no text")
        when = parse_time(taken_at)
        if when is None:
            raise ValueError("a stack report has no time")
        if len(raw["threads"]) > MAX_THREADS:
            raise ValueError(f"a stack report has more than {MAX_THREADS} threads")
        table = [Frame.from_json(each) for each in raw["frames"]]
        return cls(
            source=clean(source, limit=MAX_TEXT),
            taken_at=when,
            pid=_whole(raw.get("pid"), "a stack report's pid"),
            threads=tuple(ThreadStack.from_json(each, table) for each in raw["threads"]),
            trouble=clean(trouble, limit=4 * MAX_TEXT),
        )


def capped(frames: list[Frame]) -> tuple[Frame, ...]:
    """Return frames, innermost first; where there are too many, the middle is left out."""
    if len(frames) <= MAX_FRAMES:
        return tuple(frames)
    inner = MAX_FRAMES - OUTERMOST - 1
    mark = Frame(f"… {len(frames) - MAX_FRAMES + 1} frames left out …", "", 0)
    return (*frames[:inner], mark, *frames[-OUTERMOST:])


def busy_first(threads: list[ThreadStack]) -> tuple[ThreadStack, ...]:
    """Return threads in the order of a report."""

    def order(thread: ThreadStack) -> tuple[bool, str, int]:
        return thread.job_id is None, thread.name, thread.ident

    return tuple(sorted(threads, key=order)[:MAX_THREADS])


@lru_cache(1024)
def _short(file: str) -> str:
    """Leave out where libraries are installed: it says nothing, and differs between hosts."""
    return _ENGINE.sub("", _INSTALLED.sub("", file))


def _whole(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{what} is no whole number")
    return value
