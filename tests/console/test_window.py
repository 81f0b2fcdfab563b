"""What is drawn follows the window's size, however often and quickly that changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual import events
from textual.geometry import Size
from textual.screen import Screen

from nuvla_console.dialogs.help import HelpDialog
from nuvla_console.messages import Ticked
from nuvla_console.screens.live import LiveScreen
from nuvla_console.window import WindowScreen
from tests.console.planted import console

NOW, BEFORE = Size(100, 30), Size(33, 7)


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[Size]:
    """The sizes that screens were told, in order."""
    sizes: list[Size] = []
    take = WindowScreen._on_resize

    def _on_resize(self: WindowScreen[None], event: events.Resize) -> None:
        assert len(sizes) < 100, "sizes make each other without end"
        sizes.append(event.size)
        take(self, event)

    monkeypatch.setattr(WindowScreen, "_on_resize", _on_resize)
    return sizes


@pytest.mark.parametrize("last", [BEFORE, NOW])
@pytest.mark.parametrize("keys", ["2", "2?", ":", "2 "])
async def test_sizes_that_overtake_each_other_come_to_rest(
    handled: list[Size], keys: str, last: Size
) -> None:
    async with console().run_test(size=NOW) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        handled.clear()
        screen = pilot.app.screen
        # Another message between two sizes keeps Textual from making one of them.
        for size in (BEFORE, NOW, BEFORE, last):
            screen.post_message(events.Resize(size, size))
            screen.post_message(Ticked())
        await pilot.pause()
        assert handled
        assert screen.size == NOW
        assert "-narrow" in screen.classes, "below 120 columns"


def screens(base: type[Screen[object]]) -> Iterator[type[Screen[object]]]:
    """The classes of screens that are the console's own."""
    for found in base.__subclasses__():
        if found.__module__.startswith("nuvla_console."):
            yield found
        yield from screens(found)


async def test_every_screen_is_laid_out_for_the_window() -> None:
    assert {LiveScreen, HelpDialog} <= set(screens(Screen))
    assert all(issubclass(found, WindowScreen) for found in screens(Screen))
    assert isinstance(console().get_default_screen(), WindowScreen)
