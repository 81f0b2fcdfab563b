"""A real ZooKeeper server as a child process on loopback, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from engine.errors import LocalPlatformError
from engine.local.leash import leashed

LOOPBACK = "127.0.0.1"
JAR = Path("/usr/share/java/zookeeper.jar")
"""Debian's package; the jar's manifest names its dependencies, so it is the whole class path."""
INSTALL_HINT = (
    "install ZooKeeper: 'apt-get install zookeeper' on Debian and Ubuntu; on RHEL unpack Apache's "
    "release and name its zookeeper-*.jar with --zk-jar or NUVLA_ZOOKEEPER_JAR; "
    "'brew install zookeeper' on macOS"
)


def find_jar(named: Path | None = None) -> Path:
    """Return the ZooKeeper jar: the one that is named, else Debian's or Homebrew's.

    Raises:
        LocalPlatformError: there is none, or no Java; the message says what to install.
    """
    if shutil.which("java") is None:
        raise LocalPlatformError("java is not on the PATH: install a Java runtime, 11 or newer")
    found = [named] if named else [JAR]
    if not named:
        for prefix in (Path("/opt/homebrew"), Path("/usr/local")):
            found += sorted(prefix.glob("opt/zookeeper/libexec/lib/zookeeper-[0-9]*.jar"))
    for jar in found:
        if jar.is_file():
            return jar
    raise LocalPlatformError(f"no ZooKeeper at {found[0]}: {INSTALL_HINT}")


def free_port() -> int:
    """Return a TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def reachable(host: str) -> str:
    """Return an address by which this machine reaches a server that listens on host."""
    return LOOPBACK if host in ("", "0.0.0.0", "::") else host


def four_letters(port: int, word: str, *, timeout: float = 1.0, host: str = LOOPBACK) -> str:
    """Return the answer to a four-letter word such as ``srvr``; empty when nothing answers."""
    try:
        with socket.create_connection((host, port), timeout=timeout) as link:
            link.sendall(word.encode())
            link.settimeout(timeout)
            parts = []
            while part := link.recv(65536):
                parts.append(part)
            return b"".join(parts).decode("utf-8", "replace")
    except OSError:
        return ""


class ZooKeeperServer:
    """One server process. Starting it again on the same folder keeps its data."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        host: str = LOOPBACK,
        tick: int = 2000,
        durable: bool = True,
        heap: str = "128m",
        config: Sequence[str] = (),
        java_options: Sequence[str] = (),
        jars: Sequence[Path] = (),
        jar: Path | None = None,
        leash: bool = False,
        keep_open: Sequence[int] = (),
    ) -> None:
        """Args:
        data: the folder for data, configuration and log; made when missing.
        port: client port; 0 takes a free one.
        host: the address to listen on. ZooKeeper asks nobody who they are.
        tick: milliseconds; sessions last 2 to 20 ticks.
        durable: sync each write to the disk (off makes tests 1.8 times faster).
        heap: Java's -Xmx.
        config: further lines of zoo.cfg.
        java_options: further options of Java.
        jars: further jars of the class path.
        jar: ZooKeeper's own jar; None looks where packages put it.
        leash: end the server when this process ends, however it ends (Linux); the thread that
            starts it must then live as long as the process.
        keep_open: file descriptors that the server inherits, such as that of a lock.
        """
        self.data = data
        self.port = port or free_port()
        self._host = host
        self._tick = tick
        self._durable = durable
        self._heap = heap
        self._config = tuple(config)
        self._java_options = tuple(java_options)
        self._jars = tuple(jars)
        self._jar = jar
        self._leash = leash
        self._keep_open = tuple(keep_open)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def hosts(self) -> str:
        """The connection string for clients."""
        return f"{reachable(self._host)}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the server.

        Raises:
            LocalPlatformError: it does not run.
        """
        if self._process is None:
            raise LocalPlatformError("the ZooKeeper server has not been started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """Where the server's own log goes."""
        return self.data / "zookeeper.log"

    def launch(self) -> None:
        """Start the process and return at once.

        Raises:
            LocalPlatformError: Java or the jar is missing.
        """
        jars = ":".join(str(jar) for jar in (find_jar(self._jar), *self._jars))
        options = [f"-Xmx{self._heap}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        options.append("-Dzookeeper.preAllocSize=64")
        if not self._durable:
            options.append("-Dzookeeper.forceSync=no")
        command = ["java", *options, *self._java_options, "-cp", jars]
        command += ["org.apache.zookeeper.server.quorum.QuorumPeerMain", str(self._write_config())]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(command) if self._leash else command,
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C at the terminal is for us: we stop the services first, then the server.
                start_new_session=True,
                pass_fds=self._keep_open,
            )

    def wait_ready(self, timeout: float = 20.0) -> None:
        """Wait until the server serves clients.

        Raises:
            LocalPlatformError: it ended, or did not answer in time; quotes the end of its log.
        """
        deadline = time.monotonic() + timeout
        while "Mode:" not in four_letters(self.port, "srvr", host=reachable(self._host)):
            if not self.is_running or time.monotonic() > deadline:
                raise LocalPlatformError(
                    f"ZooKeeper did not start on port {self.port} (log {self.log}): "
                    f"{self._last_log_line()}"
                )
            time.sleep(0.05)

    def start(self) -> None:
        """Start the process and wait until it serves clients.

        Raises:
            LocalPlatformError: as `launch` and `wait_ready`.
        """
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """End the server in good order; kill it when it takes longer than the timeout."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def _write_config(self) -> Path:
        self.data.mkdir(parents=True, exist_ok=True)
        lines = [
            f"tickTime={self._tick}",
            f"dataDir={self.data}",
            f"clientPort={self.port}",
            f"clientPortAddress={self._host}",
            "admin.enableServer=false",
            "maxClientCnxns=0",
            "4lw.commands.whitelist=srvr,ruok,mntr,cons,dump,wchs",
            *self._config,
        ]
        path = self.data / "zoo.cfg"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _last_log_line(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1][:300]
        return "its log is empty"


def start_ensemble(
    folder: Path, *, size: int = 3, tick: int = 200, jar: Path | None = None
) -> list[ZooKeeperServer]:
    """Start an ensemble on loopback and return its servers once all serve clients.

    Raises:
        LocalPlatformError: as `ZooKeeperServer.start`.
    """
    ports = [(free_port(), free_port()) for _ in range(size)]
    peers = [f"server.{n}=127.0.0.1:{a}:{b}" for n, (a, b) in enumerate(ports, start=1)]
    servers = []
    for number in range(1, size + 1):
        data = folder / f"member-{number}"
        data.mkdir(parents=True, exist_ok=True)
        (data / "myid").write_text(f"{number}\n", encoding="ascii")
        config = ["initLimit=10", "syncLimit=5", *peers]
        servers.append(ZooKeeperServer(data, tick=tick, durable=False, config=config, jar=jar))
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_ready()
    except BaseException:
        for server in servers:
            server.kill()
        raise
    return servers
