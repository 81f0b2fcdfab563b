"""What waits for servers waits beside the console."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nuvla_console.aside import aside


async def test_it_returns_what_the_work_returns_and_the_loop_goes_on() -> None:
    gate = threading.Event()

    def work() -> str:
        gate.wait(30)
        return threading.current_thread().name

    task = asyncio.ensure_future(aside(work))
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    assert await task == "aside"


async def test_it_raises_what_the_work_raises() -> None:
    def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await aside(work)


def test_a_loop_that_has_ended_meanwhile_is_no_error() -> None:
    gate, ended = threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(30)
        ended.set()

    async def leave() -> None:
        task = asyncio.ensure_future(aside(work))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(leave())
    gate.set()
    assert ended.wait(30)
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(30)
