"""Who holds a lock, leads an election or runs a job, in words."""

from __future__ import annotations

from engine.models import Member, MemberState, Owner
from nuvla_console.render import values
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.scene import Scene

MEMBER_STATES: dict[MemberState, Cell] = {
    MemberState.RUNNING: Cell("● running", Tone.GOOD),
    MemberState.PAUSED: Cell("◐ paused", Tone.DOUBT),
    MemberState.DRAINING: Cell("◐ draining", Tone.DOUBT),
    MemberState.DRAINED: Cell("○ drained", Tone.DIM),
}


def member_of(owner: Owner | None, scene: Scene) -> Member | None:
    """Return the process of ours that an owner names, where it is present."""
    return scene.members.get(owner.instance or "") if owner else None


def name(owner: Owner | None, scene: Scene) -> Cell:
    """Return the owner's name; of a foreign one only the session is known."""
    if owner is None:
        return Cell("")
    member = member_of(owner, scene)
    if member is not None:
        return Cell(member.name)
    if owner.instance is not None:
        return Cell(f"{owner.instance} (gone?)", Tone.DOUBT)
    return Cell(f"foreign {values.session(owner.session)}", Tone.DIM)


def where(owner: Owner | None, scene: Scene) -> Cell:
    """Return host and process id; "-" where the owner does not say."""
    member = member_of(owner, scene)
    return place(member) if member else (values.UNKNOWN if owner else Cell(""))


def place(member: Member) -> Cell:
    """Return host and process id of a process of ours."""
    return Cell(f"{member.host}:{member.pid}")


def thread(owner: Owner | None, _scene: Scene) -> Cell:
    """Return the worker thread that a lock of ours names."""
    if owner is None:
        return Cell("")
    return Cell(owner.thread, Tone.DIM) if owner.thread else values.UNKNOWN


def in_full(owner: Owner, scene: Scene) -> tuple[Cell, ...]:
    """Return all that is known of an owner, as the pieces of a line."""
    member = member_of(owner, scene)
    session = Cell(f"  session {values.session(owner.session)}", Tone.DIM)
    if owner.instance is None:
        return (Cell("an executor of another make", Tone.DOUBT), session)
    if member is None:
        gone = Cell("  no process of that name is present", Tone.DOUBT)
        return (Cell(owner.instance), gone, session)
    spot = f"  {member.host}:{member.pid}"
    working = Cell(f"  thread {owner.thread}" if owner.thread else "")
    return (Cell(member.name, Tone.STRONG), Cell(spot), working, session)
