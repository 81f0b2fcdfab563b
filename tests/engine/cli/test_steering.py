"""A service answers over ZooKeeper as far as its settings allow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.cli.steering import answering, distributor_control
from engine.models import Command, Member, MemberKind, RemoteControl, Request
from engine.models.control import Outcome
from engine.zookeeper.channel import ask
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

OWN = OwnPaths()
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def zk(zk_hosts: str) -> Iterator[ZooKeeper]:
    """A session."""
    session = ZooKeeper(zk_hosts, session_timeout=4.0)
    session.start()
    assert session.wait_connected(15)
    yield session
    session.close()


def distributor(remote_control: RemoteControl) -> Member:
    return Member(
        instance="distributor-1-x",
        kind=MemberKind.DISTRIBUTOR,
        name="distributor",
        host="node",
        pid=7,
        version="1",
        started=NOW,
        remote_control=remote_control,
    )


@pytest.mark.parametrize(
    ("setting", "ping", "drain"),
    [
        (RemoteControl.ALL, Outcome.DONE, Outcome.REFUSED),
        (RemoteControl.READ_ONLY, Outcome.DONE, Outcome.LIMITED),
        (RemoteControl.NONE, Outcome.LIMITED, Outcome.LIMITED),
    ],
)
def test_what_a_distributor_answers(
    zk: ZooKeeper, setting: RemoteControl, ping: Outcome, drain: Outcome
) -> None:
    member = distributor(setting)
    zk.create(OWN.member(member.instance), member.to_node(), ephemeral=True)
    with answering(zk, OWN, member, distributor_control(member)):
        for command, wanted in ((Command.PING, ping), (Command.DRAIN, drain)):
            request = Request.new(command, by="ann", now=NOW)
            reply = ask(zk, OWN, member.instance, request, timeout=60)
            assert reply.outcome is wanted, reply.detail
    assert zk.exists(OWN.commands_of(member.instance)) is None
