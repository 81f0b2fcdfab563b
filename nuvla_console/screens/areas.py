"""The screens of the areas, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nuvla_console.desk import Desk
from nuvla_console.screens.elections import ElectionsScreen
from nuvla_console.screens.executors import ExecutorsScreen
from nuvla_console.screens.findings import FindingsScreen
from nuvla_console.screens.jobs import JobsScreen
from nuvla_console.screens.live import LiveScreen
from nuvla_console.screens.log import LogScreen
from nuvla_console.screens.overview import OverviewScreen
from nuvla_console.screens.queue import QueueScreen
from nuvla_console.screens.stacks import StacksScreen
from nuvla_console.screens.taken import TakenScreen


def makers(desk: Desk) -> dict[str, Callable[[], LiveScreen]]:
    """Return what makes the screen of each area, when it is first gone to."""
    return {
        "overview": partial(OverviewScreen, desk),
        "queue": partial(QueueScreen, desk),
        "taken": partial(TakenScreen, desk),
        "jobs": partial(JobsScreen, desk),
        "elections": partial(ElectionsScreen, desk),
        "executors": partial(ExecutorsScreen, desk),
        "stacks": partial(StacksScreen, desk),
        "log": partial(LogScreen, desk),
        "findings": partial(FindingsScreen, desk),
    }
