from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.service.notify import Manager, Notifier
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.queue import JobQueue
from tests.local_api import LocalApi
from tests.support import eventually


class Listener:
    """What systemd is to a service: a datagram socket that collects what it is told."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.messages: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)

    def read(self) -> list[list[str]]:
        """Return all messages so far, each as its lines."""
        while True:
            try:
                self.messages.append(self._socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return self.messages

    def lines(self) -> list[str]:
        """Return all lines so far."""
        return [line for message in self.read() for line in message]

    def has(self, line: str) -> bool:
        """Whether a line was received."""
        return line in self.lines()

    def forget(self) -> None:
        """Forget what was received."""
        self.read()
        self.messages.clear()

    def close(self) -> None:
        """Stop to listen."""
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def any_listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    """A listener at either kind of address."""
    address = str(tmp_path / "n") if request.param == "path" else f"@nuvla-{uuid.uuid4().hex}"
    listener = Listener(address)
    yield listener
    listener.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A listener."""
    listener = Listener(str(tmp_path / "notify"))
    yield listener
    listener.close()


class Service:
    """What a notifier looks at."""

    def __init__(self) -> None:
        self.is_stuck = False
        self.is_ready = True
        self.status = "running"
        self._stuck_at = 0.0

    def turned_at(self) -> float:
        """Return when the loop turned last."""
        if not self.is_stuck:
            self._stuck_at = time.monotonic()
        return self._stuck_at


@pytest.fixture
def service() -> Service:
    """A service that is well."""
    return Service()


@contextmanager
def notifying(
    listener: Listener,
    service: Service,
    *,
    watchdog: float | None = 0.1,
    ready_within: float = 1000.0,
) -> Iterator[Notifier]:
    """Tell the listener of the service, until the context ends."""
    with Notifier(
        Manager(listener.address, watchdog),
        loops={"the loop": service.turned_at},
        status=lambda: service.status,
        is_ready=lambda: service.is_ready,
        stop_within=150.0,
        stuck_after=0.3,
        ready_within=ready_within,
    ) as notifier:
        yield notifier


def test_the_environment_names_the_manager_and_children_do_not_see_it() -> None:
    environ = {
        "NOTIFY_SOCKET": "/run/notify",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "PATH": "/bin",
    }
    assert Manager.from_environment(environ) == Manager("/run/notify", 30.0)
    assert environ == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("environ", "manager"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": ""}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, None),
        ({"WATCHDOG_USEC": "30000000"}, None),
        ({"NOTIFY_SOCKET": "@x"}, Manager("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "5000000"}, Manager("@x", 5.0)),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"}, Manager("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"}, Manager("@x")),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}, Manager("@x")),
    ],
)
def test_what_is_not_for_this_process_is_left_out(
    environ: dict[str, str], manager: Manager | None
) -> None:
    assert Manager.from_environment(environ) == manager


def test_a_message_reaches_either_kind_of_socket(any_listener: Listener) -> None:
    assert Manager(any_listener.address).tell("READY=1", "STATUS=dämon")
    assert any_listener.read() == [["READY=1", "STATUS=dämon"]]


def test_a_manager_that_is_gone_or_does_not_read_is_no_trouble(tmp_path: Path) -> None:
    assert not Manager(str(tmp_path / "nobody")).tell("READY=1")
    listener = Listener(str(tmp_path / "deaf"))
    try:
        taken = [Manager(listener.address).tell("WATCHDOG=1") for _ in range(10_000)]
    finally:
        listener.close()
    assert taken[0] and not taken[-1]


def test_it_is_ready_once_the_service_is_and_says_so_once(
    listener: Listener, service: Service
) -> None:
    service.is_ready = False
    service.status = "waits for ZooKeeper"
    with notifying(listener, service):
        eventually(lambda: listener.has("WATCHDOG=1"), "the first feeding")
        assert not listener.has("READY=1")
        service.is_ready = True
        service.status = "running\x1b[2J\nREADY=0"
        eventually(lambda: listener.has("READY=1"), "ready")
        eventually(lambda: any(line.startswith("STATUS=running") for line in listener.lines()))
        fed = len(listener.read())
        eventually(lambda: len(listener.read()) > fed + 3, "further feedings")
    assert listener.lines().count("READY=1") == 1
    assert "READY=0" not in listener.lines()
    assert "\x1b" not in "".join(listener.lines())


def test_it_is_ready_after_a_while_though_what_it_waits_for_is_away(
    listener: Listener, service: Service
) -> None:
    service.is_ready = False
    with notifying(listener, service, ready_within=0.5):
        eventually(lambda: listener.has("READY=1"), "ready")


def test_what_the_manager_did_not_take_is_told_again(listener: Listener, service: Service) -> None:
    filler = Manager(listener.address)
    while filler.tell("X=1"):  # its queue is full now
        pass
    with notifying(listener, service):
        looked = time.monotonic()
        eventually(lambda: time.monotonic() - looked > 0.3, "some looks in vain")
        eventually(lambda: listener.has("READY=1"), "ready")


def test_the_watchdog_is_fed_only_while_the_loops_turn(
    listener: Listener, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with notifying(listener, service):
        eventually(lambda: listener.has("WATCHDOG=1"), "it is fed while the loop turns")
        service.is_stuck = True
        eventually(lambda: "the loop: no turn for" in caplog.text, "the stuck loop is named")
        listener.forget()
        service.status = "stuck, and still told"
        eventually(lambda: listener.has("STATUS=stuck, and still told"), "it still looks")
        assert not listener.has("WATCHDOG=1")
        service.is_stuck = False
        eventually(lambda: listener.has("WATCHDOG=1"), "it is fed again")
    assert caplog.text.count("no turn for") == 1
    assert "the loop: turns again" in caplog.text


def test_a_stop_is_told_with_the_time_that_it_may_take_and_fed_to_its_end(
    listener: Listener, service: Service
) -> None:
    with notifying(listener, service) as notifier:
        eventually(lambda: listener.has("READY=1"), "ready")
        service.is_stuck = True  # the loops of a service that stops end one by one
        listener.forget()  # and there is room for more
        notifier.stopping()
        assert listener.lines().count("STOPPING=1") == 1
        assert listener.lines().count("EXTEND_TIMEOUT_USEC=150000000") == 1
        listener.forget()
        eventually(lambda: len(listener.read()) > 10, "feedings beyond the patience")
        assert set(listener.lines()) == {"WATCHDOG=1"}


def test_without_a_watchdog_only_news_are_told(listener: Listener, service: Service) -> None:
    with notifying(listener, service, watchdog=None) as notifier:
        eventually(lambda: listener.has("READY=1"), "ready")
        notifier.stopping()
    assert listener.has("STOPPING=1")
    assert not listener.has("WATCHDOG=1")


def test_the_loops_of_the_real_parts_turn(zk_hosts: str) -> None:
    zk = ZooKeeper(zk_hosts, session_timeout=4.0)
    queue = JobQueue(zk, instance="one")
    began = time.monotonic()
    zk.start()
    queue.start()
    try:
        assert queue.take("worker", 0.1) is None
        eventually(lambda: zk.turned_at > began, "the session's supervision turns")
        assert queue.turned_at > began
        turned = queue.turned_at
        assert queue.take("worker", 0.1) is None
        assert queue.turned_at > turned
    finally:
        queue.stop()
        assert queue.join(15)
        zk.close()


Start = Callable[..., "subprocess.Popen[bytes]"]

STICK = """
import time
from pathlib import Path

from engine.cli import service_manager
from engine.service import executor
from engine.zookeeper.keeper import Keeper

service_manager.STUCK_SECONDS, service_manager._UNANSWERED = 3.0, 0.0
executor._TAKE_SECONDS = 0.5  # the claiming thread turns as often while it is idle
look_around = Keeper._round

def stick(keeper, now):
    if Path(__file__).with_name("stick").exists():
        Path(__file__).with_name("sticks").touch()
        time.sleep(1000)
    look_around(keeper, now)

Keeper._round = stick
"""


@pytest.fixture
def start(listener: Listener, local_api: LocalApi, tmp_path: Path) -> Iterator[Start]:
    """Starts services as systemd does; what they write to stderr is in the file `stderr`."""
    processes: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, zk_hosts: str) -> subprocess.Popen[bytes]:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "NOTIFY_SOCKET": listener.address,
            "WATCHDOG_USEC": "1000000",
            "NUVLA_API_PASS": local_api.password,
        }
        reach = ["--zk-hosts", zk_hosts, "--endpoint", local_api.url, "--user", local_api.user]
        command = [sys.executable, "-m", "engine.cli.main", *arguments, *reach]
        with (tmp_path / "stderr").open("wb") as file:
            process = subprocess.Popen(command, env=environ, stderr=file)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait(30)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("executor", "--threads", "3"), "running: 0 of 3 threads busy"),
        (("distributor", "jobs_cleanup"), "running: 1 distributor"),
    ],
)
def test_a_service_tells_systemd_of_its_life(
    start: Start, listener: Listener, zk_hosts: str, arguments: tuple[str, ...], status: str
) -> None:
    process = start(*arguments, zk_hosts=zk_hosts)
    eventually(lambda: listener.has("READY=1"), "ready", within=60)
    eventually(lambda: listener.has(f"STATUS={status}"), "the status", within=30)
    eventually(lambda: listener.has("WATCHDOG=1"), "fed", within=30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert listener.has("STOPPING=1")


def test_a_service_that_waits_for_zookeeper_is_alive(start: Start, listener: Listener) -> None:
    process = start("executor", zk_hosts="127.0.0.1:1")
    eventually(lambda: listener.lines().count("WATCHDOG=1") > 2, "it is fed", within=60)
    assert any(line.startswith("STATUS=waits for ZooKeeper: ") for line in listener.lines())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_an_executor_whose_claiming_thread_is_stuck_is_not_fed(
    start: Start, listener: Listener, zk_hosts: str, tmp_path: Path
) -> None:
    folder = tmp_path / "actions"
    folder.mkdir()
    (folder / "stick.py").write_text(STICK, encoding="utf-8")
    process = start("executor", "--actions-path", str(folder), zk_hosts=zk_hosts)
    eventually(lambda: listener.has("READY=1"), "ready", within=60)
    eventually(lambda: listener.has("WATCHDOG=1"), "fed", within=30)
    (folder / "stick").touch()
    eventually((folder / "sticks").exists, "the claiming thread is stuck", within=60)
    stuck = time.monotonic()

    def is_known() -> bool:
        said = (tmp_path / "stderr").read_text("utf-8")
        return time.monotonic() - stuck > 4 and "the claiming thread: no turn for 3 s" in said

    eventually(is_known, "the stuck thread is named", within=60)
    listener.forget()
    process.send_signal(signal.SIGTERM)
    eventually(lambda: listener.has("STOPPING=1"), "the stop is told all the same", within=30)
    lines = listener.lines()
    assert "WATCHDOG=1" not in lines[: lines.index("STOPPING=1")]


def test_a_watchdog_that_bites_leaves_the_stacks(
    start: Start, listener: Listener, zk_hosts: str, tmp_path: Path
) -> None:
    process = start("executor", zk_hosts=zk_hosts)
    eventually(lambda: listener.has("READY=1"), "ready", within=60)
    process.send_signal(signal.SIGABRT)
    assert process.wait(60) == -signal.SIGABRT
    assert "in take" in (tmp_path / "stderr").read_text("utf-8")
