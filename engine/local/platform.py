"""The local platform: a real ZooKeeper and the local Nuvla API, in one folder of their own."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import LocalPlatformError
from engine.local.api_server import ADMIN_USER, ApiServer
from engine.local.folder import DataFolder
from engine.local.zookeeper import LOOPBACK, ZooKeeperServer, reachable

API_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How to reach a local platform: its fields are the line that `nuvla-engine local` prints."""

    zk_hosts: str
    api_url: str
    api_user: str
    api_pass: str
    pid: int
    data: str

    def to_json(self) -> dict[str, object]:
        """Return what the line on stdout holds."""
        return asdict(self)

    def flags(self) -> list[str]:
        """Return the flags that lead a process of ours here; the password is in a file."""
        reach = ["--zk-hosts", self.zk_hosts, "--api-url", self.api_url]
        password = str(DataFolder(Path(self.data)).password_file)
        return [*reach, "--api-user", self.api_user, "--api-pass-file", password]


class LocalPlatform:
    """ZooKeeper as a child process and the API in a thread. Start it from the main thread."""

    def __init__(
        self,
        data: Path,
        *,
        zk_port: int = 0,
        api_port: int = 0,
        host: str = LOOPBACK,
        jar: Path | None = None,
    ) -> None:
        """Args:
        data: the folder of all that it keeps.
        zk_port: 0 takes the last time's port where it is free, else any.
        api_port: the same.
        host: the address that both listen on.
        jar: ZooKeeper's own jar; None looks where packages put it.
        """
        self.folder = DataFolder(data)
        self._zk_port = zk_port
        self._api_port = api_port
        self._host = host
        self._jar = jar
        self._zookeeper: ZooKeeperServer | None = None
        self._api: ApiServer | None = None

    def start(self) -> Platform:
        """Start both, and return how to reach them once both answer.

        Raises:
            LocalPlatformError: the folder is in use, or a part could not be started.
        """
        self.folder.acquire()
        try:
            return self._start_parts()
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """See whether both still run.

        Raises:
            LocalPlatformError: one has ended; the message says which, and where its log is.
        """
        if self._zookeeper is not None and not self._zookeeper.is_running:
            raise LocalPlatformError(f"ZooKeeper has ended: see {self._zookeeper.log}")
        if self._api is not None and not self._api.is_running:
            raise LocalPlatformError("the local API has ended")

    def stop(self) -> None:
        """Stop what runs and give the folder free; calling it twice does nothing."""
        # The API first: it enqueues, and must not find its ZooKeeper gone.
        if self._api is not None:
            self._api.stop()
            self._api = None
        if self._zookeeper is not None:
            self._zookeeper.stop()
            self._zookeeper = None
        self.folder.release()

    def _start_parts(self) -> Platform:
        folder = self.folder
        self._zookeeper = ZooKeeperServer(
            folder.zookeeper,
            port=folder.port("zookeeper", self._zk_port),
            host=self._host,
            jar=self._jar,
            leash=True,
            keep_open=(folder.lock,),
        )
        self._zookeeper.start()
        password = folder.password()
        self._api = ApiServer(
            folder.database,
            zk_hosts=self._zookeeper.hosts,
            password=password,
            host=self._host,
            port=folder.port("api", self._api_port),
        )
        self._api.start()
        self._wait_for_api(self._api)
        return Platform(
            zk_hosts=self._zookeeper.hosts,
            api_url=f"http://{reachable(self._host)}:{self._api.port}",
            api_user=ADMIN_USER,
            api_pass=password,
            pid=os.getpid(),
            data=str(folder.path),
        )

    @staticmethod
    def _wait_for_api(api: ApiServer) -> None:
        deadline = time.monotonic() + API_SECONDS
        while not api.is_running:
            if time.monotonic() > deadline:
                raise LocalPlatformError(f"the local API did not answer within {API_SECONDS:g} s")
            time.sleep(0.02)
