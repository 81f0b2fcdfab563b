"""The job board: who works on what, as the guard reads it."""

from __future__ import annotations

import threading

from engine.service.job_board import JobBoard, Slot


def test_a_worker_that_never_ran_has_no_slot() -> None:
    assert JobBoard(4).slots() == ()


def test_each_worker_has_its_own_slot() -> None:
    board = JobBoard(3)
    board.note(3, "job/3")
    worker = threading.Thread(target=board.note, args=(1, "job/1"))
    worker.start()
    worker.join(10)
    assert board.slots() == (
        Slot(1, worker.ident or 0, "job/1"),
        Slot(3, threading.get_ident(), "job/3"),
    )


def test_a_shorter_job_leaves_nothing_of_a_longer_one() -> None:
    board = JobBoard(1)
    board.note(1, "job/" + "a" * 200)
    board.note(1, "job/b")
    assert [slot.job_id for slot in board.slots()] == ["job/b"]
    board.note(1, None)
    assert [slot.job_id for slot in board.slots()] == [None]


def test_the_longest_job_id_fits_into_its_own_slot() -> None:
    board = JobBoard(2)
    board.note(1, "job/" + "x" * 1_000)
    board.note(2, "job/2")
    first, second = board.slots()
    assert (first.job_id or "").startswith("job/x")
    assert second.job_id == "job/2"
