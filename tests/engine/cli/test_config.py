"""`config show` and `config check`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE, make_digest_acl

from engine.cli import wiring
from engine.cli.exit_codes import ExitCode
from engine.settings.table import KEYS
from engine.zookeeper.paths import ENTRIES, TAKEN
from tests.engine.cli.conftest import Ended, Run

SECRETS = {
    "api-pass": "canary-api",
    "zk-auth": "digest:ops:canary-zk",
    "api-authn-header": "canary-header",
}


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time to connect; tests of servers that are away do not wait."""
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 60.0)


def setting(ended: Ended, key: str) -> dict[str, object]:
    """Return one setting of `config show --json`."""
    (found,) = [each for each in ended.json["settings"] if each["key"] == key]
    assert isinstance(found, dict)
    return found


def results(ended: Ended) -> dict[str, str]:
    """Return the state by subject of `config check --json`; the last of those of one subject."""
    return {each["subject"]: each["state"] for each in ended.json["checks"]}


def test_every_setting_is_shown_with_its_value_and_its_origin(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("threads = 3\n[profile.prod]\ngrace = 7\ninterval = {jobs_cleanup = 60}\n")
    monkeypatch.setenv("NUVLA_ZK_HOSTS", "zk1:2181,zk2:2181")
    words = ("--config", str(file), "--profile", "prod", "--name", "exec-a")
    ended = run("config", "show", "--json", *words)
    assert ended.code == ExitCode.OK, ended.err
    assert [each["key"] for each in ended.json["settings"]] == [key.label for key in KEYS]
    assert (ended.json["profile"], ended.json["files"]) == ("prod", [str(file)])
    origins = {
        key: (setting(ended, key)["value"], setting(ended, key)["from"])
        for key in ("threads", "grace", "zk-hosts", "name", "zk-root", "interval")
    }
    assert origins == {
        "threads": (3, str(file)),
        "grace": (7.0, f"[profile.prod] in {file}"),
        "zk-hosts": ("zk1:2181,zk2:2181", "the variable NUVLA_ZK_HOSTS"),
        "name": ("exec-a", "--name"),
        "zk-root": ("/nuvla-engine", "default"),
        "interval": ([["jobs_cleanup", 60.0]], f"[profile.prod] in {file}"),
    }
    table = run("config", "show", *words).out
    assert "jobs_cleanup=60" in table and "[profile.prod]" in table


def test_secrets_are_masked_wherever_they_stand(run: Run, tmp_path: Path) -> None:
    words = [word for key, text in SECRETS.items() for word in (f"--{key}", text)]
    kept = tmp_path / "secret"
    kept.write_text("canary-file")
    kept.chmod(0o600)
    words += ["--api-secret-file", str(kept), "--api-url", "http://u:canary-url@h"]
    words += ["--es-hosts", "https://u:canary-es@es1:9200"]
    for form in ("--json", "-d"):
        ended = run("config", "show", form, *words)
        assert ended.code == ExitCode.USAGE  # the URL holds a password
        assert "canary" not in ended.out + ended.err
        assert "***" in ended.out and f"--api-secret-file, in {kept}" in ended.out


def test_every_wrong_setting_is_told_at_once(run: Run, reach: object) -> None:
    words = ("--threads", "many", "--grace", "0", "--log-level", "LOUD")
    ended = run("config", "check", "--json", *words)
    assert ended.code == ExitCode.USAGE
    wrong = {each["subject"] for each in ended.json["checks"] if each["state"] == "wrong"}
    assert wrong == {"threads", "grace", "log-level"}
    assert run("config", "show", *words).code == ExitCode.USAGE


def test_what_works_is_good_and_leaves_no_trace(
    run: Run, reach: object, kazoo: KazooClient, tmp_path: Path
) -> None:
    for path in (ENTRIES, TAKEN, "/election", "/nuvla-engine"):
        kazoo.ensure_path(path)
    seen = {path: kazoo.exists(path).cversion for path in (ENTRIES, "/job")}
    ended = run("config", "check", "--json", "--log-dir", str(tmp_path), "--threads", "3")
    assert ended.code == ExitCode.OK, ended.out
    found = results(ended)
    assert set(found.values()) == {"good"}, ended.out
    assert {"zookeeper", "api", "log-dir", "actions", "write /job/taken"} <= found.keys()
    for path in (TAKEN, "/election", "/nuvla-engine", ENTRIES):
        assert kazoo.get_children(path) == []
    assert seen == {path: kazoo.exists(path).cversion for path in seen}
    assert "checks, 0 failed" in run("config", "check").err


def test_a_right_that_is_missing_is_told_and_a_missing_node_is_none(
    run: Run, reach: object, kazoo: KazooClient
) -> None:
    kazoo.add_auth("digest", "admin:x")
    for path in (ENTRIES, TAKEN):
        kazoo.ensure_path(path)
        kazoo.set_acls(path, [make_digest_acl("admin", "x", all=True)])
    ended = run("config", "check", "--json")
    for path in (ENTRIES, TAKEN):
        kazoo.set_acls(path, OPEN_ACL_UNSAFE)
    found = results(ended)
    assert ended.code == ExitCode.UNREACHED
    assert (found[f"read {ENTRIES}"], found[f"write {TAKEN}"]) == ("unreached", "note")
    assert found["write /election"] == "note"
    details = {each["subject"]: each["detail"] for each in ended.json["checks"]}
    assert "set --zk-auth" in details[f"read {ENTRIES}"]
    assert details["write /election"].startswith("is not there yet")


def test_servers_that_are_away_take_bounded_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 0.5)
    words = ("--zk-hosts", "127.0.0.1:1", "--api-url", "http://127.0.0.1:1")
    started = time.monotonic()
    ended = run("config", "check", "--json", *words, "--api-authn-header", "group/nuvla-admin")
    assert time.monotonic() - started < 60
    assert ended.code == ExitCode.UNREACHED
    found = results(ended)
    assert (found["zookeeper"], found["api"]) == ("unreached", "unreached")


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (("--zk-ca", "/no/such.pem"), "zk-ca"),
        (("--log-dir", "/no/such"), "log-dir"),
        (("--actions-path", "/no/such"), "actions"),
        (("--actions-from", "no.such.package"), "actions"),
        (("--api-user", "u"), "api"),
    ],
    ids=["file", "log folder", "folder of actions", "package of actions", "half an identity"],
)
def test_what_a_setting_names_has_to_be_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], subject: str
) -> None:
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 0.2)
    dead = ("--zk-hosts", "127.0.0.1:1", "--api-url", "http://127.0.0.1:1")
    ended = run("config", "check", "--json", *dead, *words)
    assert ended.code == ExitCode.USAGE
    assert results(ended)[subject] == "wrong"
    assert "Traceback" not in ended.out + ended.err


def test_a_wrong_password_of_the_api_is_a_matter_of_settings(
    run: Run, reach: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUVLA_API_PASS", "canary")
    ended = run("config", "check", "--json")
    assert ended.code == ExitCode.USAGE
    assert results(ended)["api"] == "wrong"
    assert "canary" not in ended.out + ended.err
