"""What a process tells of jobs that it put back again and again."""

from __future__ import annotations

from engine.service.releases import LEAST, TOLD, WINDOW, Releases


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_put_back_thrice_is_told_the_most_often_first() -> None:
    releases = Releases()
    assert releases.repeated() == ()
    for job, times in (("job/a", LEAST), ("job/b", LEAST - 1), ("job/c", 9)):
        for number in range(times):
            releases.note(job, f"reason {number}")
    told = releases.repeated()
    assert [(each.job_id, each.times) for each in told] == [("job/c", 9), ("job/a", LEAST)]
    assert told[0].reason == "reason 8"


def test_what_is_long_ago_is_forgotten() -> None:
    clock = Clock()
    releases = Releases(clock)
    for _ in range(4):
        releases.note("job/a", "")
    clock.now = WINDOW / 2
    releases.note("job/a", "")
    clock.now = WINDOW + 1
    assert releases.repeated() == ()
    clock.now = 2 * WINDOW
    assert releases.repeated() == ()
    assert not releases._seen


def test_few_are_told_of_however_many_there_are() -> None:
    releases = Releases()
    for number in range(3 * TOLD):
        for _ in range(LEAST):
            releases.note(f"job/{number}", "")
    assert len(releases.repeated()) == TOLD
