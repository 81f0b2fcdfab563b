"""Tells how an act in bulk goes on, and what became of those that were not acted on."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TextIO

from engine.act.bulk import Bulk, Progress
from engine.act.bulk_file import BulkFile
from engine.errors import EngineError
from engine.models import Ending, Outcome
from engine.text import clean
from engine.wording import age, count, counted

EVERY_TTY, EVERY_LOG = 0.2, 10.0
"""Seconds between two lines of progress, on a terminal and elsewhere."""
MOST_LISTED = 1000
"""Failures in a JSON object."""


def continuing(file: BulkFile) -> str:
    """Return the command that goes on with an act in bulk."""
    priority = "" if file.order.priority is None else f" {file.order.priority}"
    return f"nuvla-engine {file.order.act}{priority} --continue {file.id}"


class Teller:
    """Tells the progress, and each subject that was not acted on as it should."""

    def __init__(self, *, as_json: bool) -> None:
        """Args: as_json: keep the failures for one JSON object at the end."""
        self._as_json = as_json
        self._line = _Line(sys.stderr)
        self._failures: list[dict[str, Any]] = []
        self._started = time.monotonic()
        self._before: int | None = None

    def tell(self, progress: Progress) -> None:
        """Tell one report."""
        if self._before is None:
            self._before = progress.handled
        outcome = progress.outcome
        if outcome is not None and not outcome.done:
            self._tell_failure(outcome)
        self._line.show(self._text(progress))

    def end(self, bulk: Bulk, last: Progress, failure: EngineError | None) -> None:
        """Tell the end, and how to go on where something is left."""
        left = last.total - last.handled
        if self._as_json:
            print(json.dumps(self._json(bulk, last, left, failure)))
        self._line.show(self._text(last), final=True)
        if failure is not None:
            print(f"nuvla-engine: {failure}", file=sys.stderr)
        if left:
            words = f"{counted(left, 'job')} left; go on with: {continuing(bulk.file)}"
            print(words, file=sys.stderr)

    def _tell_failure(self, outcome: Outcome) -> None:
        word = "unknown" if outcome.is_unknown else "not done"
        if not self._as_json:
            self._line.clear()
            print(f"{clean(outcome.subject)}  {word}: {outcome.detail}", flush=True)
        elif len(self._failures) < MOST_LISTED:
            self._failures.append(
                {"subject": outcome.subject, "outcome": word, "detail": outcome.detail}
            )

    def _text(self, progress: Progress) -> str:
        text = f"{count(progress.handled)} of {count(progress.total)}: {_endings(progress)}"
        seconds = time.monotonic() - self._started
        done = progress.handled - (self._before or 0)
        if progress.trouble:
            return f"{text}; waits {progress.pause:.0f} s: {clean(progress.trouble, limit=200)}"
        if done and progress.handled < progress.total:
            left = (progress.total - progress.handled) * seconds / done
            return f"{text}; {done / seconds:.0f}/s, {age(left)} left"
        return f"{text}; {age(seconds)}" if done else text

    def _json(
        self, bulk: Bulk, last: Progress, left: int, failure: EngineError | None
    ) -> dict[str, Any]:
        return {
            "schema": "nuvla-engine/bulk/1",
            "id": bulk.file.id if left else None,
            "act": bulk.file.order.act,
            "filter": bulk.file.order.filter,
            "total": last.total,
            **{str(ending): last.endings[ending] for ending in Ending},
            "left": left,
            "error": None if failure is None else str(failure),
            "not_done": self._failures,
        }


class _Line:
    """One line that is written anew on a terminal; elsewhere, a line now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._is_tty = stream, stream.isatty()
        self._next = 0.0

    def show(self, text: str, *, final: bool = False) -> None:
        now = time.monotonic()
        if now < self._next and not final:
            return
        self._next = now + (EVERY_TTY if self._is_tty else EVERY_LOG)
        self.clear()
        end = "\n" if final or not self._is_tty else ""
        print(text, end=end, file=self._stream, flush=True)

    def clear(self) -> None:
        if self._is_tty:
            print("\r\x1b[K", end="", file=self._stream, flush=True)


def _endings(progress: Progress) -> str:
    words = [f"{count(n)} {ending}" for ending in Ending if (n := progress.endings[ending])]
    return ", ".join(words) or "nothing done yet"
