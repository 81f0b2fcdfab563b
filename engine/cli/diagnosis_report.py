"""From diagnoses and check-ups to reports: why, doctor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any

from engine.cli.output import GAP, Column, Report
from engine.models import Checkup, Diagnosis, Evidence, Finding, Severity, Verdict
from engine.wording import cells, count, counted

HEALTH = {Severity.GOOD: "healthy", Severity.DOUBT: "doubtful", Severity.BAD: "stuck"}
MARKS = {Severity.GOOD: "ok", Severity.DOUBT: "!", Severity.BAD: "!!"}
FINDING_COLUMNS = (
    Column(""),
    Column("FINDING"),
    Column("JOBS", right=True),
    Column("DO"),
    Column("WHAT"),
)
_LEAST = 30
"""Columns that WHAT has however narrow the terminal is."""
NOTHING = "Nothing is stuck: all that was read is healthy."


def why_report(diagnosis: Diagnosis) -> Report:
    """Return the verdict on one job, with its evidence."""
    return Report(
        schema="nuvla-engine/why/1",
        taken_at=diagnosis.taken_at,
        sources=diagnosis.sources,
        facts={
            "job": diagnosis.job_id,
            "verdict": str(diagnosis.verdict),
            "healthy": diagnosis.is_healthy,
            "summary": diagnosis.summary,
            "acts": acts_json(diagnosis),
        },
        items_name="evidence",
        items=map(evidence_json, diagnosis.evidence),
        columns=(Column(""), Column("")),
        rows=_why_rows(diagnosis),
        summary=f"{diagnosis.job_id}: {diagnosis.verdict}",
        empty="",
        is_sheet=True,
    )


def doctor_report(checkup: Checkup, width: int | None = None) -> Report:
    """Return all findings, worst first.

    Args: width: columns of the terminal, in which what is wrong is wrapped; None is unlimited.
    """
    read = (
        f"{counted(checkup.depth, 'entry', 'entries')} and "
        f"{counted(checkup.documents, 'unfinished document')} were read"
    )
    left = "".join(f"\nnot looked at: {each}" for each in checkup.left_out)
    return Report(
        schema="nuvla-engine/doctor/1",
        taken_at=checkup.taken_at,
        sources=checkup.sources,
        facts={
            "healthy": not checkup.findings,
            "depth": checkup.depth,
            "documents": checkup.documents,
            "unread": checkup.unread,
            "left_out": checkup.left_out,
        },
        items_name="findings",
        items=map(finding_json, checkup.findings),
        columns=FINDING_COLUMNS,
        rows=_finding_rows(checkup.findings, width),
        summary=f"{counted(len(checkup.findings), 'finding')}; {read}{left}",
        empty=NOTHING if not any(source.error for source in checkup.sources) else "",
    )


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Return one claim with its datum."""
    age_s = evidence.age_s
    return {
        "claim": evidence.claim,
        "datum": evidence.datum,
        "source": evidence.source,
        "age_s": None if age_s is None else round(age_s, 3),
    }


def acts_json(made: Diagnosis | Finding) -> list[dict[str, str]]:
    """Return the safe acts, the first choice first."""
    return [{"act": act.act, "text": act.text} for act in made.acts]


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return one finding."""
    return {
        "verdict": str(finding.verdict),
        "severity": finding.severity.name.lower(),
        "subject": finding.subject,
        "summary": finding.summary,
        "count": finding.count,
        "jobs": finding.jobs,
        "evidence": [evidence_json(each) for each in finding.evidence],
        "acts": acts_json(finding),
    }


def _why_rows(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    verdict = diagnosis.verdict
    health = "not known" if verdict is Verdict.UNKNOWN else HEALTH[verdict.severity]
    yield "verdict", f"{verdict} ({health})"
    yield "why", diagnosis.summary
    yield "taken at", _clock(diagnosis.taken_at)
    for evidence in diagnosis.evidence:
        when = "not read" if evidence.age_s is None else f"{evidence.age_s:.1f} s ago"
        yield "evidence", evidence.claim
        yield "", f"{evidence.source}, {when}: {evidence.datum}"
    for act in diagnosis.acts:
        yield "do", f"{act.act}: {act.text}"


def _finding_rows(findings: Sequence[Finding], width: int | None) -> Iterator[tuple[str, ...]]:
    rows = [_finding_row(finding) for finding in findings]
    beside = [[column.title for column in FINDING_COLUMNS], *rows]
    taken = sum(max(cells(row[place]) for row in beside) for place in range(4))
    room = None if width is None else max(_LEAST, width - taken - 4 * len(GAP))
    for row in rows:
        lines = [row[-1]] if room is None else wrap(row[-1], room, break_on_hyphens=False) or [""]
        yield (*row[:-1], lines[0])
        for line in lines[1:]:
            yield ("", "", "", "", line)


def _finding_row(finding: Finding) -> tuple[str, ...]:
    act = finding.acts[0].act if finding.acts else ""
    jobs = count(finding.count) if finding.count else ""
    what = finding.summary
    if finding.subject and finding.subject not in what:
        what = f"{finding.subject}: {what}"
    if finding.jobs:
        what += f" {finding.jobs[0]}" if finding.count == 1 else f" The first: {finding.jobs[0]}"
    return MARKS[finding.severity], str(finding.verdict), jobs, act, what


def _clock(when: datetime) -> str:
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
