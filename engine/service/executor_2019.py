"""What actions of the shape of 2019, `(executor, job)`, get as their first argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.service.elastic import elasticsearch_client
from engine.service.seams import Client


class Executor2019:
    """The attributes of the first engine's executor that its actions used."""

    def __init__(self, name: str, client: Client, settings: Mapping[str, Any]) -> None:
        """Args: settings: what the operator set for actions."""
        self.name = name
        self._client = client
        self._settings = settings

    @property
    def api(self) -> Any:
        """The official client, with the rights of the executor."""
        return self._client.official()

    @property
    def es(self) -> Any:
        """The Elasticsearch client.

        Raises:
            SettingsError: no host is set, or the extra is not installed.
        """
        return elasticsearch_client(self._settings.get("es_hosts"))
