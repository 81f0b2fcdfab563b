"""The command `nuvla-engine`: find the verb, run it, turn its end into an exit code."""

from __future__ import annotations

import difflib
import io
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.verbs import LISTINGS, find_verb
from engine.errors import EngineError

PROGRAM = "nuvla-engine"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    _prepare_streams()
    try:
        code = run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        _discard_output()
        return ExitCode.CLOSED_PIPE
    except OSError as error:
        # A full disk behind stdout, a folder that may not be written, no more file descriptors.
        _discard_output()
        _complain(str(error))
        return ExitCode.REFUSED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def run(argv: Sequence[str]) -> ExitCode:
    """Run one verb; say on stderr what ended it, where something did."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(overview())
        return ExitCode.OK if argv else ExitCode.USAGE
    name, rest = ("version" if argv[0] in ("-V", "--version") else argv[0]), argv[1:]
    if name not in LISTINGS:
        _complain(f"there is no verb {name!r}{_guess(name)}; see '{PROGRAM} --help'")
        return ExitCode.USAGE
    verb = find_verb(name)
    parser = Parser(
        prog=f"{PROGRAM} {name}",
        description=LISTINGS[name].summary[0].upper() + LISTINGS[name].summary[1:] + ".",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verb.configure(parser)
    try:
        return verb.run(parser.parse_args(rest))
    except EngineError as error:
        _complain(str(error))
        return exit_code_for(error)


class Parser(ArgumentParser):
    """Complains in one line: the list of all flags would hide what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def overview() -> str:
    """Return the help of the whole command."""
    lines = [f"usage: {PROGRAM} VERB [OPTION...]", "", "verbs:"]
    lines += [f"  {name:<12} {listing.summary}" for name, listing in LISTINGS.items()]
    lines += ["", f"'{PROGRAM} VERB --help' says more. Exit codes: 0 done or healthy,"]
    lines += ["1 stuck or refused, 2 usage or settings, 3 a source could not be reached."]
    return "\n".join(lines)


def _prepare_streams() -> None:
    """Bear a stdout or stderr that was closed, and a terminal that is not UTF-8."""
    # Open until the process ends; only one that was started without them gets here.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Keep the flush at exit from failing on the same output again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guess(name: str) -> str:
    near = difflib.get_close_matches(name, LISTINGS, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _complain(text: str) -> None:
    print(f"{PROGRAM}: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
