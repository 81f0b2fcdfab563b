"""The servers' four-letter words: which connection a session has, and when it was last heard of.

Source: ZooKeeper's administrator's guide, "The Four Letter Words". From 3.5.3 on a server answers
only those that its 4lw.commands.whitelist names; by default that is srvr alone.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from engine.text import clean

SECONDS = 0.3
"""For one server's answer: who asks why waits for it."""
_LIMIT = 8_000_000
_SERVERS = 9
_CONNECTION = re.compile(r"^ /?(?P<client>\S+)\[\d+\]\((?P<facts>[^)]*)\)", re.MULTILINE)


class Connection(NamedTuple):
    """A connection of a session to a server."""

    client: str
    """Its address, safe to draw."""
    silence: float
    """Seconds since the server last heard from it, at least: by the newest of its answers."""
    timeout: float
    """Seconds of silence after which the session expires."""


def connections(
    hosts: str, *, tls: ssl.SSLContext | None = None, seconds: float = SECONDS
) -> tuple[dict[int, Connection], str]:
    """Return the connections of all sessions, and why they may not be all ("" where they are).

    Args:
        hosts: host:port,...[/chroot].
        tls: for servers that speak TLS only.
        seconds: for each server's answer; all are asked at the same time.
    """
    servers = hosts.partition("/")[0].split(",")[:_SERVERS]
    with ThreadPoolExecutor(2 * len(servers)) as pool:
        lists = pool.map(lambda server: _ask(server, "cons", tls, seconds), servers)
        facts = pool.map(lambda server: _ask(server, "mntr", tls, seconds), servers)
        answers, known = list(lists), list(facts)
    found: dict[int, Connection] = {}
    for text, _ in answers:
        found.update(parse_cons(text))
    trouble = [why for _, why in answers if why]
    return found, "; ".join(trouble) or _missing_servers(known)


def _missing_servers(known: list[tuple[str, str]]) -> str:
    """Return why there may be servers that were not asked: clients of theirs are on no list."""
    for text, _ in known:
        facts = dict(line.partition("\t")[::2] for line in text.splitlines())
        state = facts.get("zk_server_state")
        if state == "standalone":
            return ""
        if state == "leader":
            followers = _number(facts.get("zk_synced_followers"))
            servers = 1 + followers + _number(facts.get("zk_synced_observers"))
            asked = sum(not why for _, why in known)
            if asked >= servers:
                return ""
            return f"{asked} of {servers} servers are named in zk-hosts: name all of them"
    trouble = "; ".join(why for _, why in known if why)
    return trouble or "the leader is not among the servers that zk-hosts names"


def parse_cons(text: str) -> dict[int, Connection]:
    """Return the connections by session, as one server's answer to `cons` lists them."""
    facts = [
        (match["client"], dict(part.partition("=")[::2] for part in match["facts"].split(",")))
        for match in _CONNECTION.finditer(text)
    ]
    # The times of the answers are those of the server's own clock; the newest stands for now.
    times = [_number(each.get("lresp")) for _, each in facts]
    newest = max(times, default=0)
    return {
        _signed(_number(each["sid"], 16)): Connection(
            clean(client, limit=128), (newest - answered) / 1000, _number(each.get("to")) / 1000
        )
        for (client, each), answered in zip(facts, times, strict=True)
        if "sid" in each
    }


def _number(text: str | None, base: int = 10) -> int:
    try:
        return int(text or "0", base)
    except ValueError:
        return 0


def _signed(session: int) -> int:
    """Return a session as `ephemeralOwner` has it: a signed number of 64 bits."""
    return session - 2**64 if session >= 2**63 else session


def _ask(server: str, word: str, tls: ssl.SSLContext | None, seconds: float) -> tuple[str, str]:
    """Return the answer to a word and "", or "" and why there is none."""
    host, _, port = server.strip().rpartition(":")
    name = clean(server.strip(), limit=128)
    try:
        text = _exchange(host.strip("[]"), int(port), word, tls, seconds)
    except (OSError, ValueError) as error:
        return "", f"{name} did not answer {word!r} ({clean(str(error), limit=120)})"
    if "not in the whitelist" in text:
        return "", f"{name} does not allow {word!r}: name it in 4lw.commands.whitelist"
    if not text.strip():
        return "", f"{name} gave no answer to {word!r}"
    return text, ""


def _exchange(host: str, port: int, word: str, tls: ssl.SSLContext | None, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    with socket.create_connection((host, port), timeout=seconds) as plain:
        link = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        with link:
            link.sendall(word.encode())
            return _drain(link, deadline).decode("utf-8", "replace")


def _drain(link: socket.socket, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size < _LIMIT:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("too slow")
        link.settimeout(left)
        part = link.recv(65_536)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
