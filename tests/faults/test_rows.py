"""Each core row of the failure matrix has a test here, and a table says which."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CORE = {1, 2, 5, *range(9, 18), 22, 27, 28, 29, 31, 33, 34, 36, 38, *range(44, 48), 49, 50}
CORE |= {52, 53, 55, 56, 57, 58, 59, 61, 62, 66, 68, *range(69, 76), 80, 83, 84, 85, 86, 91, 92}
CORE |= {94, 95, 96, 97, 99, *range(101, 105)}
"""The rows that are due with the engine itself."""

FOLDER = Path(__file__).parent
TABLE = FOLDER.parent.parent / "docs" / "failure-tests.md"


def marked() -> Iterator[tuple[int, str]]:
    """Yield each row with each test that is marked with it, as ``file::test``."""
    for path in [*FOLDER.glob("test_*.py"), *(FOLDER.parent / "fleet").glob("test_*.py")]:
        for node in ast.parse(path.read_text("utf-8")).body:
            for mark in getattr(node, "decorator_list", ()):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.row":
                    assert isinstance(node, ast.FunctionDef)
                    for number in mark.args:
                        yield ast.literal_eval(number), f"{path.name}::{node.name}"


def test_every_core_row_has_a_test() -> None:
    """None is left to a promise."""
    assert CORE - {row for row, _ in marked()} == set()


def test_the_table_names_the_tests_of_every_row() -> None:
    """docs/failure-tests.md is what a reader looks at: it says what is there, and no more."""
    listed = set()
    for line in TABLE.read_text("utf-8").splitlines():
        if match := re.match(r"\| (\d+) \|.*\| `(test_\w+\.py)::(test_\w+)` \|$", line):
            listed.add((int(match[1]), f"{match[2]}::{match[3]}"))
    assert listed == set(marked())
