"""The command `nuvla-console`: read the settings, build the app, run it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence

from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.logs import configure_logs
from engine.errors import EngineError
from engine.settings import add_arguments
from engine.settings.load import config_folders
from nuvla_console import config, trouble
from nuvla_console.app import ConsoleApp
from nuvla_console.config import Preferences
from nuvla_console.profiles import is_new_here, read_profiles

PROGRAM = "nuvla-console"
_SWITCH_SECONDS = 0.001
DESCRIPTION = """\
Live views of Nuvla's job queue: what waits, what runs, where, since when, and what is wrong.
Looking changes nothing. 'nuvla-console demo' shows it over a local platform with demo jobs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console and return the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    # A key must not wait for a thread that lists 100,000 entries: 14 ms instead of 34 (p95).
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        if given[:1] == ["demo"]:
            from nuvla_console.demo import main as demo  # brings the local platform along

            return demo(given[1:])
        return _run(_parser().parse_args(given))
    except EngineError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return exit_code_for(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    finally:
        trouble.drop_unwritable_output()


def preferences() -> Preferences:
    """Return what the operator likes.

    Raises:
        SettingsError: a value is wrong.
    """
    # Only here is the environment looked at: whether copying can reach a desktop's clipboard.
    shown = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    desktop = bool(shown) or sys.platform == "darwin"
    remote = "SSH_CONNECTION" in os.environ
    return config.read(config_folders()[-1] / config.FILE_NAME, desktop=desktop and not remote)


def need_terminal() -> bool:
    """Whether there is a terminal to draw on; says so where there is none."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return True
    print(
        f"{PROGRAM}: this is no terminal; every view is also a verb of nuvla-engine, "
        "such as 'nuvla-engine queue --json'",
        file=sys.stderr,
    )
    return False


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_arguments(parser, "console")
    return parser


def _run(arguments: Namespace) -> int:
    liked = preferences()
    profiles, start, settings = read_profiles(arguments, liked)
    if not need_terminal():
        return ExitCode.USAGE
    if is_new_here(arguments, settings):
        from nuvla_console.screens.setup import SetupApp  # only the first start needs it

        if SetupApp(theme_name=liked.theme).run() is None:
            return ExitCode.OK
        profiles, start, settings = read_profiles(arguments, liked)
    # Textual leaves suggestions unasked for when it ends in the midst of typing.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    app = ConsoleApp(profiles, start=start, preferences=liked)
    app.first_words = settings.warnings
    app.end_signals = (signal.SIGTERM, signal.SIGHUP)
    if settings.log_dir is not None:
        configure_logs(settings, service="console")
    logging.getLogger().addHandler(trouble.NotesHandler(lambda *words: app.desk.store.note(*words)))
    app.run()
    return ExitCode.OK if app.return_code is None else app.return_code


if __name__ == "__main__":
    sys.exit(main())
