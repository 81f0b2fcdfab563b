"""Thread stacks: of this process, with each thread's job."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from engine.service import stacks
from tests.support import eventually


@pytest.fixture
def waiting() -> Iterator[threading.Thread]:
    """A thread that waits in a function of a known name."""
    done = threading.Event()

    def wait_in_a_named_function() -> None:
        done.wait(30)

    thread = threading.Thread(target=wait_in_a_named_function, name="exec-job/1")
    thread.start()
    yield thread
    done.set()
    thread.join(10)


def test_each_thread_shows_its_name_its_job_and_where_it_stands(waiting: threading.Thread) -> None:
    assert waiting.ident is not None

    def first() -> stacks.ThreadStack:
        return stacks.capture({waiting.ident or 0: "job/1"})[0]

    eventually(lambda: "wait_in_a_named_function" in "".join(first().frames))
    assert (first().name, first().job_id) == ("exec-job/1", "job/1")
    text = stacks.render((first(),))
    assert text.startswith(f"thread exec-job/1 ({waiting.ident}, job/1)\n")
    assert "done.wait(30)" in text


def test_the_signal_writes_all_stacks_to_the_log(
    waiting: threading.Thread, caplog: pytest.LogCaptureFixture
) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    try:
        stacks.log_on_signal(lambda: {waiting.ident or 0: "job/1"})
        os.kill(os.getpid(), signal.SIGUSR1)
        eventually(lambda: any("exec-job/1" in record.getMessage() for record in caplog.records))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caplog.records[-1].levelno == logging.WARNING
