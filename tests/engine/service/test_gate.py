"""An interruption reaches the action, and never the engine's own work before or after it."""

from __future__ import annotations

import gc
import logging
import operator
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.errors import JobInterrupted
from engine.service import gate as gate_module
from engine.service.gate import Ended, Gate
from tests.support import eventually

TRIES = 10_000


@pytest.fixture(autouse=True)
def _threads_take_turns_often() -> Iterator[None]:
    """The races here are between two bytecodes: let them meet a thousand times as often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    # The tools of the tests have the collector call Python, which swallows whatever is raised
    # there; and they count that as a failure.
    gc.disable()
    yield
    gc.enable()
    sys.setswitchinterval(before)


class Nagging:
    """Threads that interrupt whatever a gate lets them, as fast as they can."""

    def __init__(self, gate: Gate, threads: int = 2) -> None:
        self.gate = gate
        self.came = 0
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> Nagging:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self.gate.interrupt("stop it") is not None:
                self.came += 1


def in_a_thread(work: Callable[[], None]) -> None:
    """Run in a thread of its own, as workers do; fail as it fails."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(120)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def tries(least: int, has_met: Callable[[], bool]) -> Iterator[int]:
    """Count so many tries, and more, for a minute at most, until what is looked for was met: on a
    busy machine a thread may not get a turn for long."""
    number, end = 0, time.monotonic() + 60
    while number < least or (not has_met() and time.monotonic() < end):
        yield number
        number += 1


def settle(steps: int = 40) -> int:
    """Work with many places where something could be raised: the engine's own after an action."""
    return sum(divmod(number, 3)[1] for number in range(steps))


def test_nothing_is_raised_once_the_action_has_ended() -> None:
    gate = Gate()
    chance = random.Random(1)
    counts = {True: 0, False: 0}

    def work() -> None:
        for _ in tries(TRIES, lambda: all(counts.values())):
            ended = gate.run(lambda: settle(chance.randrange(400)))
            settle()
            assert not gate.is_open
            assert isinstance(ended.error, JobInterrupted | None)
            counts[ended.error is None] += 1
            settle()

    with Nagging(gate):
        in_a_thread(work)
    # Both kinds were met, or this shows nothing.
    assert all(counts.values()), counts


@pytest.mark.parametrize("pause", [0.0, 1e-5, 3e-4])
def test_who_interrupts_at_the_very_end_hits_nothing(
    pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever interrupts has seen the gate open, and is held there until the action has ended."""
    gate = Gate()
    real = gate_module._set_async_exception
    ends = threading.Event()
    held = threading.Event()
    late: list[bool] = []

    def set_late(thread: int, kind: object) -> int:
        if threading.current_thread().name == "interrupts":
            held.set()
            assert ends.wait(30)
            time.sleep(pause)
        return int(real(thread, kind))

    def act() -> str:
        assert held.wait(30)
        ends.set()
        return "done"

    def work() -> None:
        for _ in range(TRIES // 10):
            ends.clear()
            held.clear()
            helper = threading.Thread(target=interrupt, name="interrupts")
            helper.start()
            ended = gate.run(act)
            settle()
            helper.join(30)
            settle()
            late.append(ended.error is None)
            assert ended.value == "done" or isinstance(ended.error, JobInterrupted)

    def interrupt() -> None:
        while gate.interrupt("late") is None:
            time.sleep(0)

    monkeypatch.setattr(gate_module, "_set_async_exception", set_late)
    in_a_thread(work)
    assert any(late)


def test_the_engines_work_inside_an_action_is_not_cut_in_two() -> None:
    gate = Gate()
    halves = [0, 0]
    seen = {"interrupted": 0}

    def act() -> None:
        for _ in range(5):
            with gate:
                halves[0] += 1
                settle()
                halves[1] += 1

    def work() -> None:
        for _ in tries(TRIES // 10, lambda: bool(seen["interrupted"])):
            ended: Ended[None] = gate.run(act)
            settle()
            assert halves[0] == halves[1]
            seen["interrupted"] += ended.error is not None
            assert isinstance(ended.error, JobInterrupted | None)

    with Nagging(gate):
        in_a_thread(work)
    assert seen["interrupted"] > 0


def test_what_comes_during_the_engines_work_is_raised_at_its_end() -> None:
    gate = Gate()
    steps: list[str] = []
    asked = threading.Event()
    came = threading.Event()

    def act() -> None:
        with gate:
            with gate:
                asked.set()
                assert came.wait(30)
                steps.append("inner")
            steps.append("outer")
        steps.append("never")

    def interrupt() -> None:
        assert asked.wait(30)
        assert gate.interrupt("by hand") is not None
        came.set()

    helper = threading.Thread(target=interrupt)
    helper.start()
    ended: list[Ended[None]] = []
    in_a_thread(lambda: ended.append(gate.run(act)))
    helper.join(30)
    assert steps == ["inner", "outer"]
    assert str(ended[0].error) == "by hand"


def test_an_interruption_says_whether_it_was_raised() -> None:
    gate = Gate()
    begun = threading.Event()
    ended: list[Ended[str]] = []

    def act() -> str:
        try:
            begun.set()
            while True:
                time.sleep(0.001)
        except JobInterrupted as error:
            return str(error)

    thread = threading.Thread(target=lambda: ended.append(gate.run(act)))
    thread.start()
    assert begun.wait(30)
    interruption = gate.interrupt("enough")
    assert interruption is not None
    thread.join(30)
    assert ended[0].value == "enough"
    assert interruption.is_raised


def test_a_call_that_blocks_in_c_is_not_stopped() -> None:
    gate = Gate()
    begun, held = threading.Lock(), threading.Lock()
    begun.acquire()
    held.acquire()
    ended: list[Ended[None]] = []

    def act() -> None:
        # One call of C: nothing can be raised between the two.
        calls: Any = (begun.release, held.acquire)
        list(map(operator.call, calls))

    thread = threading.Thread(target=lambda: ended.append(gate.run(act)))
    thread.start()
    assert begun.acquire(timeout=30)
    interruption = gate.interrupt("enough")
    assert interruption is not None
    thread.join(0.2)
    assert thread.is_alive()
    assert not interruption.is_raised
    held.release()
    thread.join(30)
    assert isinstance(ended[0].error, JobInterrupted)
    assert interruption.is_raised


def test_nothing_is_raised_where_a_lock_of_the_whole_process_would_stay_locked() -> None:
    gate = Gate()
    inside, go_on = threading.Event(), threading.Event()
    log = logging.Logger("of its own")

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            inside.set()
            assert go_on.wait(30)

    log.addHandler(Slow())
    ended: list[Ended[None]] = []

    def act() -> None:
        log.warning("a line")
        while True:
            settle()

    thread = threading.Thread(target=lambda: ended.append(gate.run(act)))
    thread.start()
    assert inside.wait(30)
    assert gate.interrupt("in the midst of a line") is None
    go_on.set()
    eventually(lambda: gate.interrupt("after it"), "the line is written")
    thread.join(30)
    assert str(ended[0].error) == "after it"
    assert log.handlers[0].lock is not None
    assert log.handlers[0].lock.acquire(timeout=30)


def test_a_shut_gate_lets_nothing_in_and_other_threads_pass_it_freely() -> None:
    gate = Gate()
    assert gate.interrupt("too early") is None
    with gate:
        pass
    passed: list[bool] = []

    def act() -> None:
        def other() -> None:
            with gate:
                passed.append(True)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(30)

    in_a_thread(lambda: passed.append(gate.run(act).error is None))
    assert passed == [True, True]
    assert gate.interrupt("too late") is None
