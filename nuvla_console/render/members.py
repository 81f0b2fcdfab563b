"""The rows of executors and distributors, foreign ones included, and one of them in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine import wording
from engine.models import ElectionSnapshot, Member, MemberKind, MemberSnapshot, TakenSnapshot
from nuvla_console.render import owners, values
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = (
    "No executor and no distributor is present.\n"
    "Nothing runs until one is started:  nuvla-engine executor"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A process of ours, or a foreign session that holds locks or contends."""

    member: Member | None = None
    session: int = 0
    locks: int = 0
    elections: int = 0
    skewed: bool = False
    """Runs another version than most of its kind."""


def rows(
    snapshot: MemberSnapshot, taken: TakenSnapshot | None, elections: ElectionSnapshot | None
) -> list[MemberRow]:
    """Return executors first, then distributors, then foreign sessions."""
    locks: Counter[int] = Counter(k.owner.session for k in taken.locks) if taken else Counter()
    contends = Counter(
        c.owner.session for e in (elections.elections if elections else ()) for c in e.contenders
    )
    usual = usual_versions(snapshot.members)
    found = [
        MemberRow(
            member=member,
            session=member.session,
            locks=locks[member.session],
            elections=contends[member.session],
            skewed=member.version != usual[member.kind],
        )
        for member in sorted(snapshot.members, key=_order)
    ]
    ours = {member.session for member in snapshot.members}
    for session in sorted((locks.keys() | contends.keys()) - ours):
        found.append(MemberRow(session=session, locks=locks[session], elections=contends[session]))
    return found


def usual_versions(members: Iterable[Member]) -> dict[MemberKind, str]:
    """Return the version that most processes of each kind run; the newest of equals."""
    counts: Counter[tuple[MemberKind, str]] = Counter((m.kind, m.version) for m in members)
    usual: dict[MemberKind, str] = {}
    for (kind, version), _count in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        usual[kind] = version
    return usual


def _order(member: Member) -> tuple[int, str, str]:
    return (0 if member.kind is MemberKind.EXECUTOR else 1, member.name, member.instance)


def key(row: MemberRow) -> str:
    """Return what a row is known by."""
    return row.member.instance if row.member else values.session(row.session)


def text(row: MemberRow) -> str:
    """Return what a filter looks at."""
    if row.member is None:
        return f"foreign {values.session(row.session)}"
    m = row.member
    jobs = " ".join(f"{job.job_id} {job.action}" for job in m.jobs)
    return f"{m.name} {m.kind} {m.host}:{m.pid} {m.state} {m.version} {jobs}"


def busy(row: MemberRow) -> Cell:
    """Return how many threads of an executor work."""
    if row.member is None:
        return Cell(wording.counted(row.locks, "lock") if row.locks else "")
    if row.member.kind is MemberKind.DISTRIBUTOR:
        return Cell("")
    return Cell(f"{len(row.member.jobs)}/{row.member.threads}")


def _name(row: MemberRow, _scene: Scene) -> Cell:
    if row.member is None:
        return Cell(f"session {values.session(row.session)}", Tone.DIM)
    return Cell(row.member.name)


def _kind(row: MemberRow, _scene: Scene) -> Cell:
    if row.member is None:
        return Cell("foreign", Tone.DOUBT)
    return Cell(str(row.member.kind), Tone.DIM)


def _state(row: MemberRow, _scene: Scene) -> Cell:
    return owners.MEMBER_STATES[row.member.state] if row.member else Cell("? unknown", Tone.DIM)


def _version(row: MemberRow, _scene: Scene) -> Cell:
    if row.member is None:
        return values.UNKNOWN
    if row.skewed:
        return Cell(f"▲ {row.member.version}", Tone.DOUBT)
    return Cell(row.member.version, Tone.DIM)


def _longest(row: MemberRow, scene: Scene) -> Cell:
    jobs = row.member.jobs if row.member else ()
    return scene.age(min((job.since for job in jobs), default=None)) if jobs else Cell("")


def _errors(row: MemberRow, _scene: Scene) -> Cell:
    count = len(row.member.last_errors) + len(row.member.broken) if row.member else 0
    return Cell(f"▲ {count}", Tone.DOUBT) if count else Cell("")


COLUMNS: tuple[Column[MemberRow], ...] = (
    Column(
        title="name",
        width=12,
        grow=2,
        most=40,
        cell=_name,
        sort=lambda row: row.member.name if row.member else None,
    ),
    Column(title="kind", width=11, cell=_kind, sort=lambda row: _kind_rank(row)),
    Column(
        title="where",
        width=12,
        grow=2,
        most=40,
        cell=lambda row, _: owners.place(row.member) if row.member else values.UNKNOWN,
        sort=lambda row: (row.member.host, row.member.pid) if row.member else None,
    ),
    Column(title="state", width=10, cell=_state),
    Column(
        title="busy",
        width=7,
        right=True,
        cell=lambda row, _: busy(row),
        sort=lambda row: len(row.member.jobs) if row.member else row.locks,
    ),
    Column(title="run", width=5, right=True, cell=_longest),
    Column(title="err", width=4, right=True, cell=_errors),
    Column(
        title="up",
        width=5,
        right=True,
        rank=1,
        cell=lambda row, scene: scene.age(row.member.started if row.member else None),
        sort=lambda row: row.member.started if row.member else None,
    ),
    Column(title="version", width=10, rank=1, cell=_version),
    Column(
        title="offers",
        width=6,
        right=True,
        rank=2,
        cell=lambda row, _: Cell(str(len(row.member.offers)) if row.member else "-", Tone.DIM),
    ),
    Column(
        title="session",
        width=18,
        rank=3,
        cell=lambda row, _: Cell(values.session(row.session), Tone.DIM),
    ),
)

SHORT_COLUMNS: tuple[Column[MemberRow], ...] = (
    Column(title="executor", width=10, grow=2, most=24, cell=_name),
    Column(
        title="where",
        width=12,
        grow=2,
        most=28,
        rank=2,
        cell=lambda row, _: owners.place(row.member) if row.member else values.UNKNOWN,
    ),
    Column(title="state", width=10, cell=_state),
    Column(title="busy", width=7, right=True, cell=lambda row, _: busy(row)),
    Column(title="run", width=5, right=True, rank=1, cell=_longest),
    Column(title="err", width=4, right=True, rank=1, cell=_errors),
)
"""For the overview."""


def is_executor(row: MemberRow) -> bool:
    """Whether the row runs jobs: an executor of ours, or a foreign session that holds locks."""
    return row.member.kind is MemberKind.EXECUTOR if row.member else row.locks > 0


def _kind_rank(row: MemberRow) -> str:
    return str(row.member.kind) if row.member else "foreign"


def in_full(row: MemberRow, scene: Scene) -> list[Line]:
    """Return all that is known of a process: its jobs with their run time, offers and errors."""
    if row.member is None:
        return _foreign(row)
    member = row.member
    head: list[Line] = [
        (
            Cell(member.name, Tone.STRONG),
            Cell(f"  {member.kind} {member.version}  {member.host}:{member.pid}  up ", Tone.DIM),
            scene.age(member.started),
            Cell("  said ", Tone.DIM),
            scene.age(member.updated),
            Cell(" ago", Tone.DIM),
        )
    ]
    if row.skewed:
        head.append((Cell("▲ runs another version than most of its kind", Tone.DOUBT),))
    return head + _jobs(member, scene) + _offers(member) + _errors_in_full(member)


def _foreign(row: MemberRow) -> list[Line]:
    facts = [
        wording.counted(row.locks, "lock"),
        wording.counted(row.elections, "election") + " contended",
    ]
    return [
        (Cell(f"session {values.session(row.session)}", Tone.STRONG), Cell("  foreign")),
        (Cell(f"holds {facts[0]}, {facts[1]}."),),
        (Cell("Not one of ours: it says no name, host or version of itself.", Tone.DIM),),
        (Cell("The servers' `cons` answer names the address of its session.", Tone.DIM),),
    ]


def _jobs(member: Member, scene: Scene) -> list[Line]:
    if member.kind is MemberKind.DISTRIBUTOR:
        return []
    if not member.jobs:
        return [(Cell("no job now", Tone.DIM),)]
    return [
        (
            Cell(f"{scene.age(job.since).text:>6}  "),
            Cell(job.job_id),
            Cell(f"  {job.action}", Tone.STRONG),
            Cell(f"  {job.thread}", Tone.DIM),
        )
        for job in sorted(member.jobs, key=lambda job: job.since)
    ]


def _offers(member: Member) -> list[Line]:
    if not member.offers:
        return [(Cell("offers nothing", Tone.DOUBT),)]
    word = "contends for" if member.kind is MemberKind.DISTRIBUTOR else "offers"
    return [(Cell(f"{word} ", Tone.DIM), Cell(", ".join(member.offers)))]


def _errors_in_full(member: Member) -> list[Line]:
    broken = [(Cell("✗ plug-in  ", Tone.BAD), Cell(reason)) for reason in member.broken]
    errors = [(Cell("▲ ", Tone.DOUBT), Cell(error)) for error in reversed(member.last_errors)]
    return [*broken, *errors]
