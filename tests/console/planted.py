"""A picture with planted states, and a store that shows it: for screens without any server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from engine.act.bulk import Progress
from engine.act.plan import Options, Plan
from engine.errors import EngineError
from engine.models import (
    Checkup,
    Contender,
    Diagnosis,
    Distribution,
    ElectionSnapshot,
    ElectionStatus,
    Ending,
    Evidence,
    Finding,
    Frame,
    JobRecord,
    Lock,
    Member,
    MemberKind,
    MemberSnapshot,
    MemberState,
    Outcome,
    Owner,
    QueueEntry,
    QueueSnapshot,
    RunningJob,
    SafeAct,
    StackReport,
    TakenSnapshot,
    ThreadStack,
    Verdict,
    format_time,
)
from engine.states import JobState
from engine.view.picture import (
    Condition,
    Health,
    JobCounts,
    Judgement,
    Note,
    Picture,
    Sample,
    Search,
    Sight,
)
from engine.view.stacks import MemberStacks
from nuvla_console.app import ConsoleApp
from nuvla_console.config import Preferences
from nuvla_console.profiles import Connection, Profile

NOW = datetime(2026, 11, 24, 14, 2, 31, tzinfo=UTC)
ACTIONS = ("start_deployment", "deployment_state", "cleanup_jobs", "bulk_update_deployment")
FOREIGN_SESSION = 0x2000_0370_C4E0_0002
OUR_SESSION = 0x1000_0370_C4E0_0001
TRACE = """Traceback (most recent call last):
  File "/opt/actions/start_deployment.py", line 41, in do_work
    self.pull(image)
  File "/opt/actions/start_deployment.py", line 77, in pull
    raise ConnectionError(f"{host} refused the connection")
ConnectionError: 10.0.0.5:443 refused the connection"""


def ago(**span: float) -> datetime:
    """Return a moment before NOW."""
    return NOW - timedelta(**span)


def job_id(number: int) -> str:
    """Return an id that looks like a real one."""
    return f"job/{UUID(int=number * 0x1F3D_5B79_9731_0000_1234_5678_9ABC_DEF1 % 2**128)}"


def entry_name(number: int) -> str:
    """Return the name of an entry; the first ones have a higher priority."""
    return f"entry-{10 if number < 3 else 999:03d}-{number:010d}"


def document(number: int, state: JobState = JobState.QUEUED, **changes: Any) -> JobRecord:
    """Return a job document as the API would give it."""
    created = ago(minutes=3 * number + 1)
    raw: dict[str, Any] = {
        "id": job_id(number),
        "action": ACTIONS[number % 4],
        "state": str(state),
        "version": 2,
        "progress": 100 if state.is_final else 30 if state is JobState.RUNNING else 0,
        "target-resource": {"href": f"deployment/{UUID(int=number + 77)}"},
        "created": format_time(created),
        "updated": format_time(created + timedelta(seconds=50)),
        "created-by": "user/jane",
        "tags": [f"/job/entries/{entry_name(number)}"],
    }
    if state is not JobState.QUEUED:
        raw["started"] = format_time(created + timedelta(seconds=40))
    if state is JobState.FAILED:
        raw |= {"return-code": 1, "duration": 10, "status-message": TRACE}
    if state is JobState.SUCCESS:
        raw |= {"return-code": 0, "duration": 4, "status-message": "done"}
    if state is JobState.RUNNING:
        raw["status-message"] = "pulling images"
    return JobRecord.from_json(raw | changes)


def locks() -> dict[str, Lock]:
    """Return two locks of ours and one of a foreign executor."""
    ours = Owner(session=OUR_SESSION, instance="exec-a.node1.4121.ab12", thread="worker-1")
    other = replace(ours, thread="worker-2")
    owners = (ours, other, Owner(session=FOREIGN_SESSION))
    return {
        entry_name(number): Lock(
            entry=entry_name(number),
            owner=owner,
            since=ago(minutes=12 - 5 * number),
            job_id=job_id(number),
        )
        for number, owner in enumerate(owners)
    }


def queue(size: int = 60) -> QueueSnapshot:
    """Return a queue of entries, three of which are held."""
    held = locks()
    names = [entry_name(number) for number in range(size)]
    entries = tuple(
        QueueEntry(
            name,
            int(name[6:9]),
            number,
            job_id(number),
            ago(minutes=3 * number + 1),
            held.get(name),
        )
        for number, name in enumerate(names)
    )
    return QueueSnapshot(
        taken_at=NOW, depth=len(entries), entries=entries, held=min(3, len(entries))
    )


def members() -> tuple[Member, ...]:
    """Return two executors, one of which drains, and a distributor."""
    running = tuple(
        RunningJob(
            job_id=job_id(n),
            entry=entry_name(n),
            action=ACTIONS[n],
            thread=f"worker-{n + 1}",
            since=ago(minutes=12 - 5 * n),
        )
        for n in range(2)
    )
    first = Member(
        instance="exec-a.node1.4121.ab12",
        kind=MemberKind.EXECUTOR,
        name="exec-a",
        host="node1",
        pid=4121,
        version="0.1.0",
        started=ago(hours=5),
        threads=8,
        offers=ACTIONS,
        jobs=running,
        last_errors=("14:01:07 start_deployment: ConnectionError: 10.0.0.5:443 refused",),
        updated=ago(seconds=2),
        session=OUR_SESSION,
    )
    second = replace(
        first,
        instance="exec-b.node2.1880.cd34",
        name="exec-b",
        host="node2.example.org",
        pid=1880,
        version="0.0.9",
        state=MemberState.DRAINING,
        jobs=(),
        last_errors=(),
        session=OUR_SESSION + 1,
    )
    third = replace(
        first,
        instance="dist-1.node1.4130.ef56",
        kind=MemberKind.DISTRIBUTOR,
        name="dist-1",
        pid=4130,
        offers=("jobs_cleanup", "monitor_bulk_jobs"),
        threads=0,
        jobs=(),
        last_errors=(),
        session=OUR_SESSION + 2,
    )
    return (first, second, third)


def elections() -> ElectionSnapshot:
    """Return a vacant election, and one with a leader of ours and a foreign contender."""
    leader = Contender(
        node="a__lock__0000000001",
        sequence=1,
        name="dist-1",
        owner=Owner(session=OUR_SESSION + 2, instance="dist-1.node1.4130.ef56"),
        since=ago(hours=4),
    )
    waits = Contender(
        node="b__lock__0000000002",
        sequence=2,
        name="node3",
        owner=Owner(session=FOREIGN_SESSION),
        since=ago(hours=1),
    )
    led = ElectionStatus(
        name="jobs_cleanup",
        contenders=(leader, waits),
        distribution=Distribution(
            last=ago(minutes=20), interval=3600.0, by=leader.owner.instance or "", jobs=1
        ),
    )
    return ElectionSnapshot(taken_at=NOW, elections=(led, ElectionStatus(name="monitor_bulk_jobs")))


def documents(size: int = 60) -> dict[str, JobRecord | None]:
    """Return the documents of the queue's jobs."""
    return {
        job_id(n): document(n, JobState.RUNNING if n < 3 else JobState.QUEUED) for n in range(size)
    }


def search() -> Search:
    """Return a list of jobs in all states; the second is a bulk job."""
    states = (JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.SUCCESS)
    jobs = [document(n, states[n % 4]) for n in range(20)]
    jobs[1] = document(1, JobState.CANCELED)
    jobs[3] = document(3, JobState.RUNNING)
    return Search(limit=200, taken_at=NOW, jobs=tuple(jobs), count=2_408)


def hung(job: str) -> Diagnosis:
    """Return the verdict on a job whose thread stands still."""
    return Diagnosis(
        job_id=job,
        taken_at=ago(seconds=3),
        verdict=Verdict.HUNG,
        summary="Its thread has stood in recv (socket.py:718) for 12 min, longer than ever.",
        evidence=(
            Evidence(
                claim="Its thread is in recv (socket.py:718).",
                datum="2 samples (in-process)",
                source="stacks",
                age_s=1.0,
            ),
            Evidence(
                claim="The document says RUNNING.", datum="state=RUNNING", source="api", age_s=2.0
            ),
        ),
        acts=(
            SafeAct(act="cancel", text="Cancel the job."),
            SafeAct(act="drain", text="Drain its executor, and restart it."),
        ),
    )


def checkup() -> Checkup:
    """Return what a check-up of that afternoon finds."""
    stuck = hung(job_id(0))
    return Checkup(
        taken_at=ago(seconds=5),
        depth=60,
        documents=60,
        findings=(
            Finding(
                verdict=Verdict.HUNG,
                subject="start_deployment",
                summary="2 jobs stand in recv (socket.py:718) for 12 min, longer than ever.",
                count=2,
                jobs=(job_id(0), job_id(1)),
                evidence=stuck.evidence,
                acts=stuck.acts,
            ),
            Finding(
                verdict=Verdict.NO_DISTRIBUTOR,
                subject="monitor_bulk_jobs",
                summary="Nobody contends in the election monitor_bulk_jobs.",
                acts=(SafeAct(act="restart", text="Start the distributor."),),
            ),
        ),
        left_out=("the documents of 40 entries were not looked for: orphans may be among them",),
    )


def picture(size: int = 60, **changes: Any) -> Picture:
    """Return a picture of one bad afternoon."""
    whole = Picture(
        zookeeper=Health(name="zookeeper", condition=Condition.LIVE, read_at=NOW, where="zk:2181"),
        api=Health(
            name="api", condition=Condition.LIVE, read_at=NOW, latency=0.08, where="https://nuvla"
        ),
        queue=queue(size),
        oldest_waiting=ago(minutes=41, seconds=12),
        taken=TakenSnapshot(taken_at=NOW, locks=tuple(locks().values())),
        elections=elections(),
        members=MemberSnapshot(taken_at=NOW, members=members()),
        counts=JobCounts(
            taken_at=NOW,
            states={JobState.QUEUED: 57, JobState.RUNNING: 3},
            actions=tuple((name, 30 - 7 * n) for n, name in enumerate(ACTIONS)),
            finished={JobState.SUCCESS: 412, JobState.FAILED: 3},
        ),
        search=search(),
        jobs=documents(size),
        failures=tuple(document(n, JobState.FAILED) for n in (2, 6, 10)),
        samples=tuple(
            Sample(ago(seconds=5 * (30 - n)), 40 + n % 7 * 9, n % 4, 400 + n % 5 * 20, n % 3)
            for n in range(30)
        ),
        checkup=checkup(),
        checked_at=ago(seconds=4),
        judgement=Judgement(job_id=job_id(0), diagnosis=hung(job_id(0))),
        notes=(
            Note(1, ago(minutes=9), "info", "watching ZooKeeper at zk:2181"),
            Note(2, ago(minutes=9), "good", "ZooKeeper answers"),
            Note(3, ago(minutes=2), "bad", "the API does not answer: connection refused"),
            Note(4, ago(minutes=1), "good", "the API answers"),
        ),
    )
    return replace(whole, **changes)


class StillStore:
    """Shows one picture until the test changes it, and notes what it was asked."""

    def __init__(self, shown: Picture | None = None) -> None:
        self.picture = shown or picture()
        self.version = self.news = 0
        self.sight = Sight()
        self.pace = 0.0
        self.reads = 0
        self.is_running = False

    def start(self) -> None:
        """Begin."""
        self.is_running = True

    def stop(self) -> None:
        """End."""
        self.is_running = False

    def check(self) -> None:
        """Nothing falls silent here."""

    def look(self, sight: Sight) -> None:
        """Note what is in sight."""
        self.sight = sight

    def read_again(self) -> None:
        """Count."""
        self.reads += 1

    def set_pace(self, seconds: float) -> None:
        """Note the pace."""
        self.pace = seconds

    def note(self, level: str, text: str) -> None:
        """Add a line to the log."""
        number = len(self.picture.notes) + 1
        self.show(notes=(*self.picture.notes, Note(number, NOW, level, text)))

    def show(self, **changes: Any) -> None:
        """Change the picture."""
        self.picture = replace(self.picture, **changes)
        self.version += 1
        self.news += 1


class StillActing:
    """Plans and does nothing but note it; one member answers with its stacks."""

    is_forbidden = False

    def __init__(self) -> None:
        self.applied: list[tuple[str, str, str]] = []
        self.refusals: tuple[str, ...] = ()
        self.trouble: EngineError | None = None

    def plan(self, act: str, subject: str, options: Options) -> Plan:
        """Return a plan that says what it is for."""
        if self.trouble is not None:
            raise self.trouble
        return Plan(
            act=act,
            subject=subject,
            effects=(f"{subject} will be different",),
            refusals=self.refusals,
            warnings=("take care",),
            options=options,
        )

    def apply(self, plan: Plan, reason: str) -> Outcome:
        """Note it."""
        self.applied.append((plan.act, plan.subject, reason))
        return Outcome(operation=plan.act, subject=plan.subject, done=True, detail="so it is")

    def apply_all(
        self, act: str, subjects: Sequence[str], reason: str, tell: Callable[..., None]
    ) -> Progress:
        """Note each."""
        self.applied += [(act, subject, reason) for subject in subjects]
        return Progress(total=len(subjects), endings=Counter({Ending.DONE: len(subjects)}))

    def stacks(self, subject: str) -> tuple[MemberStacks, ...]:
        """Return two threads of one member; nothing where another is asked for."""
        member = members()[0]
        if subject and subject not in (member.name, member.instance, job_id(0)):
            return ()
        frames = (
            Frame.of("recv", "/usr/lib/python3.11/socket.py", 718, "return self._sock.recv(size)"),
            Frame.of("pull", "/opt/actions/start_deployment.py", 77, "self.link.recv(4096)"),
        )
        idle = (Frame.of("wait", "/usr/lib/python3.11/threading.py", 327),)
        threads = (
            ThreadStack(ident=1, name="worker-1", job_id=job_id(0), frames=frames),
            ThreadStack(ident=2, name="MainThread", job_id=None, frames=idle),
        )
        report = StackReport(source="in-process", taken_at=NOW, threads=threads)
        return (MemberStacks(name=member.instance, member=member, reports=(report,)),)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


def console(
    store: StillStore | None = None,
    *,
    others: Mapping[str, StillStore] | None = None,
    clock: Clock | None = None,
    preferences: Preferences | None = None,
    acting: StillActing | None = None,
) -> ConsoleApp:
    """Return the app over a still store, as profile "local"; not started."""
    stores = {"local": store or StillStore(), **(others or {})}
    profiles = {
        name: Profile(
            name=name,
            connect=partial(Connection, store=still, acting=acting or StillActing()),  # type: ignore[arg-type]
            protected=name.startswith("prod"),
        )
        for name, still in stores.items()
    }
    return ConsoleApp(
        profiles,
        start="local",
        preferences=preferences,
        clock=clock or Clock(),
        zone=UTC,
    )


def text_of(app: ConsoleApp) -> str:
    """Return what the app shows, as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)
