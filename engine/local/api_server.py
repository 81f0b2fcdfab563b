"""The local Nuvla API as a server on loopback, in a thread of the caller's process."""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from engine.errors import LocalPlatformError
from engine.local.api import accounts, application, instants, sessions
from engine.local.api.caller import ADMIN, USER
from engine.local.api.database import Database
from engine.local.api.enqueue import Enqueuer, ZooKeeperEnqueuer
from engine.local.api.entry_point import EntryPointHandlers
from engine.local.api.job_handlers import JobHandlers
from engine.local.api.offload import Offload
from engine.local.api.routes import Routes
from engine.local.api.session_handlers import SessionHandlers

logger = logging.getLogger(__name__)

ADMIN_USER = "super"
"""The built-in member of the administrators' group."""

_STOP_SECONDS = 5


class ApiServer:
    """One server over one database; a later one on the same file serves the same jobs."""

    def __init__(
        self,
        database: Path,
        *,
        zk_hosts: str,
        password: str,
        user: str = ADMIN_USER,
        others: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        durable: bool = True,
        enqueuer: Enqueuer | None = None,
    ) -> None:
        """Args:
        database: the file; made when missing.
        zk_hosts: where push and mixed jobs are queued.
        password: of the administrator.
        user: name of the administrator, who takes the rights with switch-group.
        others: names of ordinary users, with their passwords.
        host: the address to listen on. Whoever reaches it may claim to be anyone (the header
            `nuvla-authn-info` holds no secret), so any other than loopback needs a guard before it.
        port: 0 takes a free one.
        durable: sync the disk at each commit (tests do without).
        enqueuer: instead of ZooKeeper.
        """
        self._admin = user
        self._passwords = {**(others or {}), user: password}
        self._address = (host, port)
        self.database = Database(database, durable=durable)
        """Where jobs are; open while the server runs."""
        self._offload = Offload(self.database)
        self._enqueuer = enqueuer or ZooKeeperEnqueuer(zk_hosts)
        self._users: dict[str, str] = {}
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            LocalPlatformError: it has not been started.
        """
        if self._socket is None:
            raise LocalPlatformError("the local API has not been started")
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The endpoint for clients, without /api."""
        host = self._address[0]
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether it answers requests."""
        server, thread = self._server, self._thread
        return server is not None and thread is not None and server.started and thread.is_alive()

    def start(self) -> None:
        """Open the database, listen, and serve in a thread.

        Raises:
            LocalPlatformError: the port is taken, or the database cannot be opened.
        """
        self._socket = self._listen()
        try:
            app = self._open()
        except BaseException:
            self._socket.close()
            self._close()
            raise
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="local-api", daemon=True
        )
        self._thread.start()
        logger.info("the local API serves %s", self.url)

    def stop(self) -> None:
        """End the server in good order: requests under way are answered."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(2 * _STOP_SECONDS)
        self._server = None
        self._close()

    def _close(self) -> None:
        # What serves requests first, then what they stand on.
        self._offload.close()
        self._enqueuer.close()
        self.database.close()

    def user_id(self, name: str) -> str:
        """Return the id of a built-in user, once started."""
        return self._users[name]

    def create_api_key(
        self, user: str | None = None, *, claims: Sequence[str] | None = None
    ) -> tuple[str, str]:
        """Make an API key and return its id and secret.

        Args:
            user: the name of a built-in user; None for the administrator.
            claims: what the key may do. None: all that the user may, for the administrator as
                with a key made while switched to the administrators' group.
        """
        name = user or self._admin
        user_id = self._users[name]
        given = claims or [user_id, USER, *self._groups(name)]

        def work(connection: sqlite3.Connection) -> tuple[str, str]:
            return accounts.create_api_key(connection, user_id, given)

        return self.database.write(work).result()

    def _groups(self, name: str) -> list[str]:
        return [ADMIN] if name == self._admin else []

    def _listen(self) -> socket.socket:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1024)
        except OSError as error:
            listener.close()
            raise LocalPlatformError(f"cannot listen on {host}:{port}: {error}") from error
        return listener

    def _open(self) -> Starlette:
        self.database.open()
        self._users = self.database.write(self._make_users).result()
        signer = self.database.write(sessions.load_signer).result()
        self._enqueuer.start()
        opened = instants.now_ms()
        handlers = SessionHandlers(self._offload, signer, opened=opened)
        routes = Routes(
            jobs=JobHandlers(self._offload, self._enqueuer),
            sessions=handlers,
            entry=EntryPointHandlers(opened=opened),
        )
        return application.build(routes, read_cookie=handlers.read_cookie)

    def _make_users(self, connection: sqlite3.Connection) -> dict[str, str]:
        return {
            name: accounts.ensure_user(connection, name, password, groups=self._groups(name))
            for name, password in self._passwords.items()
        }
