"""NuvlaClient: jobs over HTTP; requests in, checked documents out."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode
from weakref import WeakSet

from engine.errors import ApiError, ApiRefused, MalformedAnswer
from engine.measures import QUICK, Tally, Timer
from engine.models import JobPage, JobRecord, JobRequest
from engine.nuvla.answers import json_object, malformed
from engine.nuvla.connection import Place
from engine.nuvla.credentials import Credentials, credentials_from
from engine.nuvla.session import Session
from engine.nuvla.transport import DOCUMENT_LIMIT, Request, Transport
from engine.settings import Settings
from engine.text import clean

if TYPE_CHECKING:
    from nuvla.api import Api

_JOB_ID = re.compile(r"job/[a-z0-9-]+", re.ASCII)
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGE_LIMIT = 64_000_000
"""Bytes of one answer to a query."""
BULK_TIMEOUT = 300.0
"""Seconds: a bulk delete answers when all is done."""
NEEDED = ("id", "action", "state")
"""What every record has: a query that selects fewer attributes gets these too."""


class NuvlaClient:
    """The job resource of one API, for all threads of a process.

    Every call raises ApiUnavailable, LoginRefused, ApiRefused, NotFound, EditConflict or
    MalformedAnswer. After an error with `maybe_applied`, a write may have been done all the same.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials,
        insecure: bool = False,
        ca: Path | None = None,
        timeout: float = 30.0,
    ) -> None:
        """Args:
        url: the endpoint, without /api.
        credentials: who we are.
        insecure: do not verify the server's certificate.
        ca: PEM file of the authorities to trust instead of the system's.
        timeout: seconds that one call may take in all.

        Raises:
            SettingsError: the file of authorities cannot be used.
        """
        self.url = url
        self._place = Place(url, insecure=insecure, ca=ca)
        self._timeout = timeout
        self._session = Session(Transport(self._place), credentials)
        self._of_thread = threading.local()
        self._officials: WeakSet[Api] = WeakSet()
        self.times = Timer(QUICK)
        """Seconds of our own calls, by method; those of the official client are not in it."""
        self.failures = Tally()
        """Our own calls that failed, by the name of the error."""

    @classmethod
    def from_settings(cls, settings: Settings) -> NuvlaClient:
        """Return the client that settings describe.

        Raises:
            SettingsError: the credentials or the file of authorities are wrong.
        """
        return cls(
            settings.api_url,
            credentials=credentials_from(settings),
            insecure=settings.api_insecure,
            ca=settings.api_ca,
            timeout=settings.api_timeout,
        )

    def lend_identity(self) -> dict[str, str] | None:
        """Return the headers that make a request ours, for a child of this process; None where
        nobody has logged in yet. They are secret."""
        return self._session.lend()

    def borrow_identity(self, headers: Mapping[str, str]) -> None:
        """Go by the identity of our parent; once it has ended, log in."""
        self._session.borrow(headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_job(self, job_id: str) -> dict[str, Any]:
        """Return the document of a job."""
        return self._document(Request(method="GET", path=_checked(job_id), is_safe=True), job_id)

    def edit_job(self, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Merge changes into a job and return the whole document.

        Raises:
            EditConflict: the job is final already.
        """
        return self._document(_with_json("PUT", _checked(job_id), changes), job_id)

    def add_job(self, request: JobRequest | Mapping[str, Any]) -> str:
        """Create a job and return its id.

        Raises:
            ValueError: the request is no job document.
        """
        document = request.to_json() if isinstance(request, JobRequest) else dict(request)
        sent = _with_json("POST", "job", document)
        job_id = self._call(sent).get("resource-id")
        if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
            malformed(sent, "names no new job")
        return job_id

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """Cancel a job and return its document.

        Raises:
            ApiRefused: the job is final already, or we may not.
        """
        request = Request(method="POST", path=f"{_checked(job_id)}/cancel")
        return self._document(request, job_id)

    def search_jobs(
        self,
        *,
        filter: str | None = None,
        orderby: str | None = None,
        first: int | None = None,
        last: int | None = None,
        select: Iterable[str] | None = None,
        aggregation: str | None = None,
    ) -> JobPage:
        """Return the jobs that match. Documents that follow no contract are counted, not raised.

        Args:
            filter: engine.nuvla.filters builds them; all jobs where there is none.
            orderby: such as "created:desc".
            first, last: the window, counted from 1 and inclusive; at most 10,000.
            select: attributes to read; id, action and state always are.
            aggregation: such as "terms:state,value_count:id".
        """
        chosen = None if select is None else ",".join(dict.fromkeys((*NEEDED, *select)))
        form = {
            "filter": filter,
            "orderby": orderby,
            "first": first,
            "last": last,
            "select": chosen,
            "aggregation": aggregation,
        }
        request = _with_form("PUT", {k: v for k, v in form.items() if v is not None}, is_safe=True)
        taken_at = datetime.now(UTC)
        content = self._call(request)
        documents = content.get("resources", [])
        if not isinstance(documents, list):
            malformed(request, "holds no list of jobs")
        jobs = [job for job in map(_record, documents) if job is not None]
        count, found = content.get("count"), content.get("aggregations")
        return JobPage(
            taken_at=taken_at,
            jobs=tuple(jobs),
            count=count if isinstance(count, int) else len(documents),
            aggregations=found if isinstance(found, dict) else {},
            unreadable=len(documents) - len(jobs),
        )

    def delete_jobs(self, filter: str) -> int:
        """Delete the jobs that match and return their number. Their entries stay."""
        request = _with_form("DELETE", {"filter": filter}, headers={"bulk": "true"})
        deleted = self._call(request, timeout=max(self._timeout, BULK_TIMEOUT)).get("deleted")
        if not isinstance(deleted, int):
            malformed(request, "does not say how many were deleted")
        return deleted

    def probe(self) -> float:
        """Return the seconds that a cheap request takes which needs our rights."""
        started = time.monotonic()
        self._call(_with_form("PUT", {"last": "0"}, is_safe=True))
        return time.monotonic() - started

    def official(self) -> Api:
        """Return the official client with our identity; one for each thread, to keep."""
        api: Api | None = getattr(self._of_thread, "api", None)
        if api is None:
            # Imported here: with requests it would double the time to start of every verb.
            from engine.nuvla.official import own_api

            api = own_api(self._place, self._session, timeout=self._timeout)
            self._of_thread.api = api
            self._officials.add(api)
        return api

    def official_as(self, authn_header: str) -> Api:
        """Return an official client with the identity that a nuvla-authn-info header names.

        Raises:
            ValueError: the header holds line breaks.
        """
        from engine.nuvla.official import api_as  # imported here: as in `official`

        return api_as(self._place, authn_header, timeout=self._timeout)

    def close(self) -> None:
        """Close idle connections; calls that wait before a repeat end with their failure."""
        self._session.close()
        for api in list(self._officials):
            api.session.close()

    def _document(self, request: Request, job_id: str) -> dict[str, Any]:
        document = self._call(request)
        if document.get("id") != job_id:
            other = clean(str(document.get("id")), limit=80)
            malformed(request, f"is the document of {other}")
        return document

    def _call(self, request: Request, *, timeout: float | None = None) -> dict[str, Any]:
        began = time.monotonic()
        try:
            answer = self._session.call(request, timeout=timeout or self._timeout)
            return json_object(request, answer)
        except ApiError as error:
            self.failures.add(type(error).__name__)
            raise
        finally:
            self.times.observe(request.method, time.monotonic() - began)


def _checked(job_id: str) -> str:
    """Return a job id that is safe in a path; ids come from nodes that anyone may write."""
    if not _JOB_ID.fullmatch(job_id):
        raise ApiRefused(f"{clean(job_id, limit=80)!r} is not the id of a job")
    return job_id


def _with_json(method: str, path: str, document: Mapping[str, Any]) -> Request:
    # NaN is no JSON; a ValueError here is better than a 400 from there.
    body = json.dumps(document, allow_nan=False, default=_plain).encode()
    return Request(method=method, path=path, body=body, headers=_JSON, limit=DOCUMENT_LIMIT)


def _with_form(
    method: str,
    form: Mapping[str, object],
    *,
    headers: Mapping[str, str] | None = None,
    is_safe: bool = False,
) -> Request:
    return Request(
        method=method,
        path="job",
        body=urlencode(form).encode(),
        headers={**_FORM, **(headers or {})},
        is_safe=is_safe,
        limit=PAGE_LIMIT,
    )


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"a job document cannot hold a {type(value).__name__}")


def _record(document: object) -> JobRecord | None:
    try:
        return JobRecord.from_json(document)
    except MalformedAnswer:
        return None
