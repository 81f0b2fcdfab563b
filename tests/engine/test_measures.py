"""Counters and histograms."""

from __future__ import annotations

import threading

from engine.measures import Histogram, Tally, Timer


def test_a_histogram_counts_by_the_first_bound_that_holds_a_value() -> None:
    histogram = Histogram((1.0, 5.0))
    for value in (0.0, 1.0, 1.1, 5.0, 6.0):
        histogram.observe(value)
    spread = histogram.read()
    assert (spread.counts, spread.count, spread.total) == ((2, 2, 1), 5, 13.1)


def test_what_was_added_since_is_the_difference() -> None:
    histogram = Histogram((1.0,))
    histogram.observe(0.5)
    before = histogram.read()
    histogram.observe(3.0)
    added = histogram.read().since(before)
    assert (added.counts, added.total) == ((0, 1), 3.0)


def test_no_count_is_lost_between_threads() -> None:
    tally, timer = Tally(), Timer((1.0,))

    def work() -> None:
        for _ in range(2_000):
            tally.add("a")
            timer.observe("a", 0.5)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert tally.read() == {("a",): 16_000}
    assert timer.read()["a"].count == 16_000
