"""A live store over real servers, each behind a proxy that can break its link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.models import JobPage
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.view.store import Store
from engine.view.zookeeper_feed import PULSE_SECONDS
from engine.zookeeper.connection import ZooKeeper
from tests.faults.proxy import Proxy
from tests.local_api import LocalApi


class CountingZooKeeper(ZooKeeper):
    """Counts its requests by their kind."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.asked: Counter[str] = Counter()

    def _attempt(self, request: Any, *arguments: Any, **options: Any) -> Any:
        self.asked[type(request).__name__] += 1
        return super()._attempt(request, *arguments, **options)

    def _ask_all(self, requests: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        self.asked.update(type(request).__name__ for request in requests)
        return super()._ask_all(requests, *arguments, **options)


class CountingClient(NuvlaClient):
    """Keeps the filters that it was asked for."""

    filters: list[str | None]

    def search_jobs(self, *, filter: str | None = None, **options: Any) -> JobPage:
        """Note the filter, and ask."""
        self.filters.append(filter)
        return super().search_jobs(filter=filter, **options)


@dataclass(frozen=True, kw_only=True)
class Live:
    """A store that runs, and the links that it depends on."""

    store: Store
    zk: CountingZooKeeper
    client: CountingClient
    zk_link: Proxy
    api_link: Proxy


@contextmanager
def live_store(zk_hosts: str, api: LocalApi, *, start: bool = True) -> Iterator[Live]:
    """Run a store over these servers."""
    address, _, root = zk_hosts.partition("/")
    zk_port, api_port = int(address.rpartition(":")[2]), int(api.url.rpartition(":")[2])
    with Proxy(zk_port) as zk_link, Proxy(api_port) as api_link:
        zk = CountingZooKeeper(
            f"{zk_link.hosts}/{root}", session_timeout=4.0, call_timeout=2.0, pulse=PULSE_SECONDS
        )
        client = CountingClient(
            f"http://{api_link.hosts}",
            credentials=ApiKey(api.api_key, Secret(api.api_secret)),
            timeout=5.0,
        )
        client.filters = []
        store = Store(zk, client, hosts=zk.hosts, url=client.url)
        if start:
            store.start()
        try:
            yield Live(store=store, zk=zk, client=client, zk_link=zk_link, api_link=api_link)
        finally:
            store.stop()
