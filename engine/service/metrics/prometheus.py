"""Samples for Prometheus: over HTTP, or as text. prometheus-client is an extra, `metrics`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, SettingsError
from engine.measures import Spread
from engine.service.metrics.catalogue import Kind, Metric, Sample

if TYPE_CHECKING:
    from engine.service.metrics.sources import Source

CLIENT_SECONDS = 10.0
"""That a client may be silent before its connection is closed."""
_TOTAL = "_total"


def exposition(samples: Iterable[Sample]) -> str:
    """Return samples in Prometheus' text format, as a textfile collector reads it.

    Raises:
        SettingsError: the extra is not installed.
    """
    library = _library()
    registry = library.CollectorRegistry(auto_describe=False)
    registry.register(_Collector([lambda: samples], library))
    text: bytes = library.generate_latest(registry)
    return text.decode()


@contextmanager
def serving(host: str, port: int, sources: Sequence[Source]) -> Iterator[int]:
    """Serve samples over HTTP, with those of the process itself; yields the port.

    Raises:
        SettingsError: the extra is not installed, or the address cannot be listened on.
    """
    library = _library()
    registry = library.CollectorRegistry(auto_describe=False)
    registry.register(_Collector(sources, library))
    library.ProcessCollector(registry=registry)
    library.GCCollector(registry=registry)
    try:
        server, thread = library.start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise SettingsError(
            f"metrics-port: {host}:{port} cannot be listened on: {error.strerror or error}"
        ) from error
    handler = server.RequestHandlerClass
    server.RequestHandlerClass = type("Handler", (handler,), {"timeout": CLIENT_SECONDS})
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5.0)


class _Collector:
    """Asks the sources whenever Prometheus asks us."""

    def __init__(self, sources: Sequence[Source], library: Any) -> None:
        self._sources = sources
        self._library = library

    def collect(self) -> Iterator[Any]:
        """Yield the metrics, each with all its samples."""
        found: dict[Metric, list[Sample]] = {}
        for source in self._sources:
            try:
                for sample in source():
                    found.setdefault(sample.metric, []).append(sample)
            except EngineError:
                continue  # one part that cannot be read must not hide the others
        for metric, samples in found.items():
            yield self._family(metric, samples)

    def _family(self, metric: Metric, samples: Iterable[Sample]) -> Any:
        core = self._library.core
        makers = {
            Kind.COUNTER: core.CounterMetricFamily,
            Kind.GAUGE: core.GaugeMetricFamily,
            Kind.HISTOGRAM: core.HistogramMetricFamily,
        }
        name = metric.name.removesuffix(_TOTAL)
        family = makers[metric.kind](name, metric.help, labels=metric.labels)
        for sample in samples:
            value = sample.value
            if isinstance(value, Spread):
                family.add_metric(sample.labels, buckets=_buckets(value), sum_value=value.total)
            else:
                family.add_metric(sample.labels, float(value))
        return family


def _buckets(spread: Spread) -> list[tuple[str, int]]:
    ends = [*map(str, spread.bounds), "+Inf"]
    return list(zip(ends, accumulate(spread.counts), strict=True))


def _library() -> Any:
    try:
        library = importlib.import_module("prometheus_client")
        importlib.import_module("prometheus_client.core")
    except ImportError as error:
        raise SettingsError(
            "metrics for Prometheus need a library: pip install 'nuvla-console[metrics]'"
        ) from error
    return library
