"""Every key of the lists and of the app, over a planted picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.geometry import Size
from textual.keys import _character_to_key as character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from engine.models import QueueSnapshot
from nuvla_console.app import ConsoleApp
from nuvla_console.config import Preferences
from nuvla_console.screens.queue import QueueScreen
from nuvla_console.widgets.snapshot_table import SnapshotTable
from tests.console.planted import (
    NOW,
    Clock,
    StillStore,
    console,
    entry_name,
    job_id,
    picture,
    queue,
    text_of,
)
from tests.console.test_screens import LARGE, SMALL, go


def table(pilot: Pilot[None]) -> SnapshotTable:
    """Return the table in front."""
    return pilot.app.screen.query_one("#main", SnapshotTable)


def app_of(pilot: Pilot[None]) -> ConsoleApp:
    """Return the app."""
    assert isinstance(pilot.app, ConsoleApp)
    return pilot.app


MOVES = {
    "j": 1,
    "down": 1,
    "j j k": 1,
    "down up": 0,
    "G": 59,
    "end": 59,
    "G g": 0,
    "end home": 0,
    "ctrl+f": 19,
    "pagedown": 19,
    "G ctrl+b": 40,
    "G pageup": 40,
    "k": 0,
}


async def test_the_cursor_moves_by_letters_arrows_and_page_keys() -> None:
    async with console().run_test(size=SMALL) as pilot:
        await go(pilot, "2")
        for keys, place in MOVES.items():
            await pilot.press("g", *keys.split())
            assert table(pilot).cursor == place, keys
            assert table(pilot).cursor in table(pilot).window


async def test_a_filter_follows_each_letter_counts_and_survives_leaving_the_bar() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "/", *"held")
        assert "3 of 60" in shown
        shown = await go(pilot, "enter")
        assert "/held" in shown
        assert len(table(pilot).rows) == 3
        assert "exec-a" in await go(pilot, "enter")  # an act: the dossier
        shown = await go(pilot, "escape")
        assert "3 of 60" in shown
        assert "of 60" not in await go(pilot, "escape")


async def test_an_exclamation_mark_turns_the_filter_round() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "/", "!", *"held", "enter")
    assert "57 of 60" in shown
    assert "/!held" in shown


async def test_the_queue_is_filtered_by_the_actions_that_are_known() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "/", *"cleanup", "enter")
    assert "15 of 60" in shown


async def test_escape_in_the_filter_bar_clears_it() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "/", *"nothing-has-this")
        assert "No entry matches the filter" in shown
        shown = await go(pilot, "escape")
        assert "of 60" not in shown
        assert len(table(pilot).rows) == 60


async def test_sorting_goes_left_and_right_turns_round_and_shows_an_arrow() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", ">", ">", ">")
        assert "age↑" in shown
        assert table(pilot).rows[0].name == entry_name(59)
        shown = await go(pilot, "=")
        assert "age↓" in shown
        assert table(pilot).rows[0].name == entry_name(0)
        assert "job↑" in await go(pilot, "<")


async def test_marks_are_counted_and_a_job_that_vanished_drops_out() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "space", "space")
        assert "● 2 marked" in shown
        assert table(pilot).cursor == 2
        left = queue().entries[1:]
        store.show(queue=QueueSnapshot(taken_at=NOW, depth=59, entries=left))
        assert "● 1 marked" in await go(pilot)
        assert "● 59 marked" in await go(pilot, "*")
        assert "marked" not in await go(pilot, "*")


async def test_escape_takes_the_marks_away() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "2", "*")
        assert "marked" not in await go(pilot, "escape")
        assert pilot.app.current_mode == "queue"


async def test_following_keeps_to_the_row_and_says_when_it_is_gone() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        assert "following" in await go(pilot, "2", "f")
        store.show(queue=QueueSnapshot(taken_at=NOW, depth=59, entries=queue().entries[1:]))
        shown = await go(pilot)
        assert "following" not in shown
        assert "gone from this list" in shown


async def test_freezing_holds_the_screen_still_under_a_banner() -> None:
    store, clock = StillStore(), Clock()
    async with console(store, clock=clock).run_test(size=LARGE) as pilot:
        assert "FROZEN" in await go(pilot, "2", "p")
        store.show(queue=queue(5))
        clock.pass_(seconds=12)
        shown = await go(pilot)
        assert "60 entries" in shown
        assert "FROZEN 12s ago" in shown
        shown = await go(pilot, "p")
        assert "FROZEN" not in shown
        assert "5 entries" in shown


async def test_plus_and_minus_change_how_often_the_api_is_asked() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        await go(pilot, "+")
        assert store.pace == 0.5
        await go(pilot, "-", "-")
        assert store.pace == 2.5


async def test_reading_again_reads_everything_again() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        await go(pilot, "r")
    assert store.reads == 1


async def test_copying_an_id_goes_through_the_terminal_and_says_so() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "c")
        assert pilot.app.clipboard == job_id(0)
        assert f"copied {job_id(0)} to the terminal's clipboard" in " ".join(shown.split())


async def test_copying_takes_the_marked_ids() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "2", "space", "space", "c")
        assert pilot.app.clipboard == f"{job_id(0)}\n{job_id(1)}"


async def test_copying_all_takes_the_screen_as_plain_text() -> None:
    async with console().run_test(size=SMALL) as pilot:
        await go(pilot, "2", "C")
        copied = pilot.app.clipboard
        assert job_id(59) in copied
        await go(pilot, "enter", "C")
        assert "held 12m00 by exec-a" in pilot.app.clipboard
        assert job_id(0) in pilot.app.clipboard


async def test_what_is_too_long_for_a_terminal_goes_to_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = StillStore(picture(2000))
    async with console(store).run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "C")
    (file,) = tmp_path.iterdir()
    assert file.name in shown.replace("\n", "")
    assert file.stat().st_mode & 0o077 == 0


async def test_the_themes_come_round_and_each_draws() -> None:
    async with console().run_test(size=SMALL) as pilot:
        seen = [pilot.app.theme]
        for _ in range(4):
            await go(pilot, "t")
            seen.append(pilot.app.theme)
        assert seen[0] == seen[-1]
        assert len(set(seen)) == 4


async def test_the_help_lists_the_commands_of_the_view() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await pilot.press("2", "?")
        await pilot.pause()
        shown = text_of(app_of(pilot))
        for fact in ("Help: queue", "dossier", "Mark the row", "filter"):
            assert fact in shown
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, QueueScreen)


async def test_areas_are_reached_by_the_command_bar() -> None:
    async with console().run_test(size=SMALL) as pilot:
        for line, mode in {"queue": "queue", "elec": "elections", "log": "log"}.items():
            await go(pilot, ":", *line, "enter")
            assert pilot.app.current_mode == mode


async def test_tab_completes_a_command_and_its_argument() -> None:
    async with console().run_test(size=SMALL) as pilot:
        await go(pilot, ":", *"job", "s", "tab")
        await pilot.press("space", *"state=RU", "tab")
        bar = pilot.app.screen.query_one("#command-bar Input", Input)
        assert bar.value == "jobs state=RUNNING"


async def test_a_job_is_opened_by_its_id() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "o", *job_id(7).removeprefix("job/"), "enter")
    assert job_id(7) in shown.split("\n")[1]


async def test_a_query_is_asked_of_the_api() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        await go(pilot, ":", *"jobs state=failed age<1h", "enter")
        await go(pilot)
        assert store.sight.search is not None
        assert store.sight.search.filter == "state='FAILED' and created>'now-1h'"
        await go(pilot, "escape")
        assert store.sight.search.filter is None


async def test_a_query_that_means_nothing_is_explained() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, ":", *"jobs colour=blue", "enter")
    assert "colour is not a word of this query" in shown


async def test_what_is_no_command_is_said_to_be_none() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, ":", *"frobnicate", "enter")
    assert "frobnicate is no command here" in shown


async def test_another_profile_is_gone_to_and_the_first_is_closed() -> None:
    first, second = StillStore(), StillStore(picture(7))
    async with console(first, others={"prod-eu": second}).run_test(size=LARGE) as pilot:
        shown = await go(pilot, "@", *"prod", "tab", "enter")
        await pilot.app.workers.wait_for_complete()
        assert (first.is_running, second.is_running) == (False, True)
        assert " prod-eu " in shown.split("\n")[0]
        assert "PROTECTED" in shown.split("\n")[0]
        assert "7 entries" in await go(pilot, "2")
    assert not second.is_running


async def test_a_profile_that_is_not_there_is_named() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, ":", *"ctx nowhere", "enter")
    assert "no profile nowhere; there are local" in shown


async def test_keys_can_be_remapped_by_the_id_of_a_command() -> None:
    liked = Preferences(keymap={"area.queue": "f2"})
    async with console(preferences=liked).run_test(size=SMALL) as pilot:
        await go(pilot, "f2")
        assert pilot.app.current_mode == "queue"


async def test_the_mouse_moves_opens_sorts_and_scrolls() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "2")
        await pilot.click("#main", offset=(10, 5))
        assert table(pilot).cursor == 4
        await pilot.click("#main", offset=(12, 0))  # the header of "pri"
        await pilot.pause()
        assert table(pilot).rows.sorted_by == 1
        await pilot.click("#main", offset=(20, 3), times=2)
        await pilot.pause()
        assert not isinstance(pilot.app.screen, QueueScreen)


async def test_q_leaves() -> None:
    store = StillStore()
    async with console(store).run_test(size=SMALL) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert not store.is_running


@pytest.mark.parametrize(
    ("keys", "bar", "typed"),
    [(":jobs /x", "#command-bar", "jobs /x"), ("/held:d", "#filter-bar", "held:d")],
)
async def test_keys_that_come_together_with_the_bars_own_key_are_typed_into_it(
    keys: str, bar: str, typed: str
) -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "2")
        for key in keys:  # all at once, as a paste or a slow line sends them
            pilot.app.post_message(events.Key(character_to_key(key), key))
        await pilot.pause()

        assert pilot.app.screen.query_one(f"{bar} Input", Input).value == typed
        assert not table(pilot).marks


async def test_a_table_can_be_drawn_at_any_moment_of_a_change_of_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "2")
        rows = table(pilot)
        for width in (18, 300, 5, 80):
            # Told of a size without any line, it is drawn before it is told of the next.
            size = Size(width, 0)
            with monkeypatch.context() as patch:
                patch.setattr(SnapshotTable, "size", size)
                rows.on_resize(events.Resize(size, size))
            for line in range(6):
                rows.render_line(line)
