"""What each screen looks like, compared with pictures that somebody has looked at.

After a change that is meant to be seen: delete the pictures in `pictures/`, run these tests, which
fail and write new ones, and look at those.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.states import JobState
from nuvla_console.app import ConsoleApp
from screenshots.picture import picture as drawn
from tests.console.planted import StillStore, console, document, job_id, picture
from tests.console.test_screens import go

FOLDER = Path(__file__).parent / "pictures"
VIEWS: dict[str, tuple[str, ...]] = {
    "overview": ("1",),
    "queue": ("2",),
    "taken": ("3",),
    "jobs": ("4", "j", "j", "j", "x"),
    "elections": ("5",),
    "executors": ("6",),
    "log": ("8",),
    "job": ("2", "enter"),
    "message": ("l",),
}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen_looks_as_it_did(size: tuple[int, int]) -> None:
    children = tuple(document(n, JobState.SUCCESS) for n in (40, 41))
    store = StillStore(picture(14, children={job_id(3): children}))
    app = console(store)
    different = []
    async with app.run_test(size=size) as pilot:
        for name, keys in VIEWS.items():
            await go(pilot, *keys)
            path = FOLDER / f"{name}-{size[0]}x{size[1]}.svg"
            if not compare(app, name, path):
                different.append(path.name)
    assert not different, f"{', '.join(different)}: look at them (*.new.svg)"


def compare(app: ConsoleApp, name: str, path: Path) -> bool:
    """Whether the app looks like the picture; writes the new one beside it where it does not."""
    svg = drawn(app, name)
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(svg, "utf-8")
        return False
    if path.read_text("utf-8") == svg:
        path.with_suffix(".new.svg").unlink(missing_ok=True)
        return True
    path.with_suffix(".new.svg").write_text(svg, "utf-8")
    return False
