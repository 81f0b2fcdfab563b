"""`python -m benchmarks`: measures the rows and prints a table. Ends with 0, targets met or not."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from kazoo.exceptions import KazooException

from benchmarks.measure import Setting, TooSlow
from benchmarks.report import as_json, machine, show
from benchmarks.rows import FULL, QUICK, ROWS, Result, Row, Size
from benchmarks.sides import ExecutorEnded
from engine.errors import EngineError

DEFAULT_THREADS = 32


def arguments() -> argparse.Namespace:
    """Return the command line."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(names)}; else all")
    parser.add_argument("--quick", action="store_true", help="one repeat, short measurements")
    parser.add_argument("--repeats", type=int, help="measure each row so many times")
    parser.add_argument("--threads", type=int, default=DEFAULT_THREADS, help="of our executor")
    parser.add_argument("--durable", action="store_true", help="let ZooKeeper sync to the disk")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args()
    if unknown := set(given.rows) - set(names):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return given


def main() -> None:
    """Measure the rows that are asked for."""
    given = arguments()
    size = QUICK if given.quick else FULL
    size = replace(size, repeats=given.repeats or size.repeats)
    setting = Setting(threads=given.threads, durable=given.durable)
    facts = machine(setting)
    results: list[tuple[Row, Result | str]] = []
    for row in ROWS:
        if not given.rows or row.name in given.rows:
            print(f"measuring {row.name}: {row.what}", file=sys.stderr)
            results.append((row, _measure(row, size, setting)))
    if given.json:
        given.json.write_text(json.dumps(as_json(facts, results), indent=1) + "\n", "utf-8")
    show(facts, results)


def _measure(row: Row, size: Size, setting: Setting) -> Result | str:
    result = Result()
    try:
        for _ in range(size.repeats):
            row.run(result, size, setting)
    except (ExecutorEnded, TooSlow, EngineError, KazooException, OSError) as error:
        return str(error)
    return result


if __name__ == "__main__":
    main()
