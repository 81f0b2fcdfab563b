"""The verbs of `nuvla-engine`: what each is for, and the module that has it.

Only the module of the verb that was asked for is imported, so that each starts fast.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from engine.cli.exit_codes import ExitCode


class Verb(NamedTuple):
    """How a verb reads its arguments and what it does."""

    configure: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], ExitCode]


class Listing(NamedTuple):
    """A verb by the module that has it."""

    module: str
    summary: str


LISTINGS: dict[str, Listing] = {
    "executor": Listing("services", "run jobs from the queue"),
    "distributor": Listing("services", "create jobs at their intervals, one leader each"),
    "local": Listing("local", "run a ZooKeeper and a local Nuvla API on this machine"),
    "queue": Listing("views", "what waits, in the order in which it will run"),
    "taken": Listing("views", "what is held, by whom and since when"),
    "elections": Listing("views", "who distributes, and who waits to"),
    "members": Listing("views", "the executors and distributors, and what they run"),
    "jobs": Listing("documents", "job documents, each with its entry, lock and owner"),
    "job": Listing("documents", "one job: document, entry, lock and owner"),
    "why": Listing("diagnosis", "why a job does not move: a verdict, its evidence, the safe act"),
    "doctor": Listing("diagnosis", "all that is stuck or sick, worst first"),
    "stacks": Listing("stacks", "where the threads of members stand, or of a process (--pid)"),
    "ping": Listing("control", "whether members answer; without a name, those of this host"),
    "watch": Listing("watch", "changes of queue, locks, elections and members, as they come"),
    "start": Listing("acts", "create a job"),
    "release": Listing("acting", "let a held job go back to the queue"),
    "cancel": Listing("acting", "make a job CANCELED"),
    "requeue": Listing("acting", "run a finished job again, as a new job"),
    "drop": Listing("acting", "delete entries that nobody needs"),
    "reprioritise": Listing("acting", "move a waiting job to another priority"),
    "drain": Listing("acting", "let an executor take no more jobs"),
    "resume": Listing("acting", "let a drained executor take jobs again"),
    "pause": Listing("acting", "let no executor of ours take jobs"),
    "unpause": Listing("acting", "let the executors take jobs again"),
    "interrupt": Listing("acting", "end the action of a job from within its thread"),
    "restore": Listing("acts", "put jobs without an entry back in the queue, once"),
    "audit": Listing("audit", "the record of acts: who did what, why, and how it ended"),
    "completions": Listing("completions", "a script that completes this command in a shell"),
    "config": Listing("config", "show the settings and where they come from, or check them"),
    "version": Listing("about", "the version of this program"),
}


def find_verb(name: str) -> Verb:
    """Return a verb, importing its module.

    Raises:
        KeyError: there is no verb of that name.
    """
    module = import_module(f"engine.cli.{LISTINGS[name].module}")
    verb: Verb = module.VERBS[name]
    return verb
