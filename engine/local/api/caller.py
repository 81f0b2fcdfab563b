"""Who calls: user, active claim and claims (contract, section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass

ADMIN = "group/nuvla-admin"
USER = "group/nuvla-user"
ANONYMOUS_GROUP = "group/nuvla-anon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One caller, as far as rights are concerned."""

    user_id: str
    active_claim: str
    """The principal that new documents belong to."""
    claims: frozenset[str]
    session: str | None = None
    """The id of the caller's current session."""

    @property
    def is_admin(self) -> bool:
        """Whether every check of rights passes."""
        return ADMIN in self.claims

    @property
    def is_user(self) -> bool:
        """Whether the caller may query jobs: not every identified caller may."""
        return self.is_admin or USER in self.claims


ANONYMOUS = Caller(
    user_id=ANONYMOUS_GROUP,
    active_claim=ANONYMOUS_GROUP,
    claims=frozenset({ANONYMOUS_GROUP}),
)
INTERNAL = Caller(
    user_id="internal", active_claim=ADMIN, claims=frozenset({"internal", ADMIN, ANONYMOUS_GROUP})
)
"""The server itself."""


def caller_from_header(value: str) -> Caller | None:
    """Return the caller that a `nuvla-authn-info` header names; None for a blank header.

    The second term is the active claim only: it gives no rights by itself.
    """
    terms = value.split()
    if not terms:
        return None
    sessions = [term for term in terms[1:] if term.startswith("session/")]
    return Caller(
        user_id=terms[0],
        active_claim=terms[1] if len(terms) > 1 else terms[0],
        claims=frozenset({terms[0], ANONYMOUS_GROUP, *terms[2:]}),
        session=sessions[0] if sessions else None,
    )
