"""Text that strangers would like a terminal to see, and where they can write it."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from kazoo.client import KazooClient

from tests.faults.job_store import Document, new_document

PAYLOADS = (
    "\x1b]0;owned\x07",
    "\x1b]2;owned\x1b\\",
    "\x1b]8;;http://evil.example/\x07click\x1b]8;;\x07",
    "\x1b]52;c;b3duZWQ=\x07",
    "\x1b[2J\x1b[999;999H",
    "\x1b[5;31mred",
    "\x1b[8mhidden",
    "\x1bc",
    "\x1b[?47h",
    "\x1b[6n",
    '\x1bP$q"p\x1b\\',
    "\x1b_Ga=T;AAAA\x1b\\",
    "\x9b5m",
    "\x9d0;owned\x9c",
    "\x90q\x9c",
    "a\rb\x08\x08c\x07",
    "\x00\x01\x0b\x0c\x0e\x0f\x7f",
    "line\nfeed\r\n\ttab",
    "\u202eevil\u2066txt\u2069\u200f",
    "zero\u200bwidth\u2060\ufeff\u00ad",
    "a" + "\u0301" * 60,
    "\u0e01\u0e33\u0e49\u0b95\u0bcd\u0bb7",
    "配置サービス、日本語",
    "👩\u200d🚒👨\u200d👩\u200d👧🏽🇨🇭❤\ufe0f",
    "\u1112\u1161\u11ab\u3164\uffa0",
    "[red]bold[/] [@click=app.quit]x[/] [link=file:///etc]",
    "{job!r} {0} %s %(x)s ${HOME} `id`",
    "\U0001f468\U000e0067\U000e007f\ue000\u0378",
    "\u2028\u2029\x85",
)


def strings(seed: int = 7) -> Iterator[str]:
    """Yield hostile strings for ever; each has a number, so that all differ."""
    chance = random.Random(seed)
    for number in itertools.count():
        yield f"{number:05d}{''.join(chance.sample(PAYLOADS, 3))}"


def node_name(text: str) -> str:
    """Return what ZooKeeper takes of a text as the name of a node."""
    return "".join(c for c in text if "\x1f" < c < "\x7f" or "\x9f" < c < "\ud800").replace(
        "/", "_"
    )


def member(take: Callable[[], str], instance: str) -> dict[str, Any]:
    """Return a presence node with eight hostile strings."""
    return {
        "instance": instance,
        "kind": "executor",
        "name": take(),
        "host": take(),
        "pid": 1,
        "version": take(),
        "started": "2026-01-01T00:00:00.000Z",
        "state": "running",
        "threads": 4,
        "offers": [take()],
        "jobs": [
            {
                "job_id": take(),
                "entry": "x",
                "action": take(),
                "thread": take(),
                "since": "2026-01-01T00:00:00.000Z",
            }
        ],
        "broken": [],
        "last_errors": [take()],
    }


def document(take: Callable[[], str], job: str, state: str = "QUEUED") -> Document:
    """Return a job document with eight hostile strings."""
    return new_document(
        job,
        **{
            "action": take(),
            "state": state,
            "target-resource": {"href": take()},
            "status-message": "\n".join(take() for _ in range(2)),
            "tags": [take()],
            "created-by": take(),
            "parent-job": take(),
            take(): {"deep": [1e308, 10**30, None]},
        },
    )


def plant(client: KazooClient, nodes: Iterator[tuple[str, bytes, bool]]) -> None:
    """Make nodes, each a path, its data, and whether it is ephemeral; many at once."""
    flight = []
    while batch := list(itertools.islice(nodes, 250)):
        transaction = client.transaction()
        for path, data, ephemeral in batch:
            transaction.create(path, data, ephemeral=ephemeral)
        flight.append(transaction.commit_async())
    for answer in flight:
        failed = [result for result in answer.get(timeout=60) if isinstance(result, Exception)]
        assert not failed, failed[:1]


def encode(text: str) -> bytes:
    """Return a text as bytes, some of which are not UTF-8."""
    return text.encode("utf-8", "surrogatepass") + (b"\xff\xfe" if text[4] in "37" else b"")


def note(take: Callable[[], str]) -> bytes:
    """Return the data of a lock with two hostile strings."""
    return json.dumps({"instance": take(), "thread": take(), "claim": "x"}).encode()
