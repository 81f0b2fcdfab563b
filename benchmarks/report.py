"""What a run of the benchmarks says: a table for people, a JSON object for programs."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Setting
from benchmarks.rows import Result, Row
from benchmarks.sides import PEER_PYTHON


def machine(setting: Setting) -> dict[str, Any]:
    """Return what the figures depend on."""
    asked = "from importlib.metadata import version; print(version('nuvla-job-engine'))"
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "java": _first_line(["java", "-version"]),
        "kazoo": version("kazoo"),
        "nuvla-console": version("nuvla-console"),
        "nuvla-job-engine": _first_line([str(PEER_PYTHON), "-c", asked]),
        "zookeeper syncs to disk": setting.durable,
        "our threads": setting.threads,
    }


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return "is missing: run make setup"
    return (done.stdout or done.stderr).partition("\n")[0]


def as_json(facts: dict[str, Any], results: list[tuple[Row, Result | str]]) -> dict[str, Any]:
    """Return everything that was measured."""
    rows = []
    for row, result in results:
        fact: dict[str, Any] = {"name": row.name, "what": row.what, "target": row.target}
        if isinstance(result, str):
            rows.append({**fact, "error": result})
            continue
        fact["value"] = round(row.value(result), 3)
        fact["met"] = row.is_met(result)
        fact["runs"] = {
            part: [{**asdict(figures), "rate": figures.rate} for figures in runs]
            for part, runs in result.runs.items()
        }
        rows.append(fact)
    return {"taken_at": datetime.now(UTC).isoformat(), "machine": facts, "rows": rows}


def show(facts: dict[str, Any], results: list[tuple[Row, Result | str]]) -> None:
    """Print the table, the processor time of each part, and the machine."""
    table = Table(title="engine, beside nuvla-job-engine")
    for heading in ("what", "ours", "upstream", "measured", "target", "met"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row, result in results:
        sign = "≤" if row.at_most else "≥"
        if isinstance(result, str):
            table.add_row(row.what, "-", "-", result, f"{sign} {row.target:g}", "-")
            continue
        sides = [_cell(side, row.unit) for side in (row.ours(result), row.upstream(result))]
        unit = f" {row.unit}" if row.at_most else " x"
        value, target = f"{row.value(result):.2f}{unit}", f"{sign} {row.target:g}{unit}"
        table.add_row(row.what, *sides, value, target, "yes" if row.is_met(result) else "no")
    console = Console(soft_wrap=True)
    console.print(table)
    for row, result in results:
        if not isinstance(result, str):
            for part in result.runs:
                console.print(
                    f"{row.name}, {part}: {result.rate(part):.1f} jobs/s, "
                    f"{result.cpu(part):.2f} ms of processor time a job",
                    highlight=False,
                )
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()), highlight=False)


def _cell(value: float, unit: str) -> str:
    return "-" if math.isnan(value) else f"{value:,.1f} {unit}"
