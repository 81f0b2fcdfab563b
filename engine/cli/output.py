"""Writes a report: an aligned table for people, one JSON object for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TextIO

from engine.models import Source, format_time
from engine.wording import cells, fit, short_id

GAP = "  "
FALLBACK_WIDTH = 80
MIN_ID = 13
"""Columns below which an id is not shortened further: ``job/3d2f…9e0f``."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    right: bool = False
    """Numbers and ages stand at the right."""
    is_id: bool = False
    """Shortened in its middle where a terminal is too narrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A view, ready to be written in either form; rows and items are read once."""

    schema: str
    """Such as "nuvla-engine/queue/1"."""
    taken_at: datetime
    sources: Sequence[Source]
    facts: Json = field(default_factory=dict)
    """What the JSON object holds beside its items."""
    items_name: str
    items: Iterable[Json]
    columns: Sequence[Column]
    rows: Iterable[Sequence[str]]
    summary: str
    """One line: the most important facts of the view."""
    empty: str
    """Why there are no rows, and what would make some."""
    is_sheet: bool = False
    """Fields and values of one thing: nothing is cut, and there are no titles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a report goes."""

    results: TextIO
    remarks: TextIO
    width: int | None = None
    """Columns of the terminal; None where the output is no terminal, and nothing is cut."""

    @classmethod
    def of(cls, results: TextIO, remarks: TextIO) -> Output:
        """Return the output for these streams; only a terminal limits the width."""
        if not results.isatty():
            return cls(results=results, remarks=remarks)
        try:
            width = os.get_terminal_size(results.fileno()).columns
        except OSError:
            width = 0
        # A terminal that does not know its size says 0.
        return cls(results=results, remarks=remarks, width=width or FALLBACK_WIDTH)


def write_report(report: Report, output: Output, *, as_json: bool) -> None:
    """Write a report: results to stdout, remarks beside a table to stderr."""
    if as_json:
        write_json(report, output.results)
    else:
        write_table(report, output)


def write_json(report: Report, stream: TextIO) -> None:
    """Write one JSON object, item by item, so that a long queue is never held twice."""
    head = {
        "schema": report.schema,
        "taken_at": format_time(report.taken_at),
        "sources": {source.name: source_json(source) for source in report.sources},
        **report.facts,
    }
    stream.write(json.dumps(head)[:-1] + f', "{report.items_name}": [')
    encode = json.JSONEncoder(check_circular=False).encode
    separator = "\n"
    for item in report.items:
        stream.write(separator + encode(item))
        separator = ",\n"
    stream.write("\n]}\n" if separator != "\n" else "]}\n")


def write_failure(schema: str, taken_at: datetime, source: Source, stream: TextIO) -> None:
    """Write the JSON object of a view whose source failed: it has no facts and no items."""
    failure = {
        "schema": schema,
        "taken_at": format_time(taken_at),
        "sources": {source.name: source_json(source)},
    }
    stream.write(json.dumps(failure) + "\n")


def source_json(source: Source) -> dict[str, Any]:
    """Return a source's age in seconds, or its error."""
    if source.error is not None:
        return {"error": source.error}
    age = source.age(datetime.now(UTC))
    return {"age_s": None if age is None else round(age, 3)}


def write_table(report: Report, output: Output) -> None:
    """Write the rows under their titles; the summary and what could not be read to stderr."""
    for source in report.sources:
        if source.error is not None:
            print(f"{source.name}: {source.error}", file=output.remarks)
    print(report.summary, file=output.remarks)
    rows = [tuple(row) for row in report.rows]
    if not rows:
        print(report.empty, file=output.remarks)
        return
    output.remarks.flush()
    width = None if report.is_sheet else output.width
    lines = table_lines(report.columns, rows, width)
    for line in islice(lines, 1, None) if report.is_sheet else lines:
        output.results.write(line + "\n")


def table_lines(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> Iterator[str]:
    """Yield the lines of a table that fits the width; None is unlimited."""
    widths = [
        max(cells(column.title), max(cells(row[place]) for row in rows))
        for place, column in enumerate(columns)
    ]
    cut = _fitted(columns, widths, width)
    yield _line(columns, [column.title for column in columns], cut)
    for row in rows:
        yield _line(columns, row, cut)


def _fitted(columns: Sequence[Column], widths: list[int], width: int | None) -> list[int]:
    """Shorten ids first, then the last column that holds text."""
    fitted = list(widths)
    if width is None:
        return fitted
    excess = sum(fitted) + len(GAP) * (len(fitted) - 1) - width
    for place in [p for p, column in enumerate(columns) if column.is_id]:
        spare = min(max(0, excess), max(0, fitted[place] - MIN_ID))
        fitted[place] -= spare
        excess -= spare
    for place in reversed([p for p, c in enumerate(columns) if not c.is_id and not c.right]):
        spare = min(max(0, excess), max(0, fitted[place] - cells(columns[place].title)))
        fitted[place] -= spare
        excess -= spare
    return fitted


def _line(columns: Sequence[Column], values: Sequence[str], widths: Sequence[int]) -> str:
    parts = []
    for column, value, width in zip(columns, values, widths, strict=True):
        text = short_id(value, width) if column.is_id else fit(value, width)
        pad = " " * (width - cells(text))
        parts.append(pad + text if column.right else text + pad)
    return GAP.join(parts).rstrip()
