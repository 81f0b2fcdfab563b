"""All metrics by name: the only place that says what there is. docs/metrics.md shows it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from engine.measures import Spread


class Kind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    """Only grows, and starts anew with the process."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One metric."""

    name: str
    kind: Kind
    help: str
    """Without a full stop."""
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """A metric's value at one moment."""

    metric: Metric
    value: float | Spread
    labels: tuple[str, ...] = ()
    """The labels' values, in the metric's order."""


INFO = Metric(
    "nuvla_engine_info",
    Kind.GAUGE,
    "1; its labels say what this process is",
    ("kind", "name", "version"),
)
# Jobs of this executor.
CLAIMED = Metric("nuvla_engine_jobs_claimed_total", Kind.COUNTER, "Jobs that this executor claimed")
ENDED = Metric(
    "nuvla_engine_jobs_ended_total",
    Kind.COUNTER,
    "Jobs that left this executor, by the state that they were left in; put-back: to run again, "
    "or settled by somebody else",
    ("action", "outcome"),
)
RUN_SECONDS = Metric(
    "nuvla_engine_job_seconds",
    Kind.HISTOGRAM,
    "Seconds from a job's claim until it was settled",
    ("action",),
)
WAIT_SECONDS = Metric(
    "nuvla_engine_job_wait_seconds",
    Kind.HISTOGRAM,
    "Seconds from a job's entry in the queue until its claim, by the servers' and our clock",
)
THREADS = Metric(
    "nuvla_engine_threads",
    Kind.GAUGE,
    "Worker threads; lost: their action goes on although its job was ended over its limit",
    ("state",),
)
LONGEST = Metric(
    "nuvla_engine_longest_job_seconds",
    Kind.GAUGE,
    "Seconds that the job has run that runs for longest; 0 without one",
)
PAUSED = Metric(
    "nuvla_engine_claiming_paused",
    Kind.GAUGE,
    "1 while this executor claims nothing, for any reason",
)
UNUSABLE = Metric(
    "nuvla_engine_unusable_entries_total",
    Kind.COUNTER,
    "Entries without a job id that this executor removed",
)
# The queue, as ZooKeeper has it: the same from every process.
ENTRIES = Metric("nuvla_engine_queue_entries", Kind.GAUGE, "Nodes in /job/entries")
TAKEN = Metric("nuvla_engine_queue_taken", Kind.GAUGE, "Locks in /job/taken")
# Servers.
API_SECONDS = Metric(
    "nuvla_engine_api_request_seconds",
    Kind.HISTOGRAM,
    "Seconds of the engine's own calls of the API, log-ins and repeats included",
    ("method",),
)
API_ERRORS = Metric(
    "nuvla_engine_api_errors_total",
    Kind.COUNTER,
    "The engine's own calls of the API that failed",
    ("error",),
)
API_UP = Metric("nuvla_engine_api_up", Kind.GAUGE, "1 while the API can be used")
ZK_SECONDS = Metric(
    "nuvla_engine_zookeeper_seconds",
    Kind.HISTOGRAM,
    "Seconds until ZooKeeper answered a heartbeat of the session",
)
ZK_CONNECTED = Metric("nuvla_engine_zookeeper_connected", Kind.GAUGE, "1 while connected")
ZK_CONNECTIONS = Metric(
    "nuvla_engine_zookeeper_connections_total",
    Kind.COUNTER,
    "Connections to ZooKeeper that were made and logged in",
)
ZK_LOST = Metric(
    "nuvla_engine_zookeeper_sessions_lost_total",
    Kind.COUNTER,
    "Sessions that expired or had to be presumed lost, with their claims and elections",
)
# Distributors.
LEADING = Metric(
    "nuvla_engine_leading",
    Kind.GAUGE,
    "1 where this process leads the election",
    ("distributor",),
)
DISTRIBUTIONS = Metric(
    "nuvla_engine_distributions_total",
    Kind.COUNTER,
    "Distributions of this process",
    ("distributor", "outcome"),
)
DISTRIBUTED = Metric(
    "nuvla_engine_jobs_distributed_total",
    Kind.COUNTER,
    "Jobs that this process created",
    ("distributor",),
)
# nuvla-engine doctor --prometheus
FINDINGS = Metric(
    "nuvla_engine_findings", Kind.GAUGE, "Findings of the check-up", ("verdict", "severity")
)
FINDING_JOBS = Metric(
    "nuvla_engine_finding_jobs", Kind.GAUGE, "Jobs that the findings are about", ("verdict",)
)
SOURCE_UP = Metric(
    "nuvla_engine_doctor_source_up", Kind.GAUGE, "1 where the check-up could read it", ("source",)
)
CHECKED_AT = Metric(
    "nuvla_engine_doctor_timestamp_seconds", Kind.GAUGE, "When the check-up was made, Unix time"
)

SERVICE_METRICS = (
    INFO,
    CLAIMED,
    ENDED,
    RUN_SECONDS,
    WAIT_SECONDS,
    THREADS,
    LONGEST,
    PAUSED,
    UNUSABLE,
    ENTRIES,
    TAKEN,
    API_SECONDS,
    API_ERRORS,
    API_UP,
    ZK_SECONDS,
    ZK_CONNECTED,
    ZK_CONNECTIONS,
    ZK_LOST,
    LEADING,
    DISTRIBUTIONS,
    DISTRIBUTED,
)
DOCTOR_METRICS = (FINDINGS, FINDING_JOBS, SOURCE_UP, CHECKED_AT, ENTRIES)
