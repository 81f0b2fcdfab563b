"""What a line in the command bar can become."""

from __future__ import annotations

from collections.abc import Sequence

from engine.states import JobState
from engine.view import query
from nuvla_console import commands, theme
from nuvla_console.commands import Scope
from nuvla_console.desk import Desk


def lines(typed: str, scopes: Sequence[Scope], desk: Desk) -> list[str]:
    """Return the lines that a beginning can become, the likeliest first."""
    name, space, argument = typed.partition(" ")
    if not space:
        return [command.name for command in commands.completions(name, scopes) if name]
    found = commands.find(name, scopes)
    if found is None:
        return []
    head, _, word = argument.rpartition(" ")
    before = f"{name} {head} " if head else f"{name} "
    choices = _arguments(found[0].id, desk)
    return [before + choice for choice in choices if word and choice.startswith(word)]


def _arguments(command: str, desk: Desk) -> Sequence[str]:
    if command == "context":
        return desk.profiles
    if command == "theme":
        return [t.name for t in theme.THEMES]
    if command == "area.jobs":
        return [*(f"state={state}" for state in JobState), *_actions(desk), *query.WORDS]
    if command == "area.stacks":
        members = desk.picture.members
        return [m.name for m in members.members] if members else ()
    if command == "job":
        return sorted(desk.picture.jobs)
    return ()


def _actions(desk: Desk) -> list[str]:
    counts = desk.picture.counts
    return [f"action={name}" for name, _ in counts.actions] if counts else []
