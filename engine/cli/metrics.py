"""Where the services' metrics go: what the settings name, and nowhere where they name nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from engine.models import Member
from engine.nuvla.client import NuvlaClient
from engine.service.distributor import Distributor
from engine.service.executor import Executor
from engine.service.metrics import sources
from engine.service.metrics.prometheus import serving
from engine.service.metrics.sources import Source
from engine.service.metrics.statsd import sending
from engine.settings import Settings
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.queue import JobQueue

log = logging.getLogger(__name__)

STATSD_PORT = 8125


def executor_metrics(
    settings: Settings,
    member: Member,
    executor: Executor,
    queue: JobQueue,
    client: NuvlaClient,
    zk: ZooKeeper,
) -> AbstractContextManager[None]:
    """Publish what an executor tells, until the context ends. Errors as `publishing`."""
    of_executor = sources.of_executor(executor, settings.threads, lambda: queue.unusable)
    return publishing(settings, [of_executor, *_of_all(member, client, zk)])


def distributor_metrics(
    settings: Settings,
    member: Member,
    distributor: Distributor,
    client: NuvlaClient,
    zk: ZooKeeper,
) -> AbstractContextManager[None]:
    """Publish what a distributor tells, until the context ends. Errors as `publishing`."""
    return publishing(settings, [sources.of_distributor(distributor), *_of_all(member, client, zk)])


@contextmanager
def publishing(settings: Settings, told: Sequence[Source]) -> Iterator[None]:
    """Serve and send metrics until the context ends.

    Raises:
        SettingsError: the port cannot be listened on, or a library is not installed.
    """
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            place = settings.metrics_host, settings.metrics_port
            port = stack.enter_context(serving(*place, told))
            log.info("metrics: http://%s:%d/metrics", settings.metrics_host, port)
        if settings.statsd is not None:
            host, port = statsd_address(settings.statsd)
            stack.enter_context(sending(host, port, told))
            log.info("metrics: to statsd at %s:%d", host, port)
        yield


def _of_all(member: Member, client: NuvlaClient, zk: ZooKeeper) -> list[Source]:
    return [sources.of_member(member), sources.of_client(client), sources.of_session(zk)]


def statsd_address(text: str) -> tuple[str, int]:
    """Return the host and the port of host[:port]."""
    host, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not host:
        host, port = text, ""
    return host.strip("[]"), int(port or STATSD_PORT)
