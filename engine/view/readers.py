"""Every reader by one name: what the verbs and the console read.

Each reads once and returns a snapshot. Errors of the sources pass through: a snapshot is whole or
there is none, except that nodes which vanish while it is taken are left out.
"""

from __future__ import annotations

from engine.view.elections import read_elections
from engine.view.jobs import join_queue, read_job, read_jobs
from engine.view.members import read_members
from engine.view.queue import (
    entries_by_job,
    find_entries,
    read_depth,
    read_entries,
    read_locks,
    read_names,
    read_queue,
    read_taken,
)

__all__ = [
    "entries_by_job",
    "find_entries",
    "join_queue",
    "read_depth",
    "read_elections",
    "read_entries",
    "read_job",
    "read_jobs",
    "read_locks",
    "read_members",
    "read_names",
    "read_queue",
    "read_taken",
]
