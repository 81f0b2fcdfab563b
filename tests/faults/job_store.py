"""The job resource in memory: as much of the contract as executors and distributors use."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine.models.job import format_time

COOKIE = "com.com.sixsq.nuvla.cookie"
USER, PASSWORD = "super", "canary-password-5c1e"
ADMIN_HEADER = "group/nuvla-admin"
STATES = ("QUEUED", "RUNNING", "SUCCESS", "FAILED", "CANCELED")
FINAL = STATES[2:]

Document = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    """CLOCK_MONOTONIC seconds."""
    status: int | None = None
    """What was answered; None where no whole answer was sent."""

    @property
    def path(self) -> str:
        """The path below /api/."""
        return urlsplit(self.target).path.removeprefix("/api/")

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the URL."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        """The body as JSON; {} where it is not."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to send."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Return an answer with this JSON document."""
        return cls(status, json.dumps(document).encode(), headers or {})

    @classmethod
    def error(cls, status: int, message: str, resource: str = "") -> Answer:
        """Return an error of the contract's one shape."""
        about = {"resource-id": resource} if resource else {}
        return cls.of(status, {"status": status, "message": message, **about})


class JobStore:
    """Job documents and logins. `enqueue` is called for each new job before it is stored."""

    def __init__(self, enqueue: Callable[[str, int], str]) -> None:
        self._enqueue = enqueue
        self._lock = threading.RLock()
        self.documents: dict[str, Document] = {}
        self.writes: dict[str, list[Document]] = {}
        """The changes of each job that were accepted, in order."""
        self.cookies: dict[str, bool] = {}
        """The cookies that are good, and whether each has the administrator's rights."""
        self.logins_refused = False
        self.imagine: Callable[[str], Document] | None = None
        """Makes up the document of a job that was not stored, where there is to be one."""

    def put(self, document: Document) -> None:
        """Store a document as it is."""
        with self._lock:
            self.documents[document["id"]] = document

    def answer(self, call: Call) -> Answer:
        """Do what the call asks."""
        with self._lock:
            if call.path.startswith("session"):
                return self._session(call)
            if call.path == "cloud-entry-point":
                return Answer.of(200, {"id": "cloud-entry-point", "base-uri": "/api/"})
            if not self._is_admin(call):
                return Answer.error(403, "credentials required")
            return self._job(call)

    def _is_admin(self, call: Call) -> bool:
        words = call.headers.get("nuvla-authn-info", "").split()
        if words:
            return ADMIN_HEADER in (words[0], *words[2:])
        return self.cookies.get(_cookie(call), False)

    def _session(self, call: Call) -> Answer:
        if call.path == "session" and call.method == "POST":
            template = call.json.get("template", {})
            if self.logins_refused or template.get("password") != PASSWORD:
                return Answer.error(403, f"invalid credentials for '{template.get('username')}'")
            return self._new_cookie(201, admin=False)
        if call.path.endswith("/switch-group"):
            if _cookie(call) not in self.cookies:
                return Answer.error(403, "credentials required")
            return self._new_cookie(200, admin=True)
        known = _cookie(call) in self.cookies
        own = [{"id": "session/1", "resource-type": "session"}] if known else []
        return Answer.of(200, {"count": len(own), "id": "session", "resources": own})

    def _new_cookie(self, status: int, *, admin: bool) -> Answer:
        token = uuid.uuid4().hex
        self.cookies[token] = admin
        body = {"status": status, "message": "session/1 created", "resource-id": "session/1"}
        document = body if status == 201 else {"id": "session/1", "resource-type": "session"}
        return Answer.of(
            status, document, {"Set-Cookie": f"{COOKIE}={token}; Path=/", "Location": "session/1"}
        )

    def _job(self, call: Call) -> Answer:
        if call.path == "job":
            return self._add(call) if call.method == "POST" else self._search(call)
        match = re.fullmatch(r"(job/[a-z0-9-]+)(/[a-z-]+)?", call.path)
        if match and self.imagine and match[1] not in self.documents:
            self.documents[match[1]] = self.imagine(match[1])
        document = self.documents.get(match[1]) if match else None
        if match is None or document is None:
            return Answer.error(404, f"{call.path} not found", call.path)
        if match[2]:
            return self._operation(document, match[2])
        if call.method == "GET":
            return Answer.of(200, document)
        if call.method == "DELETE":
            del self.documents[document["id"]]
            return Answer.of(200, {"status": 200, "resource-id": document["id"]})
        return self._edit(document, call)

    def _add(self, call: Call) -> Answer:
        job = f"job/{uuid.uuid4()}"
        wanted = call.json
        tags = {}
        if wanted.get("execution-mode", "push") != "pull":
            tags["tags"] = [self._enqueue(job, wanted.get("priority", 999))]
        self.documents[job] = new_document(job, **{**wanted, **tags})
        body = {"status": 201, "message": f"{job} created", "resource-id": job}
        return Answer.of(201, body, {"Location": job})

    def _search(self, call: Call) -> Answer:
        form = {**call.query, **parse_qs(call.body.decode("utf-8", "replace"))}
        wanted = form.get("filter", [""])[0]
        # Enough of the filter language for "is there a job of this action since then".
        found = list(self.documents.values())
        for name, value in re.findall(r"([a-z-]+) *= *[\"']([^\"']*)[\"']", wanted):
            found = [job for job in found if job.get(name) == value]
        for name, value in re.findall(r"([a-z-]+) *>=? *[\"']([^\"']*)[\"']", wanted):
            found = [job for job in found if job.get(name, "") >= value]
        found.sort(key=lambda job: job["created"], reverse="created:desc" in str(form))
        last = int(form.get("last", ["10000"])[0])
        return Answer.of(200, {"id": "job", "count": len(found), "resources": found[:last]})

    def _operation(self, document: Document, name: str) -> Answer:
        if name == "/get-context":
            return Answer.of(200, {})
        if name != "/cancel" or document["state"] in FINAL:
            return Answer.error(403, f"invalid credentials for '{document['id']}'", document["id"])
        document.update({"state": "CANCELED", "progress": 100})
        return Answer.of(200, document)

    def _edit(self, document: Document, call: Call) -> Answer:
        if document["state"] in FINAL:
            return Answer.error(409, "edit is not allowed in final state", document["id"])
        problem = _problem(call.json)
        if problem:
            return Answer.error(400, f"resource {document['id']} does not satisfy: {problem}")
        self.writes.setdefault(document["id"], []).append(call.json)
        document.update(call.json)
        document["updated"] = format_time(datetime.now(UTC))
        if document["state"] in FINAL:
            document["progress"] = 100
        return Answer.of(200, document)


def new_document(job: str, **attributes: Any) -> Document:
    """Return the document that the server makes of a new job."""
    now = format_time(datetime.now(UTC))
    return {
        "resource-type": "job",
        "execution-mode": "push",
        "version": 2,
        "progress": 0,
        "acl": {"owners": [ADMIN_HEADER]},
        "created": now,
        "updated": now,
        **attributes,
        "state": attributes.get("state", "QUEUED"),
        "id": job,
    }


def _cookie(call: Call) -> str:
    match = re.search(rf"{re.escape(COOKIE)}=([^;]*)", call.headers.get("cookie", ""))
    return match[1] if match else ""


def _problem(changes: Any) -> str:
    """Return what the closed schema has against these changes; empty where nothing."""
    if not isinstance(changes, dict) or not changes:
        return "no changes"
    code, progress = changes.get("return-code", 0), changes.get("progress", 0)
    message = changes.get("status-message", "")
    if type(code) is not int or not 0 <= code < 2**31:
        return f"return-code {code!r}"
    if type(progress) is not int or not 0 <= progress <= 100:
        return f"progress {progress!r}"
    if not isinstance(message, str) or any("\ud800" <= c <= "\udfff" or c == "\0" for c in message):
        return "status-message is not a sound text"
    return "" if changes.get("state", "QUEUED") in STATES else f"state {changes['state']!r}"
