"""What an operator types, and the filter of the API that it becomes."""

from __future__ import annotations

import pytest

from engine.view.query import BadQuery, to_filter


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", None),
        ("  ", None),
        ("state=RUNNING", "state='RUNNING'"),
        ("state=failed", "state='FAILED'"),
        ("state=queued,running", "state=['QUEUED','RUNNING']"),
        ("state!=success", "state!='SUCCESS'"),
        ("age>10m", "created<'now-10m'"),
        ("age<=2h", "created>='now-2h'"),
        ("ran>1d", "started<'now-1d'"),
        ("action=start action^=bulk", "action='start' and action^='bulk'"),
        ("target=deployment/1", "target-resource/href='deployment/1'"),
        ("target=deployment", "target-resource/href^='deployment'"),
        ("progress<50", "progress<50"),
        ("code!=0", "return-code!=0"),
        ("3d2f", "(id^='job/3d2f' or fulltext=='3d2f*')"),
        ("job/3d2f-1", "(id^='job/3d2f-1' or fulltext=='3d2f-1*')"),
        ("action='it' and state!='QUEUED'", "action='it' and state!='QUEUED'"),
        ("progress>5 or duration<9", "progress>5 or duration<9"),
        ("parent-job!=null", "parent-job!=null"),
    ],
)
def test_a_query_becomes_a_filter(typed: str, asked: str | None) -> None:
    assert to_filter(typed) == asked


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("colour=blue", "colour is not a word"),
        ("state=sleeping", "SLEEPING is no state"),
        ("age=10m", "age>10m"),
        ("age>soon", "age>10m"),
        ("progress=half", "whole number"),
        ("a*b", "neither a part of an id nor name=value"),
    ],
)
def test_what_means_nothing_is_explained(typed: str, said: str) -> None:
    with pytest.raises(BadQuery, match=said.replace(">", ".")):
        to_filter(typed)
