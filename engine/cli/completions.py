"""The verb `completions`: scripts that complete both commands in a shell."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterator

import shtab

from engine.cli.exit_codes import ExitCode
from engine.cli.verbs import LISTINGS, Verb, find_verb
from engine.cli.wiring import add_settings

ENGINE, CONSOLE = "nuvla-engine", "nuvla-console"
SHELLS = ("bash", "zsh", "fish")
_COMPLETERS = {
    "FILE": shtab.FILE,
    "PATH": shtab.FILE,
    "DIR": shtab.DIRECTORY,
    "FOLDER": shtab.DIRECTORY,
}
EPILOG = """\
examples:
  source <(nuvla-engine completions bash)
  nuvla-engine completions zsh > ~/.zfunc/_nuvla-engine
  nuvla-engine completions fish > ~/.config/fish/completions/nuvla-engine.fish

The packages install them for all users."""


def engine_parser() -> ArgumentParser:
    """Return one parser of the whole command, each verb as a command of its own."""
    parser = ArgumentParser(prog=ENGINE)
    verbs = parser.add_subparsers(dest="verb")
    for name, listing in LISTINGS.items():
        find_verb(name).configure(verbs.add_parser(name, help=listing.summary))
    return parser


def console_parser() -> ArgumentParser:
    """Return a parser of the console's command."""
    parser = ArgumentParser(prog=CONSOLE)
    parser.add_argument("demo", nargs="?", choices=["demo"], help="the console over demo jobs")
    add_settings(parser, "console")
    return parser


def script(shell: str, command: str) -> str:
    """Return the script for one shell and one of the two commands."""
    parser = engine_parser() if command == ENGINE else console_parser()
    for action in _actions(parser):
        _add_values(action)
    return shtab.complete(parser, shell)


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    for action in parser._actions:
        yield action
        if action.nargs == "A..." and isinstance(action.choices, dict):  # the verbs' parsers
            for verb in action.choices.values():
                yield from _actions(verb)


def _add_values(action: Action) -> None:
    """Say what an argument's value may be, where the word that stands for it in the help tells."""
    word = action.metavar if isinstance(action.metavar, str) else ""
    if word in _COMPLETERS:
        action.complete = _COMPLETERS[word]  # type: ignore[attr-defined]  # read by shtab
    elif word.startswith("{") and action.choices is None:
        action.choices = word.strip("{}").split(",")


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell to complete in")
    parser.add_argument(
        "--command",
        choices=(ENGINE, CONSOLE),
        default=ENGINE,
        help=f"the command to complete (default: {ENGINE})",
    )
    parser.epilog = EPILOG


def _run(arguments: Namespace) -> ExitCode:
    print(script(arguments.shell, arguments.command))
    return ExitCode.OK


VERBS = {"completions": Verb(_configure, _run)}
