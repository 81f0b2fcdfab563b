"""Access control lists: normal form, rights of a caller, what rights let see and edit
(contract, section 3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.local.api.caller import ADMIN, Caller

VIEWS = ("view-meta", "view-data", "view-acl")
EDITS = ("edit-meta", "edit-data", "edit-acl")
RIGHTS = frozenset({*VIEWS, *EDITS, "manage", "delete"})

_IMPLIED: dict[str, tuple[str, ...]] = {
    "edit-acl": tuple(sorted(RIGHTS - {"edit-acl"})),
    "edit-data": ("edit-meta", "view-data", "view-meta"),
    "edit-meta": ("view-meta",),
    "delete": ("view-meta",),
    "view-acl": ("view-data", "view-meta"),
    "view-data": ("view-meta",),
}

METADATA = frozenset(
    {
        "id",
        "resource-type",
        "created",
        "updated",
        "name",
        "description",
        "tags",
        "subtype",
        "parent",
        "resource-metadata",
        "operations",
    }
)
"""What `view-meta` shows and `edit-meta` may change."""


def normalize(acl: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the list as it is stored: administrators added, implied rights written out, sorted."""
    owners = set(acl["owners"])
    granted = {right: set(acl.get(right, ())) for right in RIGHTS}
    granted["edit-acl"].add(ADMIN)
    for right, implied in _IMPLIED.items():
        for other in implied:
            granted[other] |= granted[right]
    stored = {"owners": sorted(owners)}
    for right in sorted(RIGHTS):
        if principals := granted[right] - owners:
            stored[right] = sorted(principals)
    return stored


def rights(acl: Mapping[str, list[str]], caller: Caller) -> frozenset[str]:
    """Return the rights that the caller has by a list in normal form."""
    if caller.is_admin or not caller.claims.isdisjoint(acl["owners"]):
        return RIGHTS
    return frozenset(right for right in RIGHTS if not caller.claims.isdisjoint(acl.get(right, ())))


def may_view(granted: frozenset[str]) -> bool:
    """Whether the rights show anything at all."""
    return not granted.isdisjoint(VIEWS)


def may_edit(granted: frozenset[str]) -> bool:
    """Whether the rights let change anything at all."""
    return not granted.isdisjoint(EDITS)


def visible(document: Mapping[str, Any], granted: frozenset[str]) -> dict[str, Any]:
    """Return the part of a document that the rights show."""
    return _covered(document, granted, "view")


def editable(changes: Mapping[str, Any], granted: frozenset[str]) -> dict[str, Any]:
    """Return the part of some changes that the rights cover; the rest is ignored silently."""
    return _covered(changes, granted, "edit")


def _covered(attributes: Mapping[str, Any], granted: frozenset[str], verb: str) -> dict[str, Any]:
    if f"{verb}-acl" in granted:
        return dict(attributes)
    if f"{verb}-data" in granted:
        return {key: value for key, value in attributes.items() if key != "acl"}
    if f"{verb}-meta" in granted:
        return {key: value for key, value in attributes.items() if key in METADATA}
    return {}
