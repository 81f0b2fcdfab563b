"""Node names: the shared layout of the queue and the elections, and the nodes of our own.

The names under /job and /election are given: the Nuvla server and kazoo's LockingQueue('/job') and
Election recipes use the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

JOB = "/job"
ENTRIES = "/job/entries"
TAKEN = "/job/taken"
ELECTION = "/election"

DEFAULT_PRIORITY = 999
"""Priority that the Nuvla server gives a job without one; lower numbers run sooner."""

# The parent's counter is signed and 32 bits wide: past 2**31 it is printed with a minus sign.
_ENTRY = re.compile(r"entry-(\d{3})-(\d{10}|-\d{9,10})", re.ASCII)
_SHAPE = "entry-000-0000000000"
_USUAL = len(_SHAPE)
# kazoo's recipe puts 32 hex digits first, but looks at the end of the name only.
_CONTENDER = re.compile(r".*__lock__(\d{10}|-\d{9,10})", re.ASCII)
_JOB_ID = re.compile(r"job/[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
MAX_JOB_ID = 256
"""Bytes; a real id has 40."""


def is_entry_name(name: str) -> bool:
    """Whether the name is one that the queue's recipe makes; others are foreign nodes."""
    return _ENTRY.fullmatch(name) is not None


def are_entry_names(names: Sequence[str]) -> bool:
    """Whether all names are ones that the queue's recipe makes. Quick for 100,000 of the usual
    length; False where one of them has another, though it may be an entry's."""
    text = "".join(names)
    if set(map(len, names)) - {_USUAL} or not text.isascii():
        return False
    columns = [text[at::_USUAL] for at in range(_USUAL)]
    return not names or all(
        column.isdigit() if character == "0" else column == character * len(names)
        for character, column in zip(_SHAPE, columns, strict=True)
    )


def entry_priority(name: str) -> int:
    """Return the priority in an entry's name."""
    return int(name[6:9])


def entry_sequence(name: str) -> int:
    """Return the sequence number in an entry's name. It is no lasting id: it can restart at 0."""
    return int(name[10:])


def entry_path(name: str) -> str:
    """Return the node of an entry."""
    return f"{ENTRIES}/{name}"


def entry_prefix(priority: int) -> str:
    """Return the path to create, sequentially, for a new entry.

    Raises:
        ValueError: the priority is not within 0 to 999.
    """
    if not 0 <= priority <= 999:
        raise ValueError(f"priority {priority} is not within 0 to 999")
    return f"{ENTRIES}/entry-{priority:03d}-"


def lock_path(name: str) -> str:
    """Return the node that locks the entry of this name."""
    return f"{TAKEN}/{name}"


def parse_job_id(data: bytes | None) -> str | None:
    """Return the job id in an entry's data, or None where the data is no job id."""
    if not data or len(data) > MAX_JOB_ID:
        return None
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text if _JOB_ID.fullmatch(text) else None


def is_job_id(text: str) -> bool:
    """Whether the text is a job id as the server makes them."""
    return len(text) <= MAX_JOB_ID and _JOB_ID.fullmatch(text) is not None


def election_path(name: str) -> str:
    """Return the parent of an election's contenders."""
    return f"{ELECTION}/{name}"


def contender_sequence(node: str) -> int | None:
    """Return the sequence of a contender's node, or None for a foreign node.

    The lowest sequence leads: not the lowest name, since a name starts with a random part.
    """
    match = _CONTENDER.fullmatch(node)
    return int(match[1]) if match else None


class OwnPaths:
    """The nodes of this engine, under a root of its own."""

    def __init__(self, root: str = "/nuvla-engine") -> None:
        """Args: root: an absolute node path without a trailing slash."""
        self.root = root
        self.members = f"{root}/members"
        self.commands = f"{root}/commands"
        self.replies = f"{root}/replies"
        self.stalls = f"{root}/stalls"
        self.pause = f"{root}/pause"
        self.distributions = f"{root}/distributions"
        self.restoring = f"{root}/restoring"
        self.requeues = f"{root}/requeues"
        self.audit = f"{root}/audit"

    def member(self, instance: str) -> str:
        """Return the presence node of a process."""
        return f"{self.members}/{instance}"

    def commands_of(self, instance: str) -> str:
        """Return the parent of the requests to a process."""
        return f"{self.commands}/{instance}"

    def replies_of(self, instance: str) -> str:
        """Return the parent of the answers of a process."""
        return f"{self.replies}/{instance}"

    def stall(self, instance: str) -> str:
        """Return where a process's guard says that its interpreter does not run, and why."""
        return f"{self.stalls}/{instance}"

    def requeueing(self, job_id: str) -> str:
        """Return the node that who requeues a job holds meanwhile."""
        return f"{self.requeues}/{job_id.replace('/', '-')}"

    def distribution(self, name: str) -> str:
        """Return the node that keeps the time of a distributor's last distribution."""
        return f"{self.distributions}/{name}"
