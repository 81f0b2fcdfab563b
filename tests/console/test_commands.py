"""Every command is reachable by key, command bar and palette, and stands in the help."""

from __future__ import annotations

import pytest
from textual.binding import Binding

from nuvla_console import commands
from nuvla_console.app import ConsoleApp
from nuvla_console.commands import COMMANDS, Command, Scope
from nuvla_console.dialogs.help import help_lines
from nuvla_console.dialogs.palette import PaletteDialog
from nuvla_console.screens.elections import ElectionsScreen
from nuvla_console.screens.executors import ExecutorsScreen
from nuvla_console.screens.findings import FindingsScreen
from nuvla_console.screens.job import DocumentScreen, JobScreen, MessageScreen
from nuvla_console.screens.jobs import JobsScreen
from nuvla_console.screens.live import LiveScreen
from nuvla_console.screens.log import LogScreen
from nuvla_console.screens.overview import OverviewScreen
from nuvla_console.screens.queue import QueueScreen
from nuvla_console.screens.stacks import StacksScreen
from nuvla_console.screens.taken import TakenScreen
from nuvla_console.widgets.snapshot_table import SnapshotTable
from tests.console.planted import console
from tests.console.test_screens import go

BY_NAME_ONLY = {
    "act.resume",  # its key is that of drain, which it is the other side of
    *(f"act.{name}" for name in ("drop", "reprioritise", "pause", "unpause", "restore")),
    "stop-bulk",
}
"""Rare, or too dear for a key that is hit by mistake; the bar and the palette have them."""
SCREENS: tuple[type[LiveScreen], ...] = (
    OverviewScreen,
    QueueScreen,
    TakenScreen,
    JobsScreen,
    ElectionsScreen,
    ExecutorsScreen,
    FindingsScreen,
    StacksScreen,
    LogScreen,
    JobScreen,
    DocumentScreen,
    MessageScreen,
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_has_a_key_a_name_and_a_help_and_works_on_a_screen(command: Command) -> None:
    assert command.keys or command.id in BY_NAME_ONLY
    assert command.help.endswith((".", "?", "!"))
    homes = [s for s in SCREENS if command.scope in (Scope.EVERYWHERE, *s.SCOPES)]
    assert homes
    for screen in homes:
        bound = [b for b in screen.BINDINGS if isinstance(b, Binding) and b.id == command.id]
        assert [b.key for b in bound] == ([command.keys] if command.keys else [])
        assert commands.find(command.name, screen.SCOPES) == (command, "")
        shown = " ".join(cell.text for line in help_lines(screen.SCOPES) for cell in line)
        assert command.help in shown
        assert f":{command.name}" in shown
        owner: type[object] = ConsoleApp if command.action.startswith("app.") else screen
        method = command.action.removeprefix("app.").partition("(")[0]
        assert hasattr(owner, f"action_{method}")


def test_on_no_screen_two_commands_share_a_key_or_a_name() -> None:
    for screen in SCREENS:
        here = commands.within(screen.SCOPES)
        keys = [key for command in here for key in command.keys.split(",") if key]
        names = [name for command in here for name in (command.name, *command.aliases)]
        assert len(keys) == len(set(keys))
        assert len(names) == len(set(names))


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_the_palette_offers_every_command_of_the_screen(size: tuple[int, int]) -> None:
    async with console().run_test(size=size) as pilot:
        await go(pilot, "4", "ctrl+p")
        found = pilot.app.screen.query_one("#found", SnapshotTable)
        assert found.rows.keys() == [command.id for command in commands.within(JobsScreen.SCOPES)]


async def test_the_palette_runs_what_was_chosen_on_the_view_below_it() -> None:
    async with console().run_test(size=(80, 24)) as pilot:
        shown = await go(pilot, "2", "ctrl+p", *"mark")
        assert "Mark the row" in shown
        assert "Leave the console" not in shown
        assert "● 60 marked" in await go(pilot, "down", "enter")
        await go(pilot, "ctrl+p", *"no command has this", "enter")
        assert isinstance(pilot.app.screen, PaletteDialog)
        await go(pilot, "escape")
        assert isinstance(pilot.app.screen, QueueScreen)


def test_a_beginning_of_a_name_is_enough_where_it_is_clear() -> None:
    found = commands.find("exec", ())
    assert found is not None
    assert found[0].id == "area.executors"
    assert commands.find("s", (Scope.LIST, Scope.JOB)) is None
    assert commands.find("nothing", ()) is None


def test_what_follows_a_name_is_its_argument() -> None:
    found = commands.find("job  job/ab-12 ", ())
    assert found is not None
    assert found[1] == "job/ab-12"
