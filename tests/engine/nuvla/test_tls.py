"""TLS: whom we trust, and what we say where we do not. Rows 65 and 125 of the failure matrix."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from engine.errors import ApiUnavailable, SettingsError
from engine.nuvla.client import NuvlaClient
from tests.certificates import Authority, Certificate
from tests.engine.nuvla.conftest import AS_HEADER, JOB
from tests.faults.job_api import JobApi

Serve = Callable[[Certificate], str]
OWN_NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts by default."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one job over TLS and return the endpoint."""
    servers = []

    def start(certificate: Certificate) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        server = _Server(("127.0.0.1", 0), _Handler)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"https://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us is no error of this server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"id": JOB}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_private_authority_is_trusted_when_it_is_named(
    authority: Authority, serve: Serve
) -> None:
    url = serve(authority.issue("good", names=OWN_NAMES))
    with NuvlaClient(url, credentials=AS_HEADER, ca=authority.pem) as client:
        for _ in range(3):
            assert client.get_job(JOB) == {"id": JOB}
        assert client.official().get(JOB).id == JOB


@pytest.mark.parametrize(
    ("names", "days", "trusted", "reason"),
    [
        (OWN_NAMES, 2, False, "certificate"),
        ("DNS:other.example", 2, True, "certificate is not valid for '127.0.0.1'"),
        (OWN_NAMES, -1, True, "expired"),
    ],
    ids=["unknown authority", "another name", "expired"],
)
def test_a_certificate_that_is_not_right_is_refused_unless_that_was_asked_for(
    authority: Authority, serve: Serve, names: str, days: int, trusted: bool, reason: str
) -> None:
    url = serve(authority.issue(f"bad{names[4:9]}{days}", names=names, days=days))
    ca = authority.pem if trusted else None
    with NuvlaClient(url, credentials=AS_HEADER, ca=ca) as client:
        with pytest.raises(ApiUnavailable, match="TLS: the server's certificate") as caught:
            client.get_job(JOB)
        assert reason in str(caught.value) and "--api-ca" in str(caught.value)
        with pytest.raises(requests.exceptions.SSLError):
            client.official().get(JOB)
    with NuvlaClient(url, credentials=AS_HEADER, insecure=True) as client:
        assert client.get_job(JOB) == {"id": JOB}
        assert client.official().get(JOB).id == JOB


def test_a_server_that_speaks_no_tls_is_not_spoken_to_in_the_clear(api: JobApi) -> None:
    url = f"https{api.url.removeprefix('http')}"
    client = NuvlaClient(url, credentials=AS_HEADER, timeout=5)
    with client, pytest.raises(ApiUnavailable):
        client.get_job(JOB)
    assert not api.called("GET")


def test_a_file_of_authorities_that_is_none_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(SettingsError, match=r"^api-ca: .*\.pem cannot be used"):
            NuvlaClient("https://n.example", credentials=AS_HEADER, ca=tmp_path / name)
