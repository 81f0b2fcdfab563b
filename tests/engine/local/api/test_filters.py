"""The grammar of filters (contract, section 4.3): what parses, into what, and what does not."""

from __future__ import annotations

import pytest

from engine.local.api.faults import Fault
from engine.local.api.filters import AllOf, AnyOf, Comparison, Instant, Operator, Value, parse


def test_and_binds_tighter_than_or_and_parentheses_group() -> None:
    a, b, c = (Comparison(name, Operator.EQUAL, 1) for name in "abc")

    assert parse("a=1 or b=1 and c=1") == AnyOf((a, AllOf((b, c))))
    assert parse("(a=1 or b=1) and c=1") == AllOf((AnyOf((a, b)), c))
    assert parse("((a=1))") == a


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a='x'", "x"),
        ('a="x"', "x"),
        ('''a="it's"''', "it's"),
        (r"a='it\'s'", r"it\'s"),
        (r"a='back\\slash'", r"back\\slash"),
        ("a='two\nlines'", "two\nlines"),
        ("a=''", ""),
        ("a=12", 12),
        ("a=true", True),
        ("a=false", False),
        ("a=null", None),
        ("a=[]", ()),
        ("a=['x' 'y',3]", ("x", "y", 3)),
        ("a=['x''y']", ("x", "y")),
        ("a=2026-11-23T10:00:00Z", Instant("2026-11-23T10:00:00Z")),
        ("a=2026-11-23T10:00:00.123+01:00", Instant("2026-11-23T10:00:00.123+01:00")),
        ("a=2026-11-23", None),
        ("a=2026-11", None),
        ("a=2026-11-23T10:00:00.1234Z", None),
    ],
)
def test_values(text: str, value: Value) -> None:
    assert parse(text) == Comparison("a", Operator.EQUAL, value)


@pytest.mark.parametrize(
    "text",
    ["a=1andb=2", "a = 1\nand\tb=2", "(a=1)and(b=2)", " a=1 and b=2 "],
)
def test_blanks_are_optional(text: str) -> None:
    a, b = Comparison("a", Operator.EQUAL, 1), Comparison("b", Operator.EQUAL, 2)

    assert parse(text) == AllOf((a, b))


@pytest.mark.parametrize(
    "attribute",
    [
        "a",
        "A",
        "@id",
        "a-b",
        "a_",
        "a1",
        "a/b/c",
        "ns:a",
        "ns:a/ns:b",
        "order",
        "android",
        "nullable",
    ],
)
def test_attributes(attribute: str) -> None:
    assert parse(f"{attribute}='x'") == Comparison(attribute, Operator.EQUAL, "x")


@pytest.mark.parametrize("operator", ["=", "!=", "<", "<=", ">", ">=", "^=", "=="])
def test_the_attribute_may_stand_right_and_the_operator_is_not_turned(operator: str) -> None:
    expected = Comparison("a", Operator(operator), "x")

    assert parse(f"a{operator}'x'") == parse(f"'x'{operator}a") == expected


@pytest.mark.parametrize("operator", ["intersects", "disjoint", "within", "contains"])
def test_shapes_parse(operator: str) -> None:
    assert parse(f"place {operator} 'POINT(1 2)'") == Comparison(
        "place", Operator(operator), "POINT(1 2)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "()",
        "a.b=1",
        "_a=1",
        "1a=1",
        "a-=1",
        "a/1=1",
        "a=b",
        "a=-1",
        "a=3.2",
        "a>true",
        "a>null",
        "a^=3",
        "a==3",
        "a=[true]",
        "a=[null]",
        "a>['x']",
        "a=1 AND b=2",
        "a=1 OR b=2",
        "a=TRUE",
        "not a=1",
        "a in ['x']",
        "a like 'x'",
        "property['x']=1",
        "foo bar",
        "created<now-7d",
        "a='x",
        "a=1)",
        "(a=1",
        "a=1 and",
        "and a=1",
        "1=1",
        "@=1",
        "a=1;b=2",
        "ä=1",
    ],
)
def test_what_is_no_filter_is_a_400_that_shows_where(text: str) -> None:
    with pytest.raises(Fault) as refused:
        parse(text)

    assert refused.value.status == 400
    assert refused.value.message.startswith("Invalid CIMI filter. Parse error at line ")
    assert refused.value.resource_id is None


def test_columns_count_from_the_parenthesis_before() -> None:
    with pytest.raises(Fault) as refused:
        parse("foo bar")

    assert "line 1, column 6:\n(foo bar)\n     ^\nExpected one of:\n" in refused.value.message


def test_columns_of_later_lines_and_of_the_end() -> None:
    with pytest.raises(Fault) as second_line:
        parse("a=1 and\nb bar")
    with pytest.raises(Fault) as end:
        parse("a=1 and")

    assert "line 2, column 3:\nb bar)\n  ^" in second_line.value.message
    assert "line 1, column 9:\n(a=1 and)\n        ^" in end.value.message


@pytest.mark.parametrize("word", ["or", "and"])
def test_four_thousand_comparisons_parse(word: str) -> None:
    tree = parse(f" {word} ".join(f"id='job/{number}'" for number in range(4000)))

    assert isinstance(tree, AllOf | AnyOf)
    assert len(tree.terms) == 4000


def test_four_thousand_parentheses_parse() -> None:
    assert parse("(" * 4000 + "a=1" + ")" * 4000) == Comparison("a", Operator.EQUAL, 1)
