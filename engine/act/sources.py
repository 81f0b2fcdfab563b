"""What acts read from and write to: ZooKeeper, the API, and where our own nodes are."""

from __future__ import annotations

import ssl
from enum import StrEnum

from engine.errors import EngineError
from engine.nuvla.client import NuvlaClient
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths


class Need(StrEnum):
    """A source that an act cannot do without."""

    ZOOKEEPER = "zookeeper"
    API = "api"


class Sources:
    """A session and a client, either of which may be left out by who needs only the other."""

    def __init__(
        self,
        *,
        zk: ZooKeeper | None = None,
        client: NuvlaClient | None = None,
        own: OwnPaths | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Args:
        zk: a connected session.
        client: the API.
        own: our own nodes.
        tls: to ask servers for their connections where they speak TLS only.
        """
        self._zk, self._client = zk, client
        self.own = own or OwnPaths()
        self.tls = tls

    @property
    def zk(self) -> ZooKeeper:
        """The session.

        Raises:
            EngineError: there is none.
        """
        if self._zk is None:
            raise EngineError("this act needs ZooKeeper: name its servers with --zk-hosts")
        return self._zk

    @property
    def client(self) -> NuvlaClient:
        """The API.

        Raises:
            EngineError: there is none.
        """
        if self._client is None:
            raise EngineError("this act needs the Nuvla API: name it with --api-url")
        return self._client
