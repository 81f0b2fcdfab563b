"""Jobs in the database: read one, insert, replace, delete. All within a caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from engine.local.api import attributes
from engine.local.api.jobs import Document

_COLUMNS = [column.sql for column in attributes.STORED]
_INSERT = (
    f"INSERT INTO job ({', '.join(_COLUMNS)}, document) "
    f"VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})"
)


def find(connection: sqlite3.Connection, job_id: str) -> Document | None:
    """Return a job's document, or None where there is none."""
    row = connection.execute("SELECT document FROM job WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else json.loads(row[0])


def insert(connection: sqlite3.Connection, job: Document) -> None:
    """Store a new job."""
    values = attributes.column_values(job)
    cursor = connection.execute(_INSERT, (*values.values(), _encoded(job)))
    row = cursor.lastrowid
    connection.executemany(
        "INSERT INTO leaf VALUES (?, ?, ?)",
        [(row, path, value) for path, value in attributes.leaves(job)],
    )
    connection.execute(
        "INSERT INTO words (rowid, text) VALUES (?, ?)", (row, attributes.words(job))
    )


def replace(connection: sqlite3.Connection, old: Document, new: Document) -> None:
    """Store the new document of a job; only the columns and leaves that differ are written."""
    row = row_of(connection, old["id"])
    before = attributes.column_values(old)
    changed = {
        name: value
        for name, value in attributes.column_values(new).items()
        if value != before[name]
    }
    assignments = "".join(f"{name} = ?, " for name in changed)
    connection.execute(
        f"UPDATE job SET {assignments}document = ? WHERE rowid = ?",
        (*changed.values(), _encoded(new), row),
    )
    old_leaves, new_leaves = attributes.leaves(old), attributes.leaves(new)
    connection.executemany(
        "DELETE FROM leaf WHERE job = ? AND path = ? AND value = ?",
        [(row, *leaf) for leaf in old_leaves - new_leaves],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO leaf VALUES (?, ?, ?)",
        [(row, *leaf) for leaf in new_leaves - old_leaves],
    )
    if (words := attributes.words(new)) != attributes.words(old):
        connection.execute("UPDATE words SET text = ? WHERE rowid = ?", (words, row))


def delete(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Remove jobs by their row numbers."""
    each = [(row,) for row in rows]
    connection.executemany("DELETE FROM words WHERE rowid = ?", each)
    connection.executemany("DELETE FROM leaf WHERE job = ?", each)
    connection.executemany("DELETE FROM job WHERE rowid = ?", each)


def row_of(connection: sqlite3.Connection, job_id: str) -> int:
    """Return the row number of a job that is there."""
    return int(connection.execute("SELECT rowid FROM job WHERE id = ?", (job_id,)).fetchone()[0])


def _encoded(job: Document) -> str:
    return json.dumps(job, separators=(",", ":"))
