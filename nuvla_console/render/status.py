"""The first line of every screen, and the hints of the last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from engine.view.picture import Condition, Health
from nuvla_console.render import values
from nuvla_console.render.cells import Cell, Line, Tone, cut_end, width_of
from nuvla_console.render.scene import Scene

_STEP = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_ROOMY = 112
_CUT = 5
"""Letters of an area's name where there is little room."""
_SHORT = {"zookeeper": "zk", "api": "api"}


def header(
    profile: str,
    *,
    protected: bool,
    sources: Sequence[Health],
    scene: Scene,
    width: int,
    armed_for: timedelta | None = None,
) -> Line:
    """Return program, profile, sources and time in one line of the width.

    The profile stands in words; a protected one cannot be taken for another.
    """
    name = Cell(f" {profile} ", Tone.BAD if protected else Tone.STRONG)
    left: list[Cell] = [Cell("nuvla-console ", Tone.DIM), name]
    if protected:
        left.append(Cell(" PROTECTED", Tone.BAD))
    mode = Cell(" read-only", Tone.DIM)
    if armed_for is not None:
        minutes = math.ceil(armed_for.total_seconds() / 60)
        mode = Cell(f" ✎ WRITES for {minutes} min", Tone.BAD)
    left.append(mode)
    right: list[Cell] = []
    for health in sources:
        right += [*source(health, scene), Cell("  ")]
    right.append(Cell(f"{scene.now.astimezone(scene.zone):%H:%M %Z}", Tone.DIM))
    gap = width - width_of(left) - width_of(right)
    if gap < 1:
        left = left[1:] if width_of(left[1:]) + width_of(right) + 2 <= width else [name, mode]
        gap = max(1, width - width_of(left) - width_of(right))
    return (*left, Cell(" " * gap), *right)


def source(health: Health, scene: Scene) -> Line:
    """Return a source's name with a shape, and the age of its facts where they are not fresh."""
    name = _SHORT[health.name]
    if health.condition is Condition.LIVE:
        latency = "" if health.latency is None else f" {_milliseconds(health.latency)}"
        return (Cell(f"{name} "), Cell("●", Tone.GOOD), Cell(latency or " live", Tone.DIM))
    if health.condition is Condition.WAITING:
        return (Cell(f"{name} "), Cell("○ connecting", Tone.DOUBT))
    return (Cell(f"{name} "), Cell(f"✗ stale {stale_age(health, scene)}".rstrip(), Tone.BAD))


def stale_age(health: Health, scene: Scene) -> str:
    """Return the age of what a source last said; nothing where it never said anything."""
    seconds = health.age(scene.now)
    return "" if seconds is None else values.age(seconds, coarse=scene.coarse)


def warning(health: Health, scene: Scene, width: int) -> Line:
    """Return the line that says that a source is gone, since when and why."""
    title = {"zookeeper": "ZooKeeper", "api": "The API"}[health.name]
    since = stale_age(health, scene)
    what = f"silent for {since}" if since else "not reached yet"
    text = f"✗ {title} {what}: {health.error or ''}"
    return (Cell(cut_end(text, width), Tone.BAD),)


def _milliseconds(seconds: float) -> str:
    # Rounded so that a wavering latency does not keep the screen moving.
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{round(seconds * 1000, -1):.0f} ms"


def frozen(since: timedelta) -> Line:
    """Return the banner of a screen that is held still."""
    age = values.age(since.total_seconds())
    return (Cell(f"❚❚ FROZEN {age} ago: p lets it run again", Tone.DOUBT),)


def hints(pairs: Sequence[tuple[str, str]], width: int) -> Line:
    """Return keys with what they do, as many as fit."""
    line: list[Cell] = []
    for key, label in pairs:
        more = [Cell(key, Tone.ACCENT), Cell(f" {label}   ", Tone.DIM)]
        if width_of(line) + width_of(more) - 2 > width:
            break
        line += more
    return tuple(line)


def trail(areas: Sequence[tuple[str, str]], here: str, width: int) -> Line:
    """Return the areas with their keys, the present one marked; keys alone where it is narrow.

    Args:
        areas: key and name of each.
        here: the name of the present area.
        width: columns.
    """
    line: list[Cell] = []
    for key, name in areas:
        line.append(Cell(key, Tone.ACCENT if name == here else Tone.DIM))
        line.append(Cell(f" {name}", Tone.STRONG if name == here else Tone.DIM))
        line.append(Cell("  " if width >= _ROOMY else " "))
    if width_of(line) > width + 1:
        cut = {name: name[:_CUT] for _, name in areas if name != here}
        line = [
            cell._replace(text=f" {cut.get(cell.text.strip(), cell.text.strip())}")
            if cell.text.strip().isalpha()
            else cell
            for cell in line
        ]
    if width_of(line) > width + 1:
        line = [cell for cell in line if cell.tone is not Tone.DIM or len(cell.text) == 1]
    return tuple(line[:-1])


def path(names: Sequence[str]) -> Line:
    """Return the names of the views that lead to this one, the last of them marked."""
    return (Cell(_STEP.join(names[:-1]) + _STEP, Tone.DIM), Cell(names[-1], Tone.STRONG))


def warnings(
    sources: Sequence[Health],
    frozen_for: timedelta | None,
    scene: Scene,
    width: int,
    *,
    bulk: str = "",
) -> list[Line]:
    """Return the lines that say what is not as it seems: held still, or read long ago; and how far
    an act in bulk has come."""
    lines = [warning(h, scene, width) for h in sources if h.error is not None and not h.is_live]
    if bulk:
        lines.insert(0, (Cell(cut_end(f"▸ {bulk}", width), Tone.ACCENT),))
    return lines if frozen_for is None else [frozen(frozen_for), *lines]
