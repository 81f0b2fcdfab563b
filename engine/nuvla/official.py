"""The official client, nuvla.api.Api, as actions get it: our identity, our timeouts, our TLS."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

import requests
from nuvla.api import Api
from nuvla.api.api import SessionStore

from engine.nuvla.connection import Place
from engine.nuvla.deadline import Deadline
from engine.nuvla.session import Session


def own_api(place: Place, session: Session, *, timeout: float) -> Api:
    """Return an official client that goes by our identity, whatever log-in is made on it.

    Its 401 and 403 renew the identity that the whole process shares, so that the rights which
    that took are there for the repeated request too.

    Args: timeout: seconds to connect, and seconds between two pieces of an answer.
    """
    return _api(place, _SharedIdentity(place, timeout=timeout, session=session))


def api_as(place: Place, authn_header: str, *, timeout: float) -> Api:
    """Return an official client with the identity that a nuvla-authn-info header names.

    Raises:
        ValueError: the header holds what no header may hold.
    """
    if not authn_header.isprintable():
        raise ValueError("an identity holds characters that no header may hold")
    return _api(place, _Store(place, timeout=timeout, authn_header=authn_header))


def _api(place: Place, store: SessionStore) -> Api:
    api = Api(endpoint=place.url, insecure=place.is_insecure, persist_cookie=False)
    api.session = store
    return api


class _Store(SessionStore):  # type: ignore[misc]  # nuvla.api publishes no types
    """The official client's HTTP session; neither proxies nor ~/.netrc have a say in it."""

    def __init__(self, place: Place, *, timeout: float, authn_header: str | None = None) -> None:
        super().__init__(
            endpoint=place.url,
            persist_cookie=False,
            cookie_file=None,
            reauthenticate=False,
            login_params={},
            authn_header=authn_header,
        )
        self.trust_env = False
        self.verify = _trusted(place)
        self._seconds = timeout

    def _request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._seconds)
        response: requests.Response = super()._request(*args, **kwargs)
        return response


class _SharedIdentity(_Store):
    """Sends each request with the identity of our Session."""

    def __init__(self, place: Place, *, timeout: float, session: Session) -> None:
        super().__init__(place, timeout=timeout)
        self._shared = session
        # Upstream's actions hand the API key in it on to what they start on an edge device.
        self.login_params = session.login_template()

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, and once more where a new log-in is the answer to a refusal.

        Raises:
            LoginRefused, ApiUnavailable, MalformedAnswer: logging in failed.
        """
        identity = self._shared.identity(Deadline(self._seconds))
        asked = time.monotonic()
        response = self._send_as(identity.headers, args, kwargs)
        if response.status_code in (401, 403):
            renewed = self._shared.renew(identity, asked, Deadline(self._seconds))
            if renewed is not None:
                return self._send_as(renewed.headers, args, kwargs)
        elif response.ok:
            identity.is_proven = True
        return response

    def _send_as(
        self, identity: Mapping[str, str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> requests.Response:
        headers = {**(kwargs.get("headers") or {}), **identity}
        response = self._request(*args, **{**kwargs, "headers": headers})
        # A cookie that an answer sets would stay for the next job of this thread.
        self.cookies.clear()
        return response


def _trusted(place: Place) -> bool | str:
    """Return what requests takes for `verify`: the authorities that our own connections trust."""
    if place.is_insecure:
        return False
    system = ssl.get_default_verify_paths()
    return str(place.ca) if place.ca else system.cafile or system.capath or True
