"""Samples for a StatsD server, by UDP: what changed, at a steady pace, and nothing waits for it.

The line format is that of etsy/statsd's docs/metric_types.md: counters as what was added since the
last packet, gauges as they are, histograms as a counter and the mean of what was added, in ms.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from engine.errors import EngineError
from engine.measures import Spread
from engine.service.metrics.catalogue import Kind, Sample
from engine.service.metrics.sources import Source

log = logging.getLogger(__name__)

EVERY = 10.0
"""Seconds between two packets: the pace at which StatsD servers flush by default."""
PACKET = 1400
"""Bytes that fit one Ethernet frame."""
_PREFIX = "nuvla_engine_"
_UNUSABLE = re.compile(r"[^A-Za-z0-9_-]")
Value = float | Spread
Key = tuple[str, tuple[str, ...]]


class Pace:
    """Turns samples into lines, by what was sent before."""

    def __init__(self) -> None:
        self._earlier: dict[Key, Value] = {}

    def lines(self, samples: Iterable[Sample]) -> Iterator[str]:
        """Yield the lines of one round."""
        for sample in samples:
            key = (sample.metric.name, sample.labels)
            before = self._earlier.get(key)
            self._earlier[key] = sample.value
            name = _name(sample)
            value = sample.value
            if isinstance(value, Spread):
                added = value.since(before) if isinstance(before, Spread) else value
                if added.count:
                    yield f"{name}.count:{added.count}|c"
                    yield f"{name}.mean:{1000 * added.total / added.count:.3f}|ms"
            elif sample.metric.kind is Kind.GAUGE:
                yield f"{name}:{float(value):g}|g"
            elif grown := value - (before if isinstance(before, int | float) else 0):
                yield f"{name}:{grown:g}|c"


@contextmanager
def sending(
    host: str, port: int, sources: Sequence[Source], *, every: float = EVERY
) -> Iterator[None]:
    """Send samples until the context ends, and once more then.

    Args:
        host, port: of the server; a name is looked up for each round.
        every: seconds between two rounds.
    """
    stopped = threading.Event()
    pace = Pace()

    def send_for_ever() -> None:
        while not stopped.wait(every):
            _send_all(host, port, pace, sources)
        _send_all(host, port, pace, sources)

    thread = threading.Thread(target=send_for_ever, name="statsd", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(2.0)


def packets(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines joined to packets that fit a frame each."""
    packet = b""
    for line in lines:
        data = line.encode("ascii", "replace")
        if packet and len(packet) + 1 + len(data) > PACKET:
            yield packet
            packet = b""
        packet = packet + b"\n" + data if packet else data
    if packet:
        yield packet


def _send_all(host: str, port: int, pace: Pace, sources: Sequence[Source]) -> None:
    try:
        samples = [sample for source in sources for sample in _read(source)]
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as link:
            for packet in packets(pace.lines(samples)):
                link.sendto(packet, address)
    except OSError as error:
        log.debug("statsd %s:%s cannot be sent to: %s", host, port, error)


def _read(source: Source) -> list[Sample]:
    try:
        return list(source())
    except EngineError:
        return []


def _name(sample: Sample) -> str:
    parts = [sample.metric.name.removeprefix(_PREFIX).removesuffix("_total"), *sample.labels]
    return ".".join(["nuvla_engine", *(_UNUSABLE.sub("_", part) or "_" for part in parts)])
