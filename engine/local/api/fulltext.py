"""Full-text queries: any of several words, phrases, prefixes*, +required, -excluded
(contract, section 4.3; the syntax is Elasticsearch's "simple query string")."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
_TERM = re.compile(r'([+-]?)(?:"([^"]*)"?|([^\s"()|+-][^\s"()|]*))')


@dataclass(frozen=True, slots=True)
class Match:
    """A query in the language of SQLite's FTS5."""

    wanted: str | None
    """None: everything, as far as it is not unwanted."""
    unwanted: str | None


def words(text: str) -> list[str]:
    """Return the words of a text as the index splits them, in lower case."""
    return _WORD.findall(text.lower())


def to_match(query: str) -> Match | None:
    """Return what a query asks for, or None where it has no word.

    Terms are joined with "any of"; a term after `+` must be there, one after `-` must not. Groups
    in parentheses are flattened.
    """
    wanted: list[str] = []
    required: list[str] = []
    excluded: list[str] = []
    for sign, quoted, word in _TERM.findall(query):
        term = _term(quoted or word, is_prefix=word.endswith("*"))
        if term:
            {"+": required, "-": excluded}.get(sign, wanted).append(term)
    if not (wanted or required or excluded):
        return None
    return Match(
        " AND ".join(required) or " OR ".join(wanted) or None,
        " OR ".join(excluded) or None,
    )


def phrase(text: str, *, is_prefix: bool) -> Match | None:
    """Return the query for words in sequence, the last one perhaps a prefix."""
    term = _term(text, is_prefix=is_prefix)
    return Match(term, None) if term else None


def _term(text: str, *, is_prefix: bool) -> str | None:
    """Return one term for FTS5; a word such as a-b is a phrase of two words there."""
    found = words(text)
    return f'"{" ".join(found)}"{"*" if is_prefix else ""}' if found else None


def keyword_terms(query: str) -> list[tuple[str, bool]]:
    """Return the terms of a query on a keyword attribute, each with whether it is a prefix."""
    return [(term.rstrip("*"), term.endswith("*")) for term in query.split()]
