"""Replies as bytes: never more than a node may hold, and unpacked within bounds."""

from __future__ import annotations

import random
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadReply
from engine.models import Frame, Reply, StackReport, ThreadStack
from engine.models.control import Outcome
from engine.zookeeper.parcels import MAX_PACKED, MAX_PLAIN, pack, unpack

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def reply(stacks: StackReport | None = None) -> Reply:
    return Reply(
        request_id="0" * 32,
        outcome=Outcome.DONE,
        detail="as asked",
        instance="exec-1-x",
        answered_at=NOW,
        stacks=stacks,
    )


def report(threads: int, frames: int, *, trouble: str = "") -> StackReport:
    """Stacks of random texts, which do not compress."""
    chance = random.Random(5)

    def frame() -> Frame:
        text = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=200))
        return Frame(text, text[::-1], 7, text[50:] + text[:50])

    stacks = [
        ThreadStack(
            ident=number,
            name=f"t{number}",
            job_id=f"job/{number}" if number % 2 else None,
            frames=tuple(frame() for _ in range(frames)),
        )
        for number in range(threads)
    ]
    return StackReport(
        source="in-process", taken_at=NOW, pid=5, threads=tuple(stacks), trouble=trouble
    )


@pytest.mark.parametrize("stacks", [None, report(2, 2), report(64, 8)])
def test_what_is_packed_comes_out_as_it_was(stacks: StackReport | None) -> None:
    whole = reply(stacks)
    data = pack(whole)
    assert len(data) <= MAX_PACKED
    assert unpack(data) == whole


def test_a_long_reply_is_compressed_and_a_short_one_is_not() -> None:
    assert pack(reply()).startswith(b"{")
    stacks = report(1, 1)
    alike = StackReport(source="in-process", taken_at=NOW, threads=stacks.threads * 200)
    whole = reply(alike)
    assert len(pack(whole)) < len(whole.to_json()) / 10


@pytest.mark.parametrize(("threads", "frames"), [(100, 48), (600, 8), (600, 48)])
def test_stacks_that_are_too_large_keep_their_innermost_frames_and_say_so(
    threads: int, frames: int
) -> None:
    stacks = report(threads, frames, trouble="slow")
    data = pack(reply(stacks))
    assert len(data) <= MAX_PACKED
    got = unpack(data).stacks
    assert got is not None
    assert "too large" in got.trouble
    assert got.trouble.startswith("slow")
    assert len(got.threads) == threads
    for short, whole in zip(got.threads, stacks.threads, strict=True):
        kept = [frame for frame in short.frames if frame.line]
        assert tuple(kept) == whole.frames[: len(kept)]
        assert len(kept) < len(whole.frames)
        assert (short.name, short.job_id) == (whole.name, whole.job_id)


def test_not_even_the_names_of_threads_may_be_too_large() -> None:
    chance = random.Random(6)
    threads = tuple(
        ThreadStack(ident=n, name=chance.randbytes(5_000).hex(), job_id=None, frames=())
        for n in range(100)
    )
    data = pack(reply(StackReport(source="in-process", taken_at=NOW, threads=threads)))
    got = unpack(data).stacks
    assert got is not None
    assert got.threads == ()
    assert "too large" in got.trouble


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zlib.compress(b" " * (MAX_PLAIN + 1), 9)
    assert len(bomb) < MAX_PACKED
    with pytest.raises(BadReply, match="unpacks"):
        unpack(bomb)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_reply_or_refused(data: bytes) -> None:
    for each in (data, b"{" + data, zlib.compress(data)):
        with pytest.raises(BadReply):
            unpack(each)
