"""Ask a running member for something, over ZooKeeper, and wait for its reply.

A request is a node below the member's commands; the member removes it in the very transaction that
makes the reply, so that there is always one of the two, or none once the asker gave up.

What can be told of a reply, and what cannot: the reply is an ephemeral node, so ZooKeeper itself
says which session made it, and that has to be the session of the member's own presence node. Nobody
else can write such a node without that session's id and password. It has to repeat the request's
128 random bits, so that it is no answer to another question. What stays: who may change the
presence node's parent could have put a member of their own there beforehand, and `by` in a request
is what the asker says of itself. Only ACLs on our root (zk-auth, zk-acl) keep strangers out.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from engine.errors import (
    AccessDenied,
    BadReply,
    EngineError,
    MemberGone,
    NoAnswer,
    SessionLost,
    ZooKeeperError,
    ZooKeeperUnavailable,
)
from engine.models import Member
from engine.models.control import Outcome, Reply, Request
from engine.text import clean
from engine.zookeeper import wire
from engine.zookeeper.connection import Answer, Node, ZooKeeper
from engine.zookeeper.parcels import unpack
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.remains import remove_remains, remove_tree

log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
"""Between two looks without being woken by a watch."""
_CALL_SECONDS = 5.0
_LEAST_SECONDS = 1.0
"""That each call gets, though the time be over: a server under load is not one that is away."""
_RETRY_SECONDS = 0.1
_CLEAN_SECONDS = 3.0


def ask(zk: ZooKeeper, own: OwnPaths, instance: str, request: Request, *, timeout: float) -> Reply:
    """Return what a member answers to a request. Leaves no node behind, however it ends.

    A member whose setting forbids the command is not asked: the reply is `limited` at once.

    Args:
        zk: a connected session.
        own: where the nodes are.
        instance: the member.
        request: made for this call only.
        timeout: seconds; the patience of a release has to fit in.

    Raises:
        MemberGone: there is no such member, or it ended while it was asked.
        NoAnswer: no reply came in time.
        BadReply: what came cannot be used.
        ZooKeeperUnavailable, AccessDenied.
    """
    deadline = time.monotonic() + timeout
    member = _find(zk, own, instance)
    if not member.remote_control.allows(request.command):
        setting = member.remote_control.value
        return Reply(
            request_id=request.id,
            outcome=Outcome.LIMITED,
            detail=f"{instance} runs with --remote-control {setting}: {request.command.value} "
            "is to be done where it runs",
            instance=instance,
            answered_at=datetime.now(UTC),
        )
    question = _Question(zk, own, member, request, deadline)
    try:
        question.post()
        return question.wait()
    finally:
        question.clean_up()


def _find(zk: ZooKeeper, own: OwnPaths, instance: str) -> Member:
    """Return a member that is there."""
    node = zk.get(own.member(instance), timeout=_CALL_SECONDS) if _is_name(instance) else None
    if node is None:
        if _is_name(instance):
            remove_remains(zk, own, instance)
        raise MemberGone(
            f"there is no member {clean(instance, limit=200)}: it has ended, or its session is "
            "lost; `nuvla-engine members` shows who is there"
        )
    member = Member.from_node(instance, node[0], session=node[1].ephemeralOwner)
    if member is None or not member.session:
        raise BadReply(f"the presence node of {instance} is not what a member writes")
    return member


def _is_name(instance: str) -> bool:
    return bool(instance) and "/" not in instance and instance not in (".", "..")


class _Question:
    """One request on its way."""

    def __init__(
        self, zk: ZooKeeper, own: OwnPaths, member: Member, request: Request, deadline: float
    ) -> None:
        self._zk = zk
        self._own = own
        self._member = member
        self._request = request
        self._data = request.to_json()
        self._deadline = deadline
        self._woken = threading.Event()
        self._path: str | None = None
        self._reply_path = ""
        self._wrong: BadReply | None = None
        """What was wrong with a reply that is not the member's."""
        self._is_gone = False

    def post(self) -> None:
        """Make the request's node, if the member is there."""
        parent = self._own.commands_of(self._member.instance)
        check = wire.check(self._own.member(self._member.instance))
        for _ in range(3):
            made = self._zk.create_beside(f"{parent}/", self._data, check, timeout=self._left())
            if isinstance(made, str):
                self._path = made
                name = made.rpartition("/")[2]
                self._reply_path = f"{self._own.replies_of(self._member.instance)}/{name}"
                return
            if Answer.NO_AUTH in made:
                raise AccessDenied(f"ZooKeeper forbids this on {parent}: look at the node's ACL")
            if made[1] is Answer.NO_NODE:
                raise self._gone()
            self._zk.ensure(parent, timeout=self._left())
        raise ZooKeeperUnavailable(f"{parent} cannot be made: somebody removes it again and again")

    def wait(self) -> Reply:
        """Wait for the reply."""
        trouble: EngineError | None = None
        while True:
            self._woken.clear()
            try:
                reply = self._look()
                if reply is not None:
                    return reply
                trouble = None
            except (ZooKeeperUnavailable, SessionLost) as error:
                trouble = error
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise self._no_answer(trouble)
            # A disconnect wakes us at once, so a failed look needs a pause of its own.
            pause = _RETRY_SECONDS if trouble else 0.0
            self._woken.wait(min(left, _RETRY_SECONDS if trouble else _LOOK_SECONDS))
            time.sleep(min(max(0.0, left), pause))

    def clean_up(self) -> None:
        """Remove the request, and the reply that may have come for it."""
        try:
            if self._path is None:
                self._find_path()
            # In this order: once the request is gone, no reply can come.
            for path in (self._path, self._reply_path):
                if path:
                    remove_tree(self._zk, path, timeout=_CLEAN_SECONDS)
            if self._is_gone:
                remove_remains(self._zk, self._own, self._member.instance)
        except ZooKeeperError as error:
            # The member drops requests that are a minute old, and replies too.
            log.debug("a request could not be taken back: %s", error)

    def _look(self) -> Reply | None:
        """Return the reply if it is there; both nodes are watched from here on."""
        wake = self._woken.set
        node = self._zk.get(self._reply_path, watch=wake, timeout=self._left())
        reply = None if node is None else self._judge(node)
        if reply is not None:
            return reply
        path = self._own.member(self._member.instance)
        stat = self._zk.exists(path, watch=wake, timeout=self._left())
        if stat is None or stat.ephemeralOwner != self._member.session:
            raise self._gone()
        return None

    def _judge(self, node: Node) -> Reply | None:
        """Return a reply that is the member's; put away one that is not, and wait on.

        Raises:
            BadReply: it is the member's, and cannot be used.
        """
        data, stat = node
        if stat.ephemeralOwner != self._member.session:
            self._put_away()
            return None
        try:
            reply = unpack(data)
        except BadReply as error:
            raise BadReply(f"{self._member.instance}: {error}", maybe_done=True) from error
        if reply.request_id != self._request.id:
            raise BadReply(f"{self._member.instance} answers another request", maybe_done=True)
        if reply.instance != self._member.instance:
            words = f"{self._member.instance} answers as {reply.instance}"
            raise BadReply(words, maybe_done=True)
        return reply

    def _put_away(self) -> None:
        """Make room for the member's own reply."""
        self._wrong = BadReply(
            f"a reply in the name of {self._member.instance} is not its own: another session "
            "wrote it; look who may write below the engine's nodes",
            maybe_done=True,
        )
        log.warning("%s; waiting on", self._wrong)
        remove_tree(self._zk, self._reply_path, timeout=self._left())
        self._woken.set()

    def _gone(self) -> MemberGone:
        self._is_gone = True
        return MemberGone(
            f"{self._member.instance} ended, or lost its session, while it was asked for "
            f"{self._request.command.value}; look at what it held before you ask again",
            maybe_done=self._path is not None,
        )

    def _no_answer(self, trouble: EngineError | None) -> EngineError:
        if self._wrong is not None:
            return self._wrong
        if trouble is not None:
            return ZooKeeperUnavailable(f"the reply could not be waited for: {trouble}")
        if self._request.command.is_read_only:
            advice = "it hangs, or is overloaded: py-spy shows what it does, on its host"
        else:
            advice = "it may still do it: look at the job or the member before you ask again"
        command = self._request.command.value
        words = f"{self._member.instance} did not answer {command} in time; {advice}"
        return NoAnswer(words, maybe_done=True)

    def _find_path(self) -> None:
        """Find our request where its creation had no answer."""
        parent = self._own.commands_of(self._member.instance)
        listing = self._zk.children(parent, timeout=_CLEAN_SECONDS)
        paths = [f"{parent}/{name}" for name in (listing or ([], None))[0]]
        for place in self._zk.find(paths, self._data, timeout=_CLEAN_SECONDS):
            self._path = paths[place]

    def _left(self) -> float:
        return max(_LEAST_SECONDS, min(_CALL_SECONDS, self._deadline - time.monotonic()))
