"""A job API on loopback in which each request can be made to go wrong, with a journal of all."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from tests.faults.job_store import Answer, Call, JobStore
from tests.faults.ports import steady_port

Fault = Callable[["Exchange"], None]


class Exchange:
    """One request on its way to an answer; what a fault works on."""

    def __init__(self, handler: _Handler, call: Call, api: JobApi) -> None:
        self._handler = handler
        self._api = api
        self.call = call

    def apply(self) -> Answer:
        """Do what the request asks and return the true answer, without sending it."""
        return self._api.store.answer(self.call)

    def send(self, answer: Answer) -> None:
        """Send an answer."""
        self.call.status = answer.status
        self.send_head(answer, length=len(answer.body), body=answer.body)

    def send_head(self, answer: Answer, *, length: int, body: bytes = b"") -> None:
        """Send a head that promises `length` bytes, and these bytes at once."""
        lines = [f"HTTP/1.1 {answer.status} Said", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        head = "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()
        self.send_bytes(head + body)

    def send_bytes(self, data: bytes) -> None:
        """Send raw bytes."""
        self._handler.wfile.write(data)

    def pause(self, seconds: float) -> None:
        """Let time pass; ends early when the API closes."""
        self._api.closing.wait(seconds)

    def reset(self) -> None:
        """Break the connection (RST)."""
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection after what was sent."""
        self._handler.close_connection = True


@dataclass(eq=False)
class Rule:
    """A fault, and which requests meet it."""

    fault: Fault
    method: str
    path: str
    times: int | None
    when: Callable[[Call], bool]
    hits: list[Call] = field(default_factory=list)

    def takes(self, call: Call) -> bool:
        """Whether this request meets the fault; counts it then."""
        wanted = (
            (self.times is None or len(self.hits) < self.times)
            and re.fullmatch(self.method, call.method)
            and re.fullmatch(self.path, call.path)
            and self.when(call)
        )
        if wanted:
            self.hits.append(call)
        return bool(wanted)


class JobApi:
    """The API; `rule` adds faults, the oldest that fits decides."""

    def __init__(self, store: JobStore) -> None:
        self.store = store
        self.port = steady_port()
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self.open()

    @property
    def url(self) -> str:
        """The endpoint, without /api."""
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Serve (again), on the same port."""
        self.closing.clear()
        self._server = _Server(self)
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="job-api", daemon=True
        ).start()

    def close(self) -> None:
        """Refuse connections from now on and break those that stand."""
        server, self._server = self._server, None
        if server is not None:
            self.closing.set()
            server.shutdown()
            server.server_close()
            server.break_connections()

    def rule(
        self,
        fault: Fault,
        *,
        method: str = ".*",
        path: str = ".*",
        times: int | None = None,
        when: Callable[[Call], bool] = lambda call: True,
    ) -> Rule:
        """Add a fault for the requests of this method and path (patterns), so many times."""
        rule = Rule(fault, method, path, times, when)
        with self._lock:
            self._rules.append(rule)
        return rule

    def mend(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._rules.clear()

    def called(self, method: str = ".*", path: str = ".*") -> list[Call]:
        """Return the requests so far of this method and path (patterns)."""
        return [
            call
            for call in list(self.calls)
            if re.fullmatch(method, call.method) and re.fullmatch(path, call.path)
        ]

    def handle(self, handler: _Handler, call: Call) -> None:
        """Answer one request."""
        with self._lock:
            self.calls.append(call)
            rule = next((rule for rule in self._rules if rule.takes(call)), None)
        exchange = Exchange(handler, call, self)
        if rule is None:
            exchange.send(exchange.apply())
        else:
            rule.fault(exchange)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, api: JobApi) -> None:
        self.api = api
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", api.port), _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        link = cast(socket.socket, request)
        self._open.add(link)
        super().process_request(link, cast(tuple[str, int], client_address))

    def shutdown_request(self, request: object) -> None:
        link = cast(socket.socket, request)
        self._open.discard(link)
        # Closed without a shutdown first, so that a lingering time of 0 sends a reset.
        link.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of this server."""

    def break_connections(self) -> None:
        for link in list(self._open):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, self.path, headers, body, time.monotonic())
        cast(_Server, self.server).api.handle(self, call)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _any

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the journal has it."""
