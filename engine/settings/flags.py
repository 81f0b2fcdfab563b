"""The flags of both dialects, as argparse takes them; their values are read later, by `load`."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.settings.declare import DISTRIBUTOR, EVERY_COMMAND, EXECUTOR, LOCAL, VERB, Key
from engine.settings.sources import Given
from engine.settings.table import KEYS

DEST = "settings_given"
CONFIG, PROFILE = "settings_config", "settings_profile"

EXAMPLES = {
    EXECUTOR: """\
examples:
  nuvla-engine executor --zk-hosts zk1:2181 zk2:2181 --api-url https://nuvla.example.org \\
      --api-key credential/3f1c0e52-6f2c-4f0e-9a0b-2f2f6f1f4b11 --api-secret-file /etc/nuvla/secret
  nuvla-engine executor --profile prod --threads 16 --actions-path /opt/actions
  NUVLA_API_PASS=... nuvla-engine executor --endpoint https://nuvla.example.org --user super
  nuvla-engine executor --job-id job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f
""",
    DISTRIBUTOR: """\
examples:
  nuvla-engine distributor jobs_cleanup --profile prod
  nuvla-engine distributor --all --exclude dummy_test_action --interval jobs_cleanup=3600
  nuvla-engine distributor --all --distribution-interval monitor_bulk_jobs:15
""",
}
PRECEDENCE = """\
Each setting may also stand in a settings file (see --config) and in the environment; later ones
win: default, file, profile in the file, environment, flag. docs/settings.md has them all."""


class _Give(Action):
    """Notes a flag's value with the flag that gave it, so that errors can name it."""

    def __init__(self, *arguments: Any, key: Key, names_file: bool = False, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.key = key
        self.names_file = names_file

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = list(getattr(namespace, DEST, ()))
        value = self.const if self.nargs == 0 else values
        source = option_string or self.option_strings[0]
        earlier = [old for old in given if old.key is self.key and not old.names_file]
        if self.key.kind.is_many:
            value = [*(word for old in earlier for word in old.value), *(values or ())]
        given = [old for old in given if old not in earlier or self.names_file]
        new = Given(
            key=self.key, value=value, source=source, names_file=self.names_file, is_flag=True
        )
        setattr(namespace, DEST, [*given, new])


def add_arguments(parser: ArgumentParser, command: str) -> None:
    """Add the flags of all settings that a command takes. Call it after its own arguments.

    Args:
        parser: gets the flags in groups, and examples below its help.
        command: "executor", "distributor", "local" or "console"; "config" takes the settings of
            all; any other counts as a verb.
    """
    known = {EVERY_COMMAND, *(name for key in KEYS for name in key.commands)}
    taken_by = command if command in known else VERB
    # Some forty settings would bury what is the command's own.
    parser.usage = f"{_own_usage(parser)} [SETTING ...]"
    files = parser.add_argument_group("settings")
    if taken_by != LOCAL:
        files.add_argument(
            "--config", dest=CONFIG, metavar="FILE", help="read this settings file and no other"
        )
        files.add_argument(
            "--profile", dest=PROFILE, metavar="NAME", help="use this profile of the settings file"
        )
    groups: dict[str, Any] = {}
    for key in KEYS:
        if key.flags and (taken_by == EVERY_COMMAND or taken_by in key.commands):
            if key.group not in groups:
                groups[key.group] = parser.add_argument_group(key.group)
            _add(groups[key.group], key)
    parser.epilog = EXAMPLES.get(taken_by, "") + "\n" + PRECEDENCE


def given_by(arguments: Namespace) -> list[Given]:
    """Return what flags set."""
    return list(getattr(arguments, DEST, ()))


def default_text(key: Key) -> str:
    """Return a default as an operator would write it; empty where there is none."""
    value = key.default
    if value is None or isinstance(value, bool) or value == ():
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _add(group: Any, key: Key) -> None:
    kind = key.kind
    options: dict[str, Any] = {"metavar": kind.metavar}
    if kind.is_many:
        options["nargs"] = "+"
    elif kind.is_switch:
        options = {"nargs": 0, "const": True}
    _add_one(group, key, *key.flags, help=_help(key), **options)
    for words, value in key.constants.items():
        text = f"the same as {key.flags[0]} {value}"
        _add_one(group, key, *words.split(), nargs=0, const=value, help=text)
    if key.has_file:
        text = f"private file, or keyring:SERVICE/USER (env: {key.variables[0]}_FILE)"
        _add_one(group, key, f"--{key.file_label}", metavar="FILE", help=text, names_file=True)


def _add_one(group: Any, key: Key, *flags: str, **options: Any) -> None:
    # No default in the namespace: only what was given is noted.
    group.add_argument(*flags, action=_Give, key=key, dest=DEST, default=(), **options)


def _own_usage(parser: ArgumentParser) -> str:
    usage = parser.format_usage().split(":", 1)[1]
    return " ".join(usage.split()).replace("%", "%%")


def _help(key: Key) -> str:
    default = default_text(key)
    facts = [f"default: {default}"] if default else []
    facts.append("env: " + ", ".join(key.variables))
    return f"{key.help} ({'; '.join(facts)})".replace("%", "%%")


def file_flag(arguments: Namespace) -> Path | None:
    """Return the settings file that --config names."""
    name = getattr(arguments, CONFIG, None)
    return Path(name).expanduser() if name else None
