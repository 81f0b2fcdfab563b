"""How an executor starts: rows 91 and 92."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.local.zookeeper import ZooKeeperServer
from tests.faults.job_store import PASSWORD
from tests.faults.proxy import Proxy
from tests.faults.world import World
from tests.support import eventually


@pytest.mark.row(91)
def test_two_executors_of_one_name_do_not_get_in_each_other_s_way(world: World) -> None:
    """The identity is the session and a random part, not the name."""
    gate = world.gate()
    twins = [world.executor(name="twin", threads=1) for _ in range(2)]
    jobs = [world.hold(gate), world.hold(gate)]
    world.wait_running(*jobs)
    runners = {line.pid for line in world.journal.lines("start")}
    assert runners == {twin.pid for twin in twins}
    twins[0].terminate()
    gate.touch()
    world.wait_drained()
    assert twins[0].wait() == 0
    later = world.add()
    world.wait_state("SUCCESS", later)
    assert [member.name for member in world.members()] == ["twin"]


BAD: dict[str, list[str]] = {
    "no threads": ["--threads", "0"],
    "threads are no number": ["--threads", "many"],
    "unknown option": ["--no-such-option"],
    "endless grace": ["--grace", "nan"],
    "negative timeout": ["--api-timeout", "-1"],
    "not an http address": ["--api-url", "ftp://127.0.0.1"],
    "bad port": ["--zk-hosts", "127.0.0.1:many"],
    "no such password file": ["--api-user", "super", "--api-pass-file", "nowhere/password"],
    "no such settings file": ["--config", "nowhere/settings.toml"],
    "broken settings file": ["--config", "broken.toml"],
    "unknown setting": ["--config", "unknown.toml"],
    "unknown log level": ["--log-level", "LOUD"],
}


@pytest.mark.row(92)
def test_bad_settings_end_it_with_a_message_before_any_connection(
    world: World, zookeeper_server: ZooKeeperServer, tmp_path: Path
) -> None:
    """Exit 2, one clear message that names the culprit, no traceback."""
    (tmp_path / "broken.toml").write_text(f'api-pass = "{PASSWORD}\n', encoding="utf-8")
    (tmp_path / "unknown.toml").write_text("thread = 3\n", encoding="utf-8")
    for name in ("broken", "unknown"):
        (tmp_path / f"{name}.toml").chmod(0o600)
    connections: list[bytes] = []
    with Proxy(zookeeper_server.port) as proxy:
        proxy.on_up = connections.append
        children = {
            name: world.executor(*options, hosts=proxy.hosts, wait=False)
            for name, options in BAD.items()
        }
        for name, child in children.items():
            assert (name, child.wait()) == (name, 2), child.output()
            output = child.output()
            assert "Traceback" not in output
            culprits = [word.removeprefix("--").partition(".")[0] for word in BAD[name]]
            assert any(word in output for word in culprits), (name, output)
    assert not connections
    assert not world.api.calls


@pytest.mark.row(92)
def test_a_password_file_that_cannot_be_read_is_named(world: World, tmp_path: Path) -> None:
    """A folder in its place, and a file that others may read."""
    folder, loose = tmp_path / "folder", tmp_path / "loose"
    folder.mkdir()
    loose.write_text(PASSWORD, encoding="utf-8")
    loose.chmod(0o644)
    for path in (folder, loose):
        options = ("--api-user", "super", "--api-pass-file", str(path))
        child = world.executor(*options, wait=False)
        assert child.wait() == 2
        assert path.name in child.output()


@pytest.mark.row(92)
def test_refused_credentials_are_said_and_do_not_cause_a_storm(world: World) -> None:
    """It may be a mistake, or the API may be early: it says so, and tries seldom."""
    world.store.logins_refused = True
    child = world.executor(as_user=True, wait=False)
    child.says("refused")
    eventually(lambda: world.api.called("POST", "session"), "it tried to log in")
    child.terminate()
    child.wait(20)
    assert len(world.api.called("POST", "session")) <= 3
