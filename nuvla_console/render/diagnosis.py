"""Findings, and the verdict on one job with its evidence."""

from __future__ import annotations

from engine import wording
from engine.models import Checkup, Diagnosis, Evidence, Finding, SafeAct, Severity, Verdict
from engine.view.picture import Judgement, Picture
from nuvla_console.render import values
from nuvla_console.render.cells import Cell, Line, Tone, cut_end
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

_TONES = {Severity.GOOD: Tone.GOOD, Severity.DOUBT: Tone.DOUBT, Severity.BAD: Tone.BAD}
_SIGNS = {Severity.GOOD: "✓", Severity.DOUBT: "▲", Severity.BAD: "✗"}
_LABEL = 10
NOTHING = "Nothing is stuck: all that was read is healthy."


def key(finding: Finding) -> str:
    """Return what a row is known by."""
    return f"{finding.verdict} {finding.subject} {finding.jobs[0] if finding.jobs else ''}"


def text(finding: Finding) -> str:
    """Return what a filter looks at."""
    return f"{finding.verdict} {finding.subject} {finding.summary} {' '.join(finding.jobs)}"


def verdict_cell(verdict: Verdict) -> Cell:
    """Return a verdict with its shape."""
    severity = verdict.severity
    return Cell(f"{_SIGNS[severity]} {verdict}", _TONES[severity])


def _about(finding: Finding) -> str:
    """Return what it is about, or the one job where it is about nothing else."""
    return finding.subject or (finding.jobs[0] if len(finding.jobs) == 1 else "")


def _jobs(finding: Finding, _scene: Scene) -> Cell:
    return values.number(finding.count) if finding.count else Cell("")


def _advice(finding: Finding, _scene: Scene) -> Cell:
    return Cell(finding.acts[0].act if finding.acts else "", Tone.STRONG)


COLUMNS: tuple[Column[Finding], ...] = (
    Column(
        title="finding",
        width=19,
        cell=lambda finding, _: verdict_cell(finding.verdict),
        sort=lambda finding: (-finding.severity, finding.verdict),
    ),
    Column(title="jobs", width=6, right=True, cell=_jobs, sort=lambda finding: finding.count),
    Column(
        title="about",
        width=10,
        grow=1,
        most=32,
        middle=True,
        rank=1,
        cell=lambda finding, _: Cell(_about(finding), Tone.DIM),
        sort=lambda finding: finding.subject,
    ),
    Column(title="what", width=20, grow=4, cell=lambda finding, _: Cell(finding.summary)),
    Column(title="do", width=12, cell=_advice),
)


def checked(picture: Picture, scene: Scene) -> Line:
    """Return what the last check-up came to, and its age."""
    if picture.checkup_error:
        return (Cell(f"▲ the check-up failed: {picture.checkup_error}", Tone.DOUBT),)
    checkup = picture.checkup
    if checkup is None:
        return (Cell("… looking for what is stuck", Tone.DIM),)
    since = Cell(f"  looked {_when(picture, scene)} at {_extent(checkup)}", Tone.DIM)
    if not checkup.findings:
        return (Cell("✓ nothing is stuck", Tone.GOOD), since)
    worst = checkup.findings[0].severity
    number = wording.counted(len(checkup.findings), "finding")
    return (Cell(f"{_SIGNS[worst]} {number}", _TONES[worst]), since)


def _when(picture: Picture, scene: Scene) -> str:
    """Return when the check-up was: at rest the time of day, which does not move."""
    at = picture.checked_at
    if scene.coarse and at is not None:
        return f"at {at.astimezone(scene.zone):%H:%M}"
    return f"{scene.age(at).text} ago"


def _extent(checkup: Checkup) -> str:
    entries = wording.counted(checkup.depth, "entry", "entries")
    return f"{entries} and {wording.counted(checkup.documents, 'unfinished job')}"


def worst(checkup: Checkup | None, width: int) -> Line | None:
    """Return the worst finding as a line; None where nothing was found."""
    if checkup is None or not checkup.findings:
        return None
    finding = checkup.findings[0]
    severity = finding.severity
    more = len(checkup.findings) - 1
    rest = f";  and {more} more" if more else ""
    words = f"{_SIGNS[severity]} {finding.summary.rstrip('.')}"
    return (Cell(cut_end(words, width - len(rest)) + rest, _TONES[severity]),)


def in_full(finding: Finding, checkup: Checkup) -> list[Line]:
    """Return a finding with its evidence, what to do, and its jobs."""
    tone = _TONES[finding.severity]
    head = f"  {finding.subject}" if finding.subject else ""
    lines: list[Line] = [
        (verdict_cell(finding.verdict), Cell(head, Tone.STRONG)),
        (Cell(finding.summary, tone),),
        (),
        *_acts(finding.acts),
        *_evidence(finding.evidence),
    ]
    if finding.jobs:
        others = finding.count - len(finding.jobs)
        shown = [
            (Cell(f"{'jobs' if not at else '':<{_LABEL}}", Tone.DIM), Cell(job))
            for at, job in enumerate(finding.jobs)
        ]
        lines += [(), *shown]
        if others > 0:
            lines.append((Cell(" " * _LABEL), Cell(f"and {wording.count(others)} more", Tone.DIM)))
    for words in checkup.left_out:
        lines += [(), (Cell(f"{'left out':<{_LABEL}}", Tone.DIM), Cell(words, Tone.DOUBT))]
    return lines


def judged(judgement: Judgement | None, job_id: str, scene: Scene) -> list[Line]:
    """Return the verdict on a job: what is wrong, why, and what to do; the verdict comes first."""
    if judgement is None or judgement.job_id != job_id:
        return [(Cell("… asking why it stands where it stands", Tone.DIM),)]
    diagnosis = judgement.diagnosis
    if diagnosis is None:
        return [(Cell(f"▲ no verdict: {judgement.error}", Tone.DOUBT),)]
    return _diagnosis(diagnosis, scene)


def _diagnosis(diagnosis: Diagnosis, scene: Scene) -> list[Line]:
    tone = _TONES[diagnosis.verdict.severity]
    age = scene.age(diagnosis.taken_at).text
    lines: list[Line] = [
        (verdict_cell(diagnosis.verdict), Cell(f"  looked {age} ago", Tone.DIM)),
        (Cell(diagnosis.summary, Tone.PLAIN if diagnosis.is_healthy else tone),),
    ]
    return [*lines, *_acts(diagnosis.acts), *_evidence(diagnosis.evidence)]


def _acts(acts: tuple[SafeAct, ...]) -> list[Line]:
    return [
        (
            Cell(f"{'do' if not at else '':<{_LABEL}}", Tone.DIM),
            Cell(act.act, Tone.STRONG),
            Cell(f"  {act.text}"),
        )
        for at, act in enumerate(acts)
    ]


def _evidence(evidence: tuple[Evidence, ...]) -> list[Line]:
    lines: list[Line] = []
    for at, each in enumerate(evidence):
        when = "not read" if each.age_s is None else f"{each.age_s:.0f}s old"
        lines.append((Cell(f"{'because' if not at else '':<{_LABEL}}", Tone.DIM), Cell(each.claim)))
        source = f"{each.source}, {when}: {each.datum}"
        lines.append((Cell(" " * _LABEL), Cell(source, Tone.DIM)))
    return lines
