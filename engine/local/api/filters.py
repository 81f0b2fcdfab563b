"""The filter language: text to tree (contract, section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from engine.local.api import instants
from engine.local.api.faults import Fault


class Operator(StrEnum):
    """What a comparison does; the text is the token."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    AT_LEAST = ">="
    GREATER = ">"
    PREFIX = "^="
    FULLTEXT = "=="
    INTERSECTS = "intersects"
    DISJOINT = "disjoint"
    WITHIN = "within"
    CONTAINS = "contains"


ORDERS = (Operator.LESS, Operator.AT_MOST, Operator.AT_LEAST, Operator.GREATER)
SHAPES = (Operator.INTERSECTS, Operator.DISJOINT, Operator.WITHIN, Operator.CONTAINS)


@dataclass(frozen=True, slots=True)
class Instant:
    """A date written without quotes, in full."""

    text: str


Scalar = str | int | bool | Instant | None
Value = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute against one value or one array."""

    attribute: str
    """The path, with slashes."""
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """Terms joined with `and`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Terms joined with `or`."""

    terms: tuple[Node, ...]


Node = Comparison | AllOf | AnyOf


class _Builder(Transformer[Token, Any]):
    """Builds the tree bottom-up while the parser reduces, so no depth of nesting recurses here."""

    def any_of(self, terms: list[Node]) -> Node:
        return terms[0] if len(terms) == 1 else AnyOf(tuple(terms))

    def all_of(self, terms: list[Node]) -> Node:
        return terms[0] if len(terms) == 1 else AllOf(tuple(terms))

    def comparison(self, parts: list[Any]) -> Node:
        attribute, operator, value = parts
        return Comparison(attribute, Operator(operator), value)

    def reversed(self, parts: list[Any]) -> Node:
        # The real server does not turn the operator around: 50<progress means progress<50.
        value, operator, attribute = parts
        return Comparison(attribute, Operator(operator), value)

    def attribute(self, names: list[str]) -> str:
        return "/".join(names)

    def name(self, terms: list[Token]) -> str:
        return ":".join(terms)

    def yes(self, _: list[Token]) -> Scalar:
        return True

    def no(self, _: list[Token]) -> Scalar:
        return False

    def nothing(self, _: list[Token]) -> Scalar:
        return None

    def array(self, items: list[Scalar]) -> Value:
        return tuple(items)

    def integer(self, tokens: list[Token]) -> Scalar:
        return int(tokens[0][:_LONGEST_INTEGER])

    def date(self, tokens: list[Token]) -> Scalar:
        return _date(str(tokens[0]))

    def text(self, tokens: list[Token]) -> Scalar:
        # The backslash before an escaped quote stays: the real server leaves it there.
        return str(tokens[0][1:-1])


_SHORT = 1000
_LONGEST_INTEGER = 400
"""Digits: more are as far beyond what the server takes as these are."""


def _date(text: str) -> Scalar:
    """Return an unquoted date; one that the real server cannot read turns into null there."""
    try:
        instants.parse(text)
    except ValueError:
        return None
    return Instant(text)


_PARSER = Lark(
    files(__package__).joinpath("filter.lark").read_text("utf-8"),
    start="filter",
    parser="lalr",
    transformer=_Builder(),
)


def parse(text: str) -> Node:
    """Return the tree of a filter.

    Raises:
        Fault: 400, the text is no filter; the message shows where.
    """
    # The trees of long filters would fill the memory, and those seldom come twice.
    return _parse_often(text) if len(text) < _SHORT else _parse(text)


def _parse(text: str) -> Node:
    try:
        return _PARSER.parse(text)  # type: ignore[return-value]  # the transformer's result
    except UnexpectedInput as error:
        raise Fault(400, f"Invalid CIMI filter. {_explain(text, error)}") from error


_parse_often = lru_cache(maxsize=256)(_parse)


def _explain(text: str, error: UnexpectedInput) -> str:
    """Say where the error is; columns count from the parenthesis that the server puts before."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    else:
        line, column = error.line, error.column
    shown = f"({text})".split("\n")[line - 1]
    column += 1 if line == 1 else 0
    expected = "\n".join(sorted(_expected(error)))
    pointer = " " * (column - 1) + "^"
    return (
        f"Parse error at line {line}, column {column}:\n{shown}\n{pointer}\n"
        f"Expected one of:\n{expected}\n"
    )


def _expected(error: UnexpectedInput) -> set[str]:
    if isinstance(error, UnexpectedToken):
        return set(error.accepts or error.expected)
    if isinstance(error, UnexpectedCharacters):
        return set(error.allowed or ())
    return set()
