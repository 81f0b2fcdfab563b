"""The audit: each attempted act is on record before anything is changed."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, Self

import platformdirs

from engine.act.audit_file import append_line
from engine.act.audit_nodes import LARGEST, AuditNode, AuditNodes
from engine.act.hiding import hide
from engine.errors import AuditError, ZooKeeperError
from engine.models import Ending, Who, format_time
from engine.settings import Settings
from engine.settings.redaction import Redactor
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

SCHEMA = "nuvla-engine/audit/1"
FILE_NAME = "audit.jsonl"
SERVICE_FOLDER = Path("/var/log/nuvla/log")
"""Where root's record is, beside the logs of the services."""
LOGIN_ID = Path("/proc/self/loginuid")
"""The user who logged in, whatever sudo made of them since; only the kernel writes it."""
NO_LOGIN = 2**32 - 1
"""What it holds for a process that nobody logged in for."""


class Recordable(Protocol):
    """What is attempted: a plan."""

    @property
    def act(self) -> str:
        """The name of the act."""

    @property
    def subject(self) -> str:
        """What it acts on."""

    def to_json(self) -> Mapping[str, Any]:
        """Return the operations, what they rest on, and the evidence."""


class Attempt:
    """An act that is on record; its end is noted in a second line."""

    def __init__(self, audit: Audit, id: str, node: AuditNode | None) -> None:
        self.id = id
        self._audit, self._node = audit, node

    def outcome(self, ending: Ending, detail: str = "") -> str | None:
        """Note how the act ended. It cannot be undone any more, so nothing is raised.

        Returns:
            Why the end could not be noted, to be shown beside the outcome; else None.
        """
        return self._audit._note_end(self.id, self._node, ending, detail)


class Audit:
    """Where the acts of one process are recorded: a file and, where it is set, ZooKeeper."""

    def __init__(
        self,
        file: Path,
        *,
        profile: str | None = None,
        nodes: AuditNodes | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        """Args:
        file: made at the first act, with its folder.
        profile: the profile of the settings that the acts are for.
        nodes: a second record, in ZooKeeper.
        redactor: takes out the secrets of these settings.
        """
        self.file = file
        self._profile = profile
        self._nodes = nodes
        self._redact = redactor or Redactor(())

    @classmethod
    def from_settings(cls, settings: Settings, zk: ZooKeeper | None = None) -> Self:
        """Return the audit that settings describe; without a session, only the file of it."""
        keep, nodes = settings.audit_zookeeper, None
        if keep and zk is not None:
            nodes = AuditNodes(zk, OwnPaths(settings.zk_root), keep=keep)
        return cls(
            audit_file(settings),
            profile=settings.profile,
            nodes=nodes,
            redactor=Redactor(settings.secrets()),
        )

    def attempt(self, plan: Recordable, *, by: Who, reason: str | None = None) -> Attempt:
        """Put an act on record. Only then may it be done.

        Raises:
            AuditError: it cannot be recorded, so it must not be done; says why.
        """
        now = datetime.now(UTC)
        # Sorts by time; the random part keeps two acts of one millisecond apart.
        id = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}-{secrets.token_hex(4)}"
        record = {
            "schema": SCHEMA,
            "record": "attempt",
            "id": id,
            "at": format_time(now),
            "act": str(plan.act),
            "subject": plan.subject,
            "who": {"user": by.user, "host": by.host, "pid": by.pid, "login": by.login},
            "profile": self._profile,
            "reason": reason,
            "plan": plan.to_json(),
        }
        line = self._line(record)
        append_line(self.file, line)
        if self._nodes is None:
            return Attempt(self, id, None)
        shared = (
            line if len(line) <= LARGEST else self._line({**record, "plan": {"left_out": True}})
        )
        try:
            return Attempt(self, id, self._nodes.add(shared))
        except ZooKeeperError as error:
            trouble = f"the record of acts in ZooKeeper cannot be written: {error}"
            self._note_end(id, None, Ending.REFUSED, trouble)
            raise AuditError(f"{trouble}. Without a record nothing is changed") from error

    def _note_end(self, id: str, node: AuditNode | None, ending: Ending, detail: str) -> str | None:
        at = format_time(datetime.now(UTC))
        end = {"record": "end", "id": id, "at": at, "ending": str(ending), "detail": detail}
        line = self._line(end)
        try:
            append_line(self.file, line)
            if self._nodes is not None and node is not None:
                self._nodes.end(node, line)
        except (AuditError, ZooKeeperError) as error:
            return f"its end is not on record: {error}"
        return None

    def _line(self, record: Mapping[str, Any]) -> bytes:
        # ASCII only: one line whatever the texts hold, and nothing that could drive a terminal.
        return json.dumps(hide(record, self._redact)).encode("ascii")


def who_acts() -> Who:
    """Return who runs this process."""
    own = os.getuid()
    try:
        logged_in = int(LOGIN_ID.read_text("ascii"))
    except (OSError, ValueError):
        logged_in = NO_LOGIN
    is_other = logged_in not in (NO_LOGIN, own)
    return Who(
        user=_user_name(own),
        host=socket.gethostname(),
        pid=os.getpid(),
        login=_user_name(logged_in) if is_other else None,
    )


def audit_file(settings: Settings) -> Path:
    """Return the file that keeps the record of acts."""
    if settings.audit_file is not None:
        return settings.audit_file
    if os.geteuid() == 0:
        return SERVICE_FOLDER / FILE_NAME
    return platformdirs.user_state_path("nuvla-console") / FILE_NAME


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
