"""The tables and indexes of the database, and what the query planner is told about them."""

from __future__ import annotations

import sqlite3

from engine.local.api.attributes import STORED, Kind

VERSION = 1
"""Of the layout; kept in the file's `user_version`."""

_TYPES = {Kind.KEYWORD: "TEXT", Kind.INTEGER: "INTEGER", Kind.DATE: "INTEGER"}
_JOB_COLUMNS = ",\n  ".join(f"{column.sql} {_TYPES[column.kind]}" for column in STORED)

_TABLES = f"""
CREATE TABLE job (
  rowid INTEGER PRIMARY KEY,
  {_JOB_COLUMNS},
  document TEXT NOT NULL
);
CREATE TABLE leaf (
  job INTEGER NOT NULL, path TEXT NOT NULL, value NOT NULL, PRIMARY KEY (job, path, value)
) WITHOUT ROWID;
CREATE INDEX leaf_value ON leaf (path, value, job);
CREATE VIRTUAL TABLE words USING fts5 (
  text, columnsize = 0, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
CREATE TABLE user (
  id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL, email TEXT UNIQUE, password TEXT NOT NULL,
  groups TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE api_key (
  id TEXT PRIMARY KEY, user TEXT NOT NULL, secret TEXT NOT NULL, claims TEXT NOT NULL,
  expiry INTEGER
) WITHOUT ROWID;
CREATE TABLE session (
  id TEXT PRIMARY KEY, expiry INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

# Each index is in the order that lists are shown in, and holds what dashboards count by, so that
# pages and counts come from the index alone. The second field is the planner's statistics for
# 200,000 jobs: rows, then rows for one value of each leading column. They are fixed because the
# planner without them takes every index to be equally good, and measured ones change with time.
_INDEXES = {
    "job_id ON job (id)": "200000 1",
    "job_created ON job (created, state, action)": "200000 2 1 1",
    "job_updated ON job (updated, state, action)": "200000 2 1 1",
    "job_state ON job (state, created, action)": "200000 20000 1 1",
    "job_action ON job (action, created, state)": "200000 5000 1 1",
    "job_target ON job (target_resource_href, created, state)": "200000 20 1 1",
    "job_parent ON job (parent_job, created, state) WHERE parent_job IS NOT NULL": "100000 50 1 1",
    "job_priority ON job (priority, created) WHERE priority IS NOT NULL": "20000 5000 1",
    "job_started ON job (started, state) WHERE started IS NOT NULL": "200000 2 1",
}
_OTHER_STATISTICS = (("leaf", "leaf", "800000 4 1 1"), ("leaf", "leaf_value", "800000 200000 8 1"))


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database, within the caller's transaction."""
    for statement in _TABLES.split(";"):  # executescript would end the transaction
        connection.execute(statement)
    for index in _INDEXES:
        connection.execute(f"CREATE {'UNIQUE ' if 'job_id' in index else ''}INDEX {index}")
    connection.execute("ANALYZE")
    connection.execute("DELETE FROM sqlite_stat1")
    jobs = [("job", index.split()[0], numbers) for index, numbers in _INDEXES.items()]
    connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", [*jobs, *_OTHER_STATISTICS])
    connection.execute(f"PRAGMA user_version = {VERSION}")
