"""The order in which a process tries the entries of the queue."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from engine.zookeeper.backlog import KEEP, Backlog


def names(count: int, priority: int = 999, start: int = 0) -> list[str]:
    return [f"entry-{priority:03d}-{n:010d}" for n in range(start, start + count)]


def filled(
    entries: Sequence[str], taken: Collection[str] = (), *, rivals: int = 0, seed: int = 1
) -> Backlog:
    backlog = Backlog(random.Random(seed))
    refill(backlog, entries, taken, rivals=rivals)
    return backlog


def refill(
    backlog: Backlog,
    entries: Sequence[str],
    taken: Collection[str] = (),
    *,
    now: float = 0.0,
    rivals: int = 0,
) -> None:
    backlog.refill(entries, taken, (), now=now, rivals=rivals, wanted=4)


def test_alone_it_takes_the_lowest_number_and_then_the_oldest_first() -> None:
    late, early = names(3), names(2, priority=10, start=50)
    backlog = filled([*reversed(late), *early])
    assert backlog.take(4) == [*early, *late[:2]]
    assert backlog.take(4) == late[2:]
    assert backlog.take(4) == []


def test_locked_and_foreign_nodes_are_skipped() -> None:
    some = names(3)
    backlog = filled([*some, "aaa", "entry-1", "entry-9999-0000000000"], taken=[some[0]])
    assert backlog.take(9) == some[1:]


def test_negative_sequences_come_in_the_order_of_their_names() -> None:
    wrapped = ["entry-999--000000005", "entry-999--2147483648"]
    assert filled([*names(1), *wrapped]).take(3) == sorted([*wrapped, *names(1)])


def test_only_the_head_of_a_long_queue_is_kept() -> None:
    backlog = filled(names(KEEP + 5))
    assert len(backlog) == KEEP
    assert not backlog.is_complete
    assert filled(names(KEEP)).is_complete


def test_with_rivals_it_starts_elsewhere_but_never_in_a_later_priority() -> None:
    urgent, later = names(40, priority=10), names(40)
    starts = set()
    for seed in range(20):
        backlog = filled([*urgent, *later], rivals=30, seed=seed)
        refill(backlog, [*urgent, *later], rivals=30)
        taken = backlog.take(40)
        assert sorted(taken) == urgent
        starts.add(taken[0])
        assert sorted(backlog.take(40)) == later
    assert len(starts) > 5


def test_with_rivals_it_comes_back_to_the_oldest_entry() -> None:
    entries = names(2000)
    backlog = filled(entries, rivals=100)
    firsts = []
    for _ in range(8):
        firsts.append(backlog.take(1)[0])
        refill(backlog, entries, rivals=100)
    assert firsts.count(entries[0]) >= 2
    assert len(set(firsts)) > 2


def test_a_lost_race_sends_it_elsewhere_and_loses_no_name() -> None:
    entries = names(3000)
    backlog = filled(entries)
    first = backlog.take(4)
    for _ in range(10):
        backlog.conflict(2)
    assert sorted([*first, *backlog.take(3000)]) == entries


def test_a_cooldown_lasts_as_long_as_it_is_told() -> None:
    (name,) = entries = names(1)
    backlog = filled(entries)
    for attempt, wait in enumerate((5.0, 5.0, 20.0)):
        start = attempt * 1000.0
        backlog.cool(name, wait, now=start)
        assert backlog.next_thaw() == start + wait
        refill(backlog, entries, now=start + wait - 0.1)
        assert backlog.take(1) == []
        refill(backlog, entries, now=start + wait + 0.1)
        assert backlog.take(1) == entries
        assert backlog.next_thaw() is None


def test_a_release_without_cooldown_can_be_taken_again_at_once() -> None:
    entries = names(1)
    backlog = filled(entries)
    backlog.cool(entries[0], 0.0, now=0.0)
    refill(backlog, entries)
    assert backlog.take(1) == entries


def test_a_quarantined_name_stays_out_until_its_entry_is_gone() -> None:
    entries = names(2)
    backlog = filled(entries)
    backlog.quarantine(entries[0])
    refill(backlog, entries)
    assert backlog.take(2) == entries[1:]
    refill(backlog, entries[1:])
    refill(backlog, entries)
    assert backlog.take(2) == entries


def test_names_that_were_not_sent_come_next() -> None:
    entries = names(5)
    backlog = filled(entries)
    backlog.put_back(backlog.take(3))
    assert backlog.take(5) == entries
