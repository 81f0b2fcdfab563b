"""Cancel: the API makes a job CANCELED; who runs it is told, or finds out."""

from __future__ import annotations

from engine.act.bases import DocumentBasis
from engine.act.operations import CancelJob
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.errors import NotFound
from engine.models import Evidence, JobRecord
from engine.states import JobState
from engine.text import clean
from engine.view.jobs import read_job


def plan_cancel(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to cancel a job.

    Raises:
        ApiError: its document cannot be read.
    """
    record = read_record(sources, subject)
    plan = Plan(
        act="cancel",
        subject=subject,
        options=options,
        rests_on=(DocumentBasis.of(subject, record),),
        evidence=(document_evidence(subject, record),),
        operations=(CancelJob(job_id=subject),),
        effects=_effects(record),
        warnings=_warnings(record),
    )
    if record is None:
        return plan.refuse("the API has no such job")
    if record.is_final:
        return plan.refuse(f"it is {record.state} already")
    return plan


def look_at_cancel(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the job is cancelled.

    Raises:
        ApiError: its document cannot be read.
    """
    record = read_record(sources, plan.subject)
    if record is None:
        return Sight(is_done=False, detail="the job is gone")
    return Sight(is_done=record.state is JobState.CANCELED, detail=f"it is {record.state}")


def read_record(sources: Sources, job_id: str) -> JobRecord | None:
    """Return a job's document, or None where the API has none.

    Raises:
        ApiError: it cannot be read.
    """
    try:
        return read_job(sources.client, job_id)
    except NotFound:
        return None


def document_evidence(job_id: str, record: JobRecord | None) -> Evidence:
    """Return what the API said of a job."""
    if record is None:
        return Evidence(claim="The API has no such job.", datum=f"404: {job_id}", source="api")
    claim = f"The document says {record.state}."
    message = f", status-message={clean(record.status_message, limit=120)}"
    datum = f"action={record.action}{message if record.status_message else ''}"
    return Evidence(claim=claim, datum=datum, source="api", age_s=0.0)


def _effects(record: JobRecord | None) -> tuple[str, ...]:
    effects = ["the job is CANCELED for good"]
    if record is not None and record.state is JobState.QUEUED and record.is_queued:
        effects.append("its entry stays until an executor meets it and drops it: it does not run")
    if record is not None and record.action.startswith("bulk"):
        effects.append("the server queues a job that cancels its children")
    return tuple(effects)


def _warnings(record: JobRecord | None) -> tuple[str, ...]:
    if record is None or record.state is not JobState.RUNNING:
        return ()
    return (
        "a cancel does not stop a thread: our executors tell the action within some seconds, and "
        "it ends where it looks; others run it to its end",
    )
