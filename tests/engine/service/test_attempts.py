"""How often a job was put back, and how long it is left alone."""

from __future__ import annotations

import pytest

from engine.service import attempts
from engine.service.attempts import Attempts


def test_each_attempt_makes_the_next_wait_longer_up_to_a_cap() -> None:
    seen = Attempts(first=1.0, cap=8.0)
    waits = []
    for count in range(1, 8):
        assert seen.again("job/1")[0] == count
        waits.append(seen.cooldown("job/1"))
    assert all(0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits[:4]))
    assert all(4.0 <= wait <= 8.0 for wait in waits[4:])


def test_a_job_that_ran_starts_anew() -> None:
    seen = Attempts()
    seen.again("job/1")
    seen.forget("job/1")
    seen.forget("job/2")
    assert seen.again("job/1")[0] == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_REMEMBERED", 3)
    seen = Attempts()
    for number in range(10):
        seen.again(f"job/{number}")
    assert seen.again("job/9")[0] == 2
    assert seen.again("job/0")[0] == 1
