"""What a plug-in may import is what the package says."""

from __future__ import annotations

import types

import engine


def test_every_public_name_is_there_and_every_name_that_is_there_is_public() -> None:
    found = {
        name
        for name, value in vars(engine).items()
        if not name.startswith("_")
        and name != "annotations"
        and not isinstance(value, types.ModuleType)
    }
    assert found == set(engine.__all__)
    assert list(engine.__all__) == sorted(engine.__all__, key=_as_ruff_sorts)


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_an_author_needs_no_other_import() -> None:
    for name in ("action", "distributor", "Job", "JobRequest", "ActionFailed"):
        assert name in engine.__all__
