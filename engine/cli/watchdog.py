"""The guard of an executor, as its settings want it."""

from __future__ import annotations

import logging
import os

from engine.cli.wiring import make_zookeeper, own_paths
from engine.service.guard import Guard
from engine.service.job_board import JobBoard
from engine.settings import Settings
from engine.zookeeper.stalls import Stall

log = logging.getLogger(__name__)


def fork_guard(settings: Settings, board: JobBoard) -> Guard | None:
    """Return the guard; None where there is to be none, or the system has no forks.

    Call it before there are threads.
    """
    if settings.stack_watchdog == "off" or not hasattr(os, "fork"):
        return None
    own = own_paths(settings)

    def make_teller(instance: str) -> Stall:
        return Stall(lambda: make_zookeeper(settings), own, instance)

    try:
        return Guard(board, make_teller)
    except OSError as error:
        log.warning("no guard watches whether this process hangs in C: %s", error)
        return None
