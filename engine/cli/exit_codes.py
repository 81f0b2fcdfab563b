"""What the exit code of every verb means."""

from __future__ import annotations

from enum import IntEnum

from engine.errors import (
    ApiRefused,
    ApiUnavailable,
    ControlError,
    EngineError,
    LoginRefused,
    MalformedAnswer,
    PluginError,
    SettingsError,
    StacksUnavailable,
    ZooKeeperError,
)

BAD_REQUEST = 400


class ExitCode(IntEnum):
    """The exit codes of `nuvla-engine`."""

    OK = 0
    """Done, or healthy."""
    REFUSED = 1
    """Something stuck was found, a job failed, or an act was refused."""
    USAGE = 2
    """The arguments or the settings are wrong."""
    UNREACHED = 3
    """A source (ZooKeeper, the API, a member, a process) could not be reached."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""
    CLOSED_PIPE = 141
    """The reader of our output went away, as shells count it."""


_CODES: tuple[tuple[type[EngineError], ExitCode], ...] = (
    (SettingsError, ExitCode.USAGE),
    (PluginError, ExitCode.USAGE),
    (LoginRefused, ExitCode.USAGE),
    (ApiUnavailable, ExitCode.UNREACHED),
    (MalformedAnswer, ExitCode.UNREACHED),
    (ZooKeeperError, ExitCode.UNREACHED),
    (ControlError, ExitCode.UNREACHED),
    (StacksUnavailable, ExitCode.UNREACHED),
)


def exit_code_for(error: EngineError) -> ExitCode:
    """Return the exit code of a verb that an error ended."""
    if isinstance(error, ApiRefused) and error.status == BAD_REQUEST:
        # The API did not understand what the arguments made it be asked, such as a filter.
        return ExitCode.USAGE
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return ExitCode.REFUSED
