"""Random keys, clicks and window sizes on a real console, for as long as one likes.

`make soak` runs it; not part of the tests, since it looks for what nobody has thought of, and may
find it at any time. What it finds becomes a test. A seed gives the same keys, not the same moments.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nuvla_console.commands import COMMANDS
from tests.console.terminal import Terminal

EVERY = 200
"""Keys between two looks whether the console still answers."""
ANSWER_SECONDS = 90.0
SIZES = ((1, 1), (20, 5), (40, 10), (80, 24), (160, 48), (300, 80))
SEQUENCES = (
    *("\r", "\x1b", "\t", "\x1b[Z", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~"),
    *("\x1b[H", "\x1b[F", "\x0c", "\x10", "\x06", "\x02", "\x7f", "\x15"),
    "\x1b[200~a paste\r\x1b[31m\x1b[201~",
)
CLICKS = ("\x1b[<0;{};{}M", "\x1b[<0;{};{}m", "\x1b[<64;{};{}M", "\x1b[<65;{};{}M")
LINES = (":jobs state=failed\r", ":ctx here\r", ":ctx nowhere\r", "/abc\r", "/\x1b")
SETTINGS = """
default-profile = "here"
[profile.here]
zk-hosts = "{zk_hosts}"
api-url = "{api_url}"
api-user = "{api_user}"
api-pass = "{api_pass}"
[profile.nowhere]
zk-hosts = "127.0.0.1:1"
api-url = "http://127.0.0.1:1"
"""


class Monkey:
    """Types without an aim."""

    def __init__(self, terminal: Terminal, seed: int) -> None:
        """Args:
        terminal: where a console runs.
        seed: of the keys.
        """
        self._terminal = terminal
        self._random = random.Random(seed)
        stays = [command for command in COMMANDS if command.action != "app.leave"]
        letters = sorted({letter for command in stays for letter in command.key})
        typed = [f":{command.typed}\r" for command in stays if command.typed]
        self._keys = [*letters, *SEQUENCES, *CLICKS, *LINES, *typed]
        self.done: deque[str] = deque(maxlen=40)

    def play(self, seconds: float) -> int:
        """Type for some seconds and return how many keys that were.

        Raises:
            AssertionError: the console ended, or does not answer any more.
        """
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            count += 1
            self._type()
            code = self._terminal.process.poll()
            assert code is None, f"it ended with {code}"
            if count % EVERY == 0:
                self._look()
        return count

    def _type(self) -> None:
        terminal, chance = self._terminal, self._random
        if chance.random() < 0.06:
            size = chance.choice([*SIZES, (chance.randint(1, 200), chance.randint(1, 60))])
            terminal.resize(*size)
            self.done.append(f"{size[0]}x{size[1]}")
        key = chance.choice(self._keys)
        key = key.format(chance.randint(1, terminal.columns), chance.randint(1, terminal.lines))
        terminal.press(key)
        self.done.append(repr(key))
        if chance.random() < 0.3:
            time.sleep(chance.choice([0.0, 0.001, 0.01, 0.05, 0.3]))

    def _look(self) -> None:
        self._terminal.resize(120, 40)
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            for key in ("\x1b", "\x1b", "8"):  # one at a time: Esc and a key make Alt and that key
                self._terminal.press(key)
                time.sleep(0.4)
            rows = self._terminal.text().split("\n")
            if "nuvla-console" in rows[0] and "notes" in rows[2] and "command" in rows[-1]:
                return
        raise AssertionError("it does not answer")


@contextmanager
def _platform(folder: Path) -> Iterator[Mapping[str, str]]:
    """Run a local platform with jobs of all kinds; yields the environment of a console."""
    command = [sys.executable, "-m", "engine.cli.main", "local", "--data", str(folder / "data")]
    command += ["--executors", "2", "--distributors", "all", "--jobs", "300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            settings = folder / "settings.toml"
            settings.touch(0o600)
            settings.write_text(SETTINGS.format(**json.loads(process.stdout.readline())), "utf-8")
            yield {
                "NUVLA_CONFIG": str(settings),
                "NUVLA_AUDIT_FILE": str(folder / "audit.jsonl"),
                "XDG_CONFIG_HOME": str(folder),
                "XDG_STATE_HOME": str(folder),
            }
        finally:
            process.terminate()


def main() -> int:
    """Play, and return 1 where the console did not stand it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 100_000)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        _platform(Path(folder)) as environ,
        Terminal([], environ=environ) as terminal,
    ):
        monkey = Monkey(terminal, given.seed)
        try:
            count = monkey.play(given.seconds)
        except AssertionError as error:
            print(f"seed {given.seed}: {error}, after {' '.join(monkey.done)}\n{terminal.text()}")
            return 1
    print(f"seed {given.seed}: {count} keys, and it answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
