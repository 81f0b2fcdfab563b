"""A local Nuvla API for tests: over real HTTP, with a database and a queue of the test's own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.local.api_server import ApiServer

ADMIN_HEADER = "internal group/nuvla-admin group/nuvla-admin group/nuvla-user group/nuvla-anon"
"""The value of `nuvla-authn-info` that makes a caller an administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalApi:
    """A running server, and how to log in."""

    server: ApiServer
    url: str
    user: str
    """Member of the administrators' group: takes its rights with switch-group."""
    password: str
    api_key: str
    """An administrator at once."""
    api_secret: str
    other_user: str
    """An ordinary user."""
    other_password: str


@contextmanager
def running_api(database: Path, zk_hosts: str, *, port: int = 0) -> Iterator[LocalApi]:
    """Serve a database until the context ends. It starts in some 50 ms: nothing is synced."""
    password, other_password = secrets.token_urlsafe(), secrets.token_urlsafe()
    server = ApiServer(
        database,
        zk_hosts=zk_hosts,
        password=password,
        others={"jane": other_password},
        port=port,
        durable=False,
    )
    server.start()
    try:
        key, secret = server.create_api_key()
        yield LocalApi(
            server=server,
            url=server.url,
            user="super",
            password=password,
            api_key=key,
            api_secret=secret,
            other_user="jane",
            other_password=other_password,
        )
    finally:
        server.stop()
