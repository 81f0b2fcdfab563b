"""A TCP proxy that breaks a link on purpose: between a client and its ZooKeeper or its API.

Typical use::

    with Proxy(server.port) as proxy:
        zk = ZooKeeper(proxy.hosts, session_timeout=1.0)
        proxy.cut()                         # one blip: all links end, new ones are served
        proxy.pause()                       # a severed cable: bytes wait, nothing is closed
        proxy.resume()
        proxy.refuse = True                 # new connections are closed at once
        proxy.drop_down = True              # requests pass, answers vanish
        proxy.delay = 0.3                   # seconds that each answer comes late
        proxy.on_up = hook                  # hook(bytes) before bytes go to the server
        proxy.on_down = hook                # hook(bytes) before bytes go to the client
        proxy.inject(b"garbage")            # bytes to every client, as a middlebox would

A hook may set the switches or call `cut`; where it returns False its bytes are not passed on.
Whole requests of the client arrive at a hook in one piece as a rule, since kazoo sends each in one
call, but nothing promises it: look for a path with ``in``.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

Hook = Callable[[bytes], bool | None]
_CHUNK = 65536
_CONNECT_SECONDS = 5.0


class Proxy:
    """Listens on a port of loopback and passes bytes to a port of loopback."""

    def __init__(self, target: int, *, port: int = 0) -> None:
        """Args:
        target: the server's port.
        port: where to listen; 0 for any free port.
        """
        self.target = target
        self.refuse = False
        self.drop_down = False
        self.drop_up = False
        self.delay = 0.0
        self.on_up: Hook | None = None
        self.on_down: Hook | None = None
        self._open = threading.Event()
        self._open.set()
        self._links: set[socket.socket] = set()
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        self._spawn(self._accept)

    @property
    def hosts(self) -> str:
        """The connection string of the proxy, without a chroot."""
        return f"127.0.0.1:{self.port}"

    @property
    def links(self) -> int:
        """Clients that are connected now."""
        with self._lock:
            return len(self._clients)

    def cut(self) -> None:
        """End all links at once (an RST to both sides); new ones are served."""
        with self._lock:
            links, self._links = self._links, set()
            self._clients.clear()
        for link in links:
            _abort(link)

    def pause(self) -> None:
        """Pass nothing on, in either direction, and close nothing."""
        self._open.clear()

    def resume(self) -> None:
        """Pass on what has waited, and what comes."""
        self._open.set()

    def inject(self, data: bytes) -> None:
        """Send bytes to every client."""
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(data)

    def close(self) -> None:
        """End all links and the listener."""
        self._closed = True
        # Closing alone does not wake the thread in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.resume()
        self.cut()

    def __enter__(self) -> Proxy:
        """Use as a context manager closes the proxy at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                _abort(client)
                continue
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        self._open.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.target), _CONNECT_SECONDS)
        except OSError:
            _abort(client)
            return
        server.settimeout(None)
        for link in (client, server):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._links |= {client, server}
            self._clients.add(client)
        self._spawn(self._pump, client, server, True)
        self._pump(server, client, False)

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        # A link that was cut, or closed by either side, ends both directions.
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if not up and self.delay:
                    time.sleep(self.delay)
                self._open.wait()
                hook = self.on_up if up else self.on_down
                wanted = hook is None or hook(data) is not False
                if wanted and not (self.drop_up if up else self.drop_down):
                    sink.sendall(data)
        self._open.wait()
        with self._lock:
            self._links -= {source, sink}
            self._clients -= {source, sink}
        _abort(source)
        _abort(sink)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        threading.Thread(target=target, args=args, name="proxy", daemon=True).start()


def _abort(link: socket.socket) -> None:
    """Close with an RST, waking a thread that reads from it."""
    with contextlib.suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        link.shutdown(socket.SHUT_RDWR)
    link.close()
