"""The logs of the services: one record a line, as text or JSON, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.cli.log_targets import FileTarget, StreamTarget, Target
from engine.models import format_time
from engine.settings import Settings
from engine.settings.redaction import Redactor
from engine.text import clean

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 16_384
"""Characters of a message; a traceback may have more."""
TRACEBACK_LIMIT = 100_000
ERRORS_KEPT = 5
ERROR_LIMIT = 300
"""Characters of an error that a process tells of itself."""
INDENT = "    | "
LIBRARIES = ("kazoo", "urllib3", "asyncio", "elastic_transport", "elasticsearch", "uvicorn")
"""They tell of every request at DEBUG: that is their makers' level, not an operator's."""

JobsByThread = Callable[[], Mapping[int, str]]
"""Returns the job id that a thread, by its ident, works on."""


class Logs:
    """The logs of this process as they were configured."""

    def __init__(self, target: Target | None, formatter: _Formatter) -> None:
        self._formatter = formatter
        self._recent = _RecentErrors(formatter)
        self._handlers = [self._recent] if target is None else [self._recent, target]
        self._before = logging.raiseExceptions, threading.excepthook

    def name_jobs(self, jobs: JobsByThread) -> None:
        """Name, in each record of a thread that works on a job, that job."""
        self._formatter.jobs = jobs

    def last_errors(self) -> tuple[str, ...]:
        """Return the newest records of level ERROR or worse, each as a short line, oldest first."""
        return tuple(self._recent.lines)

    def attach(self) -> None:
        """Begin to write."""
        for handler in self._handlers:
            logging.getLogger().addHandler(handler)

    def close(self) -> None:
        """Undo the configuration."""
        logging.raiseExceptions, threading.excepthook = self._before
        logging.captureWarnings(False)
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()


def configure_logs(settings: Settings, *, service: str = "engine") -> Logs:
    """Send the logs of this process where the settings say. Call it once.

    Args: service: names the log file, together with the name that the settings give.

    Raises:
        SettingsError: the log file cannot be opened.
    """
    redact = Redactor(settings.secrets())
    kind = _JsonFormatter if settings.log_format == "json" else _TextFormatter
    formatter = kind(redact, service=service, name=settings.name)
    target = _target(settings, service)
    root = logging.getLogger()
    root.setLevel(settings.log_level)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    if target is not None:
        target.setFormatter(formatter)
    logs = Logs(target, formatter)
    logs.attach()
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    threading.excepthook = _thread_died
    return logs


def log_file(folder: Path, service: str, name: str | None) -> Path:
    """Return the log file of a service."""
    suffix = f"-{re.sub('[^A-Za-z0-9_.-]', '_', name)}" if name else ""
    return folder / f"nuvla-{service}{suffix}.log"


def _target(settings: Settings, service: str) -> Target | None:
    if settings.log_dir is not None:
        return FileTarget(log_file(settings.log_dir, service, settings.name))
    # Python has no stderr where the process was started with it closed.
    return None if sys.stderr is None else StreamTarget(sys.stderr.fileno())


def _thread_died(arguments: threading.ExceptHookArgs) -> None:
    thread = arguments.thread.name if arguments.thread is not None else "a thread"
    if arguments.exc_value is not None:
        log.error("%s ended by an error", thread, exc_info=arguments.exc_value)


class _Formatter(logging.Formatter):
    def __init__(self, redact: Redactor, *, service: str, name: str | None) -> None:
        super().__init__()
        self.jobs: JobsByThread = dict
        self._redact = redact
        self._service = service
        self._name = name

    def _message(self, record: logging.LogRecord) -> str:
        try:
            message = record.getMessage()
        except Exception as error:
            # A wrong call of a logger, maybe in an action: say what there is.
            message = f"{record.msg!s} (its arguments do not fit: {error!r})"
        return self._redact(message)

    def short(self, record: logging.LogRecord) -> str:
        """Return a record's message as one line of limited length, safe to draw."""
        return clean(self._message(record), limit=ERROR_LIMIT)

    def _trouble(self, record: logging.LogRecord) -> str:
        """Return the traceback and the stack that come with a record; empty where none do."""
        texts = []
        if record.exc_info and record.exc_info[1] is not None:
            texts.append("".join(traceback.format_exception(record.exc_info[1])))
        if record.stack_info:
            texts.append(record.stack_info)
        return self._redact("\n".join(texts)).rstrip()

    def _job(self, record: logging.LogRecord) -> tuple[str | None, str | None]:
        job_id, action = getattr(record, "job_id", None), getattr(record, "action", None)
        if job_id is None and record.thread is not None:
            job_id = self.jobs().get(record.thread)
        return self._field(job_id), self._field(action)

    def _field(self, value: object) -> str | None:
        return None if value is None else clean(self._redact(str(value)), limit=256)


class _RecentErrors(logging.Handler):
    """Keeps the newest errors, for who asks the process how it is."""

    def __init__(self, formatter: _Formatter) -> None:
        super().__init__(logging.ERROR)
        self.lines: deque[str] = deque(maxlen=ERRORS_KEPT)
        self._formatter = formatter

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.lines.append(f"{_time(record)} {self._formatter.short(record)}")


class _TextFormatter(_Formatter):
    """A line to read; tracebacks and what is marked as `multiline` follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        message, more = self._message(record), self._trouble(record)
        if getattr(record, "multiline", False):
            message, _, rest = message.partition("\n")
            more = f"{rest}\n{more}".rstrip()
        message = clean(message, limit=MESSAGE_LIMIT)
        origin = "" if record.name.startswith("engine") else f"{clean(record.name, limit=80)}: "
        about = [word for word in self._job(record) if word and word not in message]
        suffix = f" ({' '.join(about)})" if about else ""
        thread = self._field(record.threadName)
        line = f"{_time(record)} {record.levelname:<8} [{thread}] {origin}{message}{suffix}"
        return "\n".join([line, *(INDENT + _line(text) for text in _lines(more))])


class _JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of a record."""
        job_id, action = self._job(record)
        facts: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "service": self._service,
            "name": self._name,
            "pid": record.process,
            "thread": self._field(record.threadName),
            "job_id": job_id,
            "action": action,
            "message": clean(self._message(record), limit=TRACEBACK_LIMIT, keep_lines=True),
            "traceback": self._trouble(record)[:TRACEBACK_LIMIT] or None,
        }
        return json.dumps({key: value for key, value in facts.items() if value is not None})


def _time(record: logging.LogRecord) -> str:
    return format_time(datetime.fromtimestamp(record.created, UTC))


def _lines(text: str) -> list[str]:
    return text[:TRACEBACK_LIMIT].split("\n") if text else []


def _line(text: str) -> str:
    return clean(text.expandtabs(4), limit=MESSAGE_LIMIT)
