"""The rows of the elections: each with its contenders below, in the order in which they lead."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from engine import wording
from engine.models import Contender, ElectionSnapshot, ElectionStatus
from nuvla_console.render import owners, values
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = "No election: no distributor has ever run here.\nStart one:  nuvla-engine distributor --all"


class ElectionRow(NamedTuple):
    """An election, or one of its contenders."""

    election: ElectionStatus
    contender: Contender | None = None
    place: int = 0


def rows(snapshot: ElectionSnapshot) -> list[ElectionRow]:
    """Return the elections with their contenders below them; vacant ones first."""
    found: list[ElectionRow] = []
    for election in sorted(snapshot.elections, key=lambda e: (not e.is_vacant, e.name)):
        found.append(ElectionRow(election))
        for place, contender in enumerate(election.contenders):
            found.append(ElectionRow(election, contender, place))
    return found


def key(row: ElectionRow) -> str:
    """Return what a row is known by."""
    return f"{row.election.name}/{row.contender.node}" if row.contender else row.election.name


def text(row: ElectionRow) -> str:
    """Return what a filter looks at; contenders stay with their election."""
    names = " ".join(f"{c.name} {c.owner.instance or 'foreign'}" for c in row.election.contenders)
    return f"{row.election.name} {names}{' vacant' if row.election.is_vacant else ''}"


def next_distribution(election: ElectionStatus, scene: Scene) -> Cell:
    """Return when the next distribution is due, as far as the leader says."""
    distribution = election.distribution
    if distribution is None:
        return values.UNKNOWN
    due = distribution.last + timedelta(seconds=distribution.interval)
    late = (scene.now - due).total_seconds()
    if late <= max(5.0, distribution.interval * 0.1):
        return Cell(values.age(max(0.0, -late), coarse=scene.coarse))
    return Cell(f"late {values.age(late, coarse=scene.coarse)}", Tone.DOUBT)


def _name(row: ElectionRow, _scene: Scene) -> Cell:
    if row.contender is None:
        return Cell(row.election.name, Tone.STRONG)
    return Cell(f"  {row.place + 1}  {row.contender.name}")


def _role(row: ElectionRow, _scene: Scene) -> Cell:
    if row.contender is None:
        if row.election.is_vacant:
            return Cell("✗ vacant", Tone.BAD)
        waiting = len(row.election.contenders) - 1
        return Cell(f"+ {waiting} waiting" if waiting else "no other", Tone.DIM)
    return Cell("● leads", Tone.GOOD) if row.place == 0 else Cell("· waits", Tone.DIM)


def _who(row: ElectionRow, scene: Scene) -> Cell:
    if row.contender is None:
        return Cell("")
    where = owners.where(row.contender.owner, scene)
    return owners.name(row.contender.owner, scene) if where is values.UNKNOWN else where


def _instance(row: ElectionRow, _scene: Scene) -> Cell:
    owner = row.contender.owner if row.contender else None
    return Cell((owner.instance or values.session(owner.session)) if owner else "", Tone.DIM)


def _last(row: ElectionRow, scene: Scene) -> Cell:
    distribution = row.election.distribution
    if row.contender is not None:
        return Cell("")
    return scene.age(distribution.last) if distribution else values.UNKNOWN


def _jobs(row: ElectionRow, _scene: Scene) -> Cell:
    distribution = row.election.distribution
    if row.contender is not None or distribution is None:
        return Cell("")
    return Cell(wording.count(distribution.jobs))


COLUMNS: tuple[Column[ElectionRow], ...] = (
    Column(title="election", width=20, grow=2, most=36, cell=_name),
    Column(title="role", width=11, cell=_role),
    Column(title="where", width=12, grow=2, most=34, cell=_who),
    Column(
        title="since",
        width=5,
        right=True,
        cell=lambda row, scene: scene.age(row.contender.since) if row.contender else Cell(""),
    ),
    Column(title="last", width=5, right=True, cell=_last),
    Column(
        title="next",
        width=10,
        right=True,
        cell=lambda row, scene: (
            Cell("") if row.contender else next_distribution(row.election, scene)
        ),
    ),
    Column(title="jobs", width=4, right=True, rank=1, cell=_jobs),
    Column(title="instance", width=20, grow=2, most=48, rank=2, middle=True, cell=_instance),
)

SHORT_COLUMNS: tuple[Column[ElectionStatus], ...] = (
    Column(title="election", width=20, grow=1, most=36, cell=lambda e, _: Cell(e.name)),
    Column(
        title="leader",
        width=14,
        grow=1,
        most=40,
        cell=lambda e, scene: _leader(e, scene),
    ),
    Column(title="last", width=5, right=True, cell=lambda e, scene: _last(ElectionRow(e), scene)),
    Column(title="next", width=10, right=True, cell=next_distribution),
)
"""For the overview."""


def vacant_first(snapshot: ElectionSnapshot) -> list[ElectionStatus]:
    """Return the elections, those that nobody leads first."""
    return sorted(snapshot.elections, key=lambda e: (not e.is_vacant, e.name))


def _leader(election: ElectionStatus, scene: Scene) -> Cell:
    leader = election.leader
    if leader is None:
        return Cell("✗ vacant", Tone.BAD)
    member = owners.member_of(leader.owner, scene)
    return Cell(f"{member.host}:{member.pid} {member.name}" if member else leader.name)
