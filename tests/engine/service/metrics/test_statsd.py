"""Samples as StatsD takes them."""

from __future__ import annotations

import socket

import pytest

from engine.cli.metrics import statsd_address
from engine.errors import EngineError
from engine.measures import Histogram
from engine.service.metrics import catalogue as m
from engine.service.metrics.catalogue import Sample
from engine.service.metrics.statsd import PACKET, Pace, packets, sending


def test_counters_are_sent_as_what_was_added_and_gauges_as_they_are() -> None:
    pace = Pace()
    first = [Sample(m.CLAIMED, 5), Sample(m.ENTRIES, 12)]
    assert list(pace.lines(first)) == [
        "nuvla_engine.jobs_claimed:5|c",
        "nuvla_engine.queue_entries:12|g",
    ]
    assert list(pace.lines(first)) == ["nuvla_engine.queue_entries:12|g"]
    assert list(pace.lines([Sample(m.CLAIMED, 7)])) == ["nuvla_engine.jobs_claimed:2|c"]


def test_a_histogram_is_sent_as_its_count_and_mean_since_the_last_round() -> None:
    pace, histogram = Pace(), Histogram((1.0,))

    def lines() -> list[str]:
        return list(pace.lines([Sample(m.RUN_SECONDS, histogram.read(), ("a.b:c|d",))]))

    histogram.observe(0.1)
    lines()
    histogram.observe(0.2)
    histogram.observe(0.4)
    name = "nuvla_engine.job_seconds.a_b_c_d"
    assert lines() == [f"{name}.count:2|c", f"{name}.mean:300.000|ms"]
    assert lines() == []


def test_lines_share_packets_that_fit_a_frame() -> None:
    lines = [f"nuvla_engine.x{n}:1|c" for n in range(500)]
    made = list(packets(lines))
    assert len(made) > 1 and max(map(len, made)) <= PACKET
    assert b"\n".join(made).decode().split("\n") == lines
    assert list(packets([])) == []


def test_rounds_go_out_by_udp_and_the_last_one_when_it_ends() -> None:
    def broken() -> list[Sample]:
        raise EngineError("away")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)
        port = server.getsockname()[1]
        value = [3]
        told = [broken, lambda: [Sample(m.CLAIMED, value[0])]]
        with sending("127.0.0.1", port, told, every=0.05):
            assert server.recv(PACKET) == b"nuvla_engine.jobs_claimed:3|c"
            value[0] = 10
        assert server.recv(PACKET) == b"nuvla_engine.jobs_claimed:7|c"


def test_a_server_that_is_not_there_disturbs_nobody() -> None:
    with sending("no-such-host.invalid", 8125, [], every=0.01):
        pass


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("stats", ("stats", 8125)),
        ("stats:9", ("stats", 9)),
        ("[::1]", ("::1", 8125)),
        ("[::1]:9", ("::1", 9)),
    ],
)
def test_the_port_is_upstreams_where_none_is_given(text: str, address: tuple[str, int]) -> None:
    assert statsd_address(text) == address
