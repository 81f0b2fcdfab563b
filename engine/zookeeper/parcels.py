"""Replies as bytes: compressed where they are large, shortened where they are too large.

What comes in is a stranger's: it is unpacked within bounds, so that a small node cannot become a
gigabyte here.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

from engine.errors import BadReply
from engine.models.control import Reply
from engine.models.stacks import Frame, StackReport

MAX_PACKED = 512_000
"""Bytes of a reply's node; a server takes 1 MB, for the whole request."""
MAX_PLAIN = 16_000_000
"""Bytes of a reply before it was compressed: 600 threads with the longest stacks have 12 MB."""
_PLAIN = 8_000
"""Bytes from which on a reply is compressed."""
_LEVEL = 1


def pack(reply: Reply) -> bytes:
    """Return the data of a reply's node, of at most `MAX_PACKED` bytes.

    Stacks that do not fit lose frames at their outer end, then those of threads without a job,
    then all frames; the report's trouble says so.
    """
    data = _packed(reply)
    if len(data) <= MAX_PACKED or reply.stacks is None:
        return data
    for frames in (24, 12, 6, 3, 1, 0):
        shorter = _shortened(reply.stacks, frames)
        data = _packed(replace(reply, stacks=shorter))
        if len(data) <= MAX_PACKED:
            return data
    gone = replace(reply.stacks, threads=(), trouble="the stacks are too large to be sent")
    return _packed(replace(reply, stacks=gone))


def unpack(data: bytes) -> Reply:
    """Read the data of a reply's node.

    Raises:
        BadReply: it is too large, or no reply.
    """
    if len(data) > MAX_PACKED:
        raise BadReply(f"the reply has {len(data):,} bytes; {MAX_PACKED:,} are allowed")
    try:
        return Reply.from_json(data if data.startswith(b"{") else _inflated(data))
    except (ValueError, zlib.error) as error:
        raise BadReply(f"the reply cannot be read: {error}") from error


def _packed(reply: Reply) -> bytes:
    plain = reply.to_json()
    return plain if len(plain) <= _PLAIN else zlib.compress(plain, _LEVEL)


def _inflated(data: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    plain = unpacking.decompress(data, MAX_PLAIN)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError(f"it is cut off, or unpacks to more than {MAX_PLAIN:,} bytes")
    return plain


def _shortened(report: StackReport, frames: int) -> StackReport:
    threads = tuple(
        replace(thread, frames=_inner(thread.frames, frames if thread.job_id else min(frames, 6)))
        for thread in report.threads
    )
    words = f"the stacks were too large to be sent whole: the innermost {frames} frames are shown"
    trouble = f"{report.trouble}; {words}" if report.trouble else words
    return replace(report, threads=threads, trouble=trouble)


def _inner(frames: tuple[Frame, ...], count: int) -> tuple[Frame, ...]:
    if len(frames) <= count:
        return frames
    return (*frames[:count], Frame(f"… {len(frames) - count} frames left out …", "", 0))
