"""Reads the record of acts: attempts are paired with their ends, damaged lines are counted."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import AuditError
from engine.models import ActRecord, AuditLog, Ending, Who, parse_time
from engine.text import clean
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

LONGEST_LINE = 16_000_000
"""Bytes; a longer line is damage, and is not held in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which acts to read."""

    since: datetime | None = None
    act: str | None = None
    job: str | None = None
    """The id of a job that the act was for, or that its plan names."""
    limit: int | None = None
    """The newest so many; None is all."""

    def takes(self, record: ActRecord, line: bytes) -> bool:
        """Whether it is one of them. Args: line: as the record was written."""
        return (
            (self.since is None or record.at >= self.since)
            and (self.act is None or record.act == self.act)
            and (self.job is None or _names(line, self.job))
        )


def _names(line: bytes, job: str) -> bool:
    # The id of another job can begin with this one.
    return re.search(re.escape(job.encode()) + rb"(?![a-z0-9-])", line) is not None


def read_audit_file(path: Path, wanted: Wanted | None = None) -> AuditLog:
    """Return the acts in a file, oldest first; none where there is no file yet.

    Raises:
        AuditError: it cannot be read.
    """
    try:
        return _paired(_lines(path), wanted or Wanted())
    except OSError as error:
        raise AuditError(f"the record of acts {path} cannot be read: {error.strerror}") from error


def read_audit_nodes(zk: ZooKeeper, own: OwnPaths, wanted: Wanted | None = None) -> AuditLog:
    """Return the acts that are on record in ZooKeeper, oldest first.

    Raises:
        ZooKeeperError: they cannot be read.
    """
    found = zk.children(own.audit)
    names = sorted(found[0], key=lambda name: name[-10:]) if found else []
    nodes = zk.get_many([f"{own.audit}/{name}" for name in names])
    lines = (line for node in nodes if node is not None for line in node[0].split(b"\n"))
    return _paired(lines, wanted or Wanted())


def _lines(path: Path) -> Iterator[bytes]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        while line := file.readline(LONGEST_LINE):
            yield line


def _paired(lines: Iterable[bytes], wanted: Wanted) -> AuditLog:
    taken_at = datetime.now(UTC)
    records: OrderedDict[str, ActRecord] = OrderedDict()
    left_out = damaged = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            facts = json.loads(line)
            if facts["record"] == "end":
                _end(records, facts)
                continue
            record = _attempt(facts)
        except (ValueError, TypeError, KeyError, RecursionError):
            damaged += 1
            continue
        if not wanted.takes(record, line):
            continue
        records[record.id] = record
        if wanted.limit is not None and len(records) > wanted.limit:
            records.popitem(last=False)
            left_out += 1
    return AuditLog(
        taken_at=taken_at, records=tuple(records.values()), left_out=left_out, damaged=damaged
    )


def _end(records: OrderedDict[str, ActRecord], facts: Mapping[str, Any]) -> None:
    record = records.get(facts["id"])
    # The first end is the one that was noted when it happened.
    if record is not None and record.ending is None:
        records[record.id] = replace(
            record,
            ending=Ending(facts["ending"]),
            detail=clean(str(facts.get("detail") or "")),
            ended_at=parse_time(facts.get("at")),
        )


def _attempt(facts: Mapping[str, Any]) -> ActRecord:
    at, plan, who = parse_time(facts["at"]), facts["plan"], facts["who"]
    if facts["record"] != "attempt" or at is None or not isinstance(plan, dict):
        raise ValueError("no record of an act")
    return ActRecord(
        id=_text(facts["id"]) or "",
        at=at,
        act=_text(facts["act"]) or "",
        subject=_text(facts["subject"]) or "",
        who=Who(
            user=_text(who["user"]) or "",
            host=_text(who["host"]) or "",
            pid=int(who["pid"]),
            login=_text(who.get("login")),
        ),
        profile=_text(facts.get("profile")),
        reason=_text(facts.get("reason")),
        plan=plan,
    )


def _text(value: object) -> str | None:
    return None if value is None else clean(str(value))
