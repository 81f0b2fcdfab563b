"""`nuvla-engine ping`: whether members answer, as a container's health check asks."""

from __future__ import annotations

import pytest
from kazoo.client import KazooClient

from engine.models import Member, MemberKind, RemoteControl
from engine.models.control import Reply, Request
from tests.engine.answering import NOW, OWN, answer, member
from tests.engine.cli.conftest import Run


@pytest.fixture
def zk_reach(zk_hosts: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the environment say where ZooKeeper is; this host is the one of the tests' members."""
    monkeypatch.setenv("NUVLA_ZK_HOSTS", zk_hosts)
    monkeypatch.setattr("engine.cli.control.socket.gethostname", lambda: "node1")
    return zk_hosts


def well(request: Request) -> Reply:
    return answer(request, None)


def silent(kazoo: KazooClient, remote_control: RemoteControl, host: str = "node1") -> None:
    """A member that is there and does not answer."""
    mute = Member(
        instance="mute-1",
        kind=MemberKind.DISTRIBUTOR,
        name="mute",
        host=host,
        pid=9,
        version="1",
        started=NOW,
        remote_control=remote_control,
    )
    kazoo.create(OWN.member("mute-1"), mute.to_node(), makepath=True, ephemeral=True)


def test_all_members_of_this_host_answer(run: Run, zk_reach: str, kazoo: KazooClient) -> None:
    silent(kazoo, RemoteControl.ALL, host="another")
    with member(zk_reach, well):
        ended = run("ping")
        as_json = run("ping", "--json")
    assert (ended.code, ended.err) == (0, "1 of 1 member well\n")
    assert ended.out.splitlines()[1].split()[:2] == ["a", "7"]
    [item] = as_json.json["members"]
    assert (item["instance"], item["well"]) == ("a-1", True)
    assert 0 <= item["seconds"] < 5


def test_one_that_does_not_answer_is_told(run: Run, zk_reach: str, kazoo: KazooClient) -> None:
    silent(kazoo, RemoteControl.ALL)
    with member(zk_reach, well):
        ended = run("ping", "--timeout", "5")
        alone = run("ping", "a")
    assert ended.code == 1
    assert "1 of 2 members well" in ended.err
    assert "NOT WELL: mute-1 did not answer ping in time" in ended.out
    assert alone.code == 0


def test_one_that_answers_nothing_by_its_setting_is_well(
    run: Run, zk_reach: str, kazoo: KazooClient
) -> None:
    silent(kazoo, RemoteControl.NONE)
    ended = run("ping", "mute")
    assert ended.code == 0
    assert "--remote-control none" in ended.out


@pytest.mark.parametrize("name", [(), ("nobody",), ("\x1b[2J",)])
def test_nobody_is_not_well(run: Run, zk_reach: str, name: tuple[str, ...]) -> None:
    ended = run("ping", *name)
    assert ended.code == 1
    assert "\x1b" not in ended.out + ended.err
    assert "no member" in ended.out + ended.err


def test_a_timeout_that_is_none_is_refused(run: Run, zk_reach: str) -> None:
    assert run("ping", "--timeout", "0").code == 2


def test_zookeeper_that_is_away_is_told_by_the_code(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.wiring.CONNECT_SECONDS", 0.5)
    assert run("ping", "--zk-hosts", "127.0.0.1:1").code == 3
