"""The local API with deployments in front of it: what the local platform has no resources for."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from tests.fleet.installation import ADMIN

_PASSED_ON = ("content-type", "cookie", "nuvla-authn-info", "bulk", "accept", "host")


class DeploymentsApi:
    """Serves deployments and one hook itself, and passes everything else on."""

    def __init__(self, behind: str, names: list[str]) -> None:
        """Args: behind: the local API's URL; names: ids of the deployments that there are."""
        self.behind = behind
        self.deployments = names
        self.hooked: list[str] = []
        """The deployments that the hook was called for."""
        self.identities: list[str] = []
        """Who asked for deployments, request by request."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer what is not passed on."""
        parts = path.split("/")
        if parts[0] == "hook":
            self.hooked.append(body["resource-href"])
            return 200, {"status": 200, "message": "registered"}
        if len(parts) == 1:
            found = [{"id": name, "resource-type": "deployment"} for name in self.deployments]
            return 200, {"count": len(found), "resources": found}
        name = "/".join(parts[:2])
        if len(parts) == 2:
            return 200, {"id": name, "resource-type": "deployment", "state": "STARTED"}
        job = {
            "action": "register_usage_record",
            "target-resource": {"href": name},
            "parent-job": body["parent-job"],
        }
        added = requests.post(f"{self.behind}/api/job", json=job, headers=ADMIN, timeout=30)
        added.raise_for_status()
        job_id = added.json()["resource-id"]
        return 202, {"status": 202, "message": "stopping", "location": job_id, "resource-id": name}

    def pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> requests.Response:
        """Have the local API answer."""
        headers = {name: handler.headers[name] for name in _PASSED_ON if name in handler.headers}
        url = f"{self.behind}{handler.path}"
        return requests.request(handler.command, url, data=body, headers=headers, timeout=30)


def _handler(api: DeploymentsApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = self.path.removeprefix("/api/").split("?")[0]
            if path.split("/")[0] in ("deployment", "hook"):
                api.identities.append(self.headers.get("nuvla-authn-info", ""))
                is_json = "json" in self.headers.get("content-type", "")
                status, answer = api.answer(path, json.loads(body) if is_json and body else {})
                self._reply(status, json.dumps(answer).encode(), "application/json", None)
            else:
                passed = api.pass_on(self, body)
                kind = passed.headers.get("content-type", "")
                cookie = passed.headers.get("set-cookie")
                self._reply(passed.status_code, passed.content, kind, cookie)

        def _reply(self, status: int, content: bytes, kind: str, cookie: str | None) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            if cookie:
                self.send_header("set-cookie", cookie)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _serve

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler
