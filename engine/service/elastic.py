"""The official Elasticsearch client, which is an extra and so may be missing."""

from __future__ import annotations

import importlib
from typing import Any

from engine.errors import SettingsError

_TIMEOUT = 60.0


def elasticsearch_client(hosts: object) -> Any:
    """Return a client for hosts, given as a list or as text with commas.

    Raises:
        SettingsError: no host is given, or the extra is not installed.
    """
    items = hosts.split(",") if isinstance(hosts, str) else hosts
    names = [str(host).strip() for host in items if str(host).strip()] if items else []  # type: ignore[attr-defined]  # settings hold a list or a text
    if not names:
        raise SettingsError("no Elasticsearch host is set: give --es-hosts")
    try:
        library = importlib.import_module("elasticsearch")
    except ImportError as error:
        raise SettingsError(
            "--es-hosts needs the Elasticsearch client: pip install 'nuvla-console[elasticsearch]'"
        ) from error
    return library.Elasticsearch([_url(name) for name in names], request_timeout=_TIMEOUT)


def _url(host: str) -> str:
    if "://" in host:
        return host
    return f"http://{host}" if ":" in host else f"http://{host}:9200"
