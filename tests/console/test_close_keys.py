"""Keys that come in one piece, as a paste or a slow line sends them: none overtakes another."""

from __future__ import annotations

import pytest
from textual import events
from textual.keys import _character_to_key as character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from nuvla_console.dialogs.help import HelpDialog
from nuvla_console.dialogs.palette import PaletteDialog
from nuvla_console.screens.job import DocumentScreen, JobScreen
from nuvla_console.widgets.bars import Bar
from nuvla_console.widgets.snapshot_table import SnapshotTable
from tests.console.planted import StillStore, console, job_id, queue
from tests.console.test_screens import LARGE

ROUNDS = 8
NAMES = {"\r": "enter", "\x1b": "escape", "\t": "tab", "\x10": "ctrl+p", " ": "space"}


async def at_once(pilot: Pilot[None], keys: str) -> None:
    """Press all keys before the first one is looked at."""
    for key in keys:
        name = NAMES.get(key) or character_to_key(key)
        pilot.app.post_message(events.Key(name, key if key.isprintable() else None))
    await pilot.pause()


def table(pilot: Pilot[None]) -> SnapshotTable:
    """Return the table in front."""
    return pilot.app.screen.query_one("#main", SnapshotTable)


@pytest.mark.parametrize(
    ("keys", "area"),
    [
        (":queue\r5", "elections"),
        ("4:ctx {}\r1", "overview"),
        (":frobnicate\r6", "executors"),
        ("2/held\r3", "taken"),
        ("4/x\x1b6", "executors"),
        (":lo\t\r4", "jobs"),
        (":\x1b5", "elections"),
        (":\r3", "taken"),
        ("2?q5", "elections"),
        ("1\r6", "executors"),
        ("3\r\x1b2", "queue"),
        ("2:elections\r:queue\r:log\r", "log"),
        ("5\r4", "jobs"),
    ],
)
async def test_the_key_after_a_bar_is_the_screens(keys: str, area: str) -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, keys)
            assert pilot.app.current_mode == area


async def test_a_filter_that_is_kept_at_once_is_whole() -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, "2/held\rjj ")
            assert (table(pilot).rows.filter, len(table(pilot).rows)) == ("held", 3)
            assert table(pilot).cursor == 2
            assert len(table(pilot).marks) == 1
            await at_once(pilot, "\x1b\x1b")
            assert (table(pilot).rows.filter, len(table(pilot).marks)) == ("", 0)
            await at_once(pilot, "g")


async def test_a_filter_that_is_left_at_once_is_gone() -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, "2/held\x1b")
            await pilot.pause()
            assert table(pilot).rows.filter == ""


async def test_a_command_is_whole_however_close_its_enter_comes() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        for state in ("FAILED", "QUEUED") * 5:
            await at_once(pilot, f":jobs state={state}\r")
            await pilot.pause()
            assert store.sight.search is not None
            assert store.sight.search.filter == f"state='{state}'"


async def test_keys_after_the_one_that_opens_a_view_are_that_views() -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, "2gj\ry")
            assert isinstance(pilot.app.screen, DocumentScreen)
            assert pilot.app.screen.job_id == job_id(1)
            await at_once(pilot, "\x1b\x1b")


async def test_keys_after_the_one_that_opens_the_help_scroll_it() -> None:
    async with console().run_test(size=(80, 24)) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, "2?jjj")
            assert isinstance(pilot.app.screen, HelpDialog)
            await at_once(pilot, "q")
            assert not isinstance(pilot.app.screen, HelpDialog)


async def test_letters_after_the_palettes_key_are_typed_into_it() -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, "2\x10elec")
            assert isinstance(pilot.app.screen, PaletteDialog)
            assert pilot.app.screen.query_one(Input).value == "elec"
            await at_once(pilot, "\x1b")
            assert not isinstance(pilot.app.screen, PaletteDialog)
            assert pilot.app.current_mode == "queue"


async def test_enter_after_the_palettes_letters_runs_what_they_name() -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            await at_once(pilot, "2\x10elections\r")
            assert pilot.app.current_mode == "elections"
            await at_once(pilot, "\x10log\r\r\r6")
            assert pilot.app.current_mode == "executors"


async def test_a_paste_is_typed_into_the_bar_before_the_keys_behind_it() -> None:
    async with console().run_test(size=LARGE) as pilot:
        for _ in range(ROUNDS):
            pilot.app.post_message(events.Key("colon", ":"))
            pilot.app.post_message(events.Paste(f"job {job_id(7)}\nfrom a mail"))
            await at_once(pilot, "\r")
            assert isinstance(pilot.app.screen, JobScreen)
            assert pilot.app.screen.job_id == job_id(7)
            await at_once(pilot, "\x1b")


async def test_the_focus_goes_back_to_where_it_was() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await at_once(pilot, "1\t:\x1b")
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "actions"


async def test_an_area_that_is_gone_back_to_is_as_it_is_now_for_the_next_key() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        await at_once(pilot, "28")
        store.show(queue=queue(7))
        await at_once(pilot, "2*")
        assert len(table(pilot).marks) == 7
        store.show(queue=queue(9))
        await at_once(pilot, "8:queue\r*")
        assert len(table(pilot).marks) == 9


@pytest.mark.parametrize(("keys", "front"), [("\x10", PaletteDialog), ("?", HelpDialog)])
async def test_a_view_of_a_profile_that_was_left_takes_no_dialog_with_it(
    keys: str, front: type[object]
) -> None:
    async with console(others={"other": StillStore()}).run_test(size=LARGE) as pilot:
        for name in ("other", "local"):
            await at_once(pilot, f"2\r4\r:ctx {name}\r4{keys}")
            await pilot.pause()
            assert isinstance(pilot.app.screen, front)
            await at_once(pilot, "\x1b" if keys == "\x10" else "q")
            await pilot.pause()
            assert pilot.app.current_mode == "jobs"
            assert len(pilot.app.screen_stack) == 1
            await at_once(pilot, "2")
            await pilot.pause()
            assert len(pilot.app.screen_stack) == 1


async def test_views_of_a_profile_that_was_left_are_closed_however_quickly_areas_change() -> None:
    async with console(others={"other": StillStore()}).run_test(size=LARGE) as pilot:
        for name in ("other", "local"):
            await at_once(pilot, f"2\r3\r4\r:ctx {name}\r234234215432")
            for key, area in (("2", "queue"), ("3", "taken"), ("4", "jobs")):
                await at_once(pilot, key)
                await pilot.pause()
                assert pilot.app.current_mode == area
                assert len(pilot.app.screen_stack) == 1


@pytest.mark.parametrize("bar", [":", "/"])
async def test_a_bar_that_a_click_has_left_is_closed_by_the_key_that_goes_back(bar: str) -> None:
    async with console().run_test(size=LARGE) as pilot:
        await at_once(pilot, f"2{bar}x")
        await pilot.click("#main")
        await pilot.pause()
        await at_once(pilot, "\x1b")
        await pilot.pause()
        assert not any(found.display for found in pilot.app.screen.query(Bar))
        assert table(pilot).rows.filter == ""
        assert pilot.app.current_mode == "queue"
        await at_once(pilot, "\x1b")
        assert pilot.app.current_mode == "overview"


@pytest.mark.parametrize("kind", [JobScreen, DocumentScreen])
async def test_leaving_while_a_view_opens_is_no_error(kind: type[JobScreen]) -> None:
    app = console()
    async with app.run_test(size=LARGE) as pilot:
        await at_once(pilot, "2")
        app.push_screen(kind(app.desk, job_id(0)))
        app.action_leave()
        await pilot.pause()
    assert app.return_code == 0
