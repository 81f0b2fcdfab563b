"""`doctor --prometheus`: the findings as metrics, for the textfile collector of a node exporter."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from engine.errors import SettingsError
from engine.models import Checkup, Verdict
from engine.service.metrics import catalogue as m
from engine.service.metrics.catalogue import Sample
from engine.service.metrics.prometheus import exposition

STDOUT = "-"


def write_metrics(checkup: Checkup, target: str) -> None:
    """Write the findings of a check-up.

    Args: target: a file, which is replaced as a whole, or "-" for stdout.

    Raises:
        SettingsError: the file cannot be written, or the extra is not installed.
    """
    text = exposition(samples(checkup))
    if target == STDOUT:
        sys.stdout.write(text)
        return
    path = Path(target)
    # Beside it, so that it is moved and not copied; the collector reads only names in .prom.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(
            f"prometheus: {target} cannot be written: {error.strerror or error}"
        ) from error


def samples(checkup: Checkup) -> Iterator[Sample]:
    """Yield the findings by verdict; 0 for those that there are none of, so that alerts end."""
    found, jobs = Counter[Verdict](), Counter[Verdict]()
    for finding in checkup.findings:
        found[finding.verdict] += 1
        jobs[finding.verdict] += finding.count
    for verdict in Verdict:
        if not verdict.is_healthy:
            labels = (verdict.value, verdict.severity.name.lower())
            yield Sample(m.FINDINGS, found[verdict], labels)
            yield Sample(m.FINDING_JOBS, jobs[verdict], (verdict.value,))
    for source in checkup.sources:
        yield Sample(m.SOURCE_UP, source.error is None, (source.name,))
    yield Sample(m.CHECKED_AT, checkup.taken_at.timestamp())
    if not any(source.error and source.name == "zookeeper" for source in checkup.sources):
        yield Sample(m.ENTRIES, checkup.depth)
