"""The stacks of a job's owner for its dossier: asked of a member, or taken by py-spy on this host.

A process that does not announce itself is found by the address that its ZooKeeper session is
connected from, where that address is this host's own.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import EngineError
from engine.models import Dossier, Member, StackReport
from engine.text import clean
from engine.view.stacks import MemberStacks, local_stacks, read_fleet, read_stacks, to_samples
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

INTERVAL = 0.1
"""Seconds between two samples: a thread that works on has moved on by then."""
SECONDS = 1.0
"""For one report of several, where a verdict rests on them."""
GLANCE = 0.3
"""For the one report that only shows where a healthy job stands: who asks why waits for it."""
BY = "nuvla-engine why"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_PROC = Path("/proc")


def with_stacks(
    dossier: Dossier, zk: ZooKeeper, own: OwnPaths, *, samples: int, pid: int | None = None
) -> Dossier:
    """Add samples of the threads of whoever holds the job, or why there are none.

    Args:
        dossier: with its entries, its members and the owner's link.
        zk: a connected session.
        own: where the members are.
        samples: how many.
        pid: the owner's process on this host; None to find it where it does not announce itself.
    """
    try:
        reports = _read(dossier, zk, own, samples=samples, pid=pid)
    except EngineError as error:
        return replace(dossier, stacks_trouble=clean(str(error), limit=400))
    return with_reports(dossier, reports)


def with_reports(dossier: Dossier, reports: Sequence[StackReport]) -> Dossier:
    """Add what these reports of the owner say of the job."""
    trouble = next((report.trouble for report in reversed(reports) if report.trouble), "")
    owner = owner_of(dossier)
    return replace(
        dossier,
        stacks=to_samples(reports, dossier.job_id),
        stacks_of="" if owner is None else owner.instance,
        stacks_trouble=trouble,
    )


def owner_of(dossier: Dossier) -> Member | None:
    """Return the member that holds the job, else the first that works on it without holding it."""
    members = dossier.members
    if members is None:
        return None
    sessions = [entry.lock.owner.session for entry in dossier.entries if entry.lock is not None]
    for member in members.members:
        if member.session in sessions[:1]:
            return member
    if sessions:
        return None
    return next((member for member, _ in members.at_work(dossier.job_id)), None)


def read_owners(
    zk: ZooKeeper, own: OwnPaths, owners: Iterable[Member], *, samples: int
) -> dict[str, MemberStacks]:
    """Return the stacks of many members, by their instance."""
    known = {member.instance: member for member in owners}
    found = read_fleet(
        zk, own, known, by=BY, timeout=2 * SECONDS, samples=samples, interval=INTERVAL
    )
    return {each.name: each for each in found}


def _read(
    dossier: Dossier, zk: ZooKeeper, own: OwnPaths, *, samples: int, pid: int | None
) -> tuple[StackReport, ...]:
    owner = owner_of(dossier)
    if pid is None and owner is not None:
        seconds = GLANCE if samples == 1 else SECONDS
        return read_stacks(
            zk, own, owner.instance, by=BY, timeout=seconds, samples=samples, interval=INTERVAL
        )
    if pid is None and dossier.link is not None:
        pid = local_process(dossier.link.client)
    return () if pid is None else local_stacks(pid, samples=samples, interval=INTERVAL)


def local_process(address: str) -> int | None:
    """Return the process of this host that has a connection from this address.

    Args: address: host:port, as a server lists its clients; "" is nobody's.
    """
    inode = _inode(address)
    if inode is None:
        return None
    for process in _processes():
        if any(found == inode for found in _sockets(process)):
            return int(process.name)
    return None


def _inode(address: str) -> str | None:
    """Return the inode of the socket with this local address. Source: proc_net_tcp.txt of Linux."""
    host, _, port = address.rpartition(":")
    try:
        wanted = _kernel_forms(host.strip("[]"), int(port))
    except (OSError, ValueError):
        return None
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            # A connection that has ended keeps its line for a minute, without an inode.
            if fields[1] in wanted and fields[9] != "0":
                return fields[9]
    return None


def _kernel_forms(host: str, port: int) -> set[str]:
    """Return an address as the kernel writes it: words in the host's byte order, in hex."""
    if ":" in host:
        words = struct.unpack("=4I", socket.inet_pton(socket.AF_INET6, host))
        return {f"{''.join(f'{word:08X}' for word in words)}:{port:04X}"}
    (word,) = struct.unpack("=I", socket.inet_aton(host))
    (mark,) = struct.unpack("=I", b"\0\0\xff\xff")
    # A server that listens on both kinds sees IPv4 as it is; the client's socket may be either.
    return {f"{word:08X}:{port:04X}", f"{0:016X}{mark:08X}{word:08X}:{port:04X}"}


def _processes() -> Iterator[Path]:
    try:
        yield from (entry for entry in _PROC.iterdir() if entry.name.isdecimal())
    except OSError:
        return


def _sockets(process: Path) -> Iterator[str]:
    """Yield the inodes of a process's sockets; nothing where we may not look."""
    try:
        names = os.listdir(process / "fd")
    except OSError:
        return
    for name in names:
        try:
            found = _SOCKET.fullmatch(os.readlink(process / "fd" / name))
        except OSError:
            continue  # it was closed meanwhile
        if found:
            yield found[1]
