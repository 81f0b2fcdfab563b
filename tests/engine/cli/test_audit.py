"""Tests of the verb `audit`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.act.audit import Audit
from engine.cli.exit_codes import ExitCode
from engine.models import Ending
from tests.engine.act.attempts import JOB, WHO, Planned
from tests.engine.cli.conftest import Run
from tests.local_api import LocalApi


@pytest.fixture
def audit() -> Audit:
    """The record that the verb will read."""
    return Audit(Path(os.environ["NUVLA_AUDIT_FILE"]), profile="prod")


def test_the_newest_act_is_last_with_who_why_and_how_it_ended(run: Run, audit: Audit) -> None:
    audit.attempt(Planned(), by=WHO, reason="it hangs").outcome(Ending.DONE, "it is CANCELED")
    audit.attempt(Planned(act="drop", subject="entry-1"), by=WHO).outcome(
        Ending.REFUSED, "it is held"
    )
    ended = run("audit")
    assert ended.code == ExitCode.OK
    title, first, second = ended.out.splitlines()
    assert title.split("  ")[0] == "WHEN (UTC)"
    assert first.split()[2:] == [
        *("cancel", JOB, "done", "jane", "as", "root@node1"),
        *("it", "hangs;", "it", "is", "CANCELED"),
    ]
    assert second.split()[2:5] == ["drop", "entry-1", "refused"]
    assert "2 acts in" in ended.err


def test_an_act_without_an_end_is_shown_as_unknown_and_says_where_to_look(
    run: Run, audit: Audit
) -> None:
    audit.attempt(Planned(), by=WHO)
    audit.attempt(Planned(act="drop", subject="entry-1"), by=WHO).outcome(
        Ending.MAYBE_APPLIED, "no answer"
    )
    ended = run("audit")
    first, second = ended.out.splitlines()[1:]
    assert " unknown " in first and first.endswith(f"look at: nuvla-engine why {JOB}")
    assert "maybe-applied" in second and second.endswith("no answer; look before it is repeated")
    assert "the outcome of 1 is unknown" in ended.err


def test_the_acts_can_be_chosen(run: Run, audit: Audit) -> None:
    for number in range(3):
        audit.attempt(Planned(subject=f"job/{number}"), by=WHO).outcome(Ending.DONE)
    audit.attempt(Planned(act="release", subject="job/1"), by=WHO)
    assert [act["subject"] for act in run("audit", "--limit", "2", "--json").json["acts"]] == [
        *("job/2", "job/1"),
    ]
    assert [act["act"] for act in run("audit", "--job", "1", "--json").json["acts"]] == [
        *("cancel", "release"),
    ]
    assert len(run("audit", "--act", "release", "--json").json["acts"]) == 1
    assert len(run("audit", "--since", "1h", "--json").json["acts"]) == 4
    assert run("audit", "--since", "2100-01-01", "--json").json["acts"] == []
    assert run("audit", "--since", "yesterday").code == ExitCode.USAGE


def test_json_holds_the_plan(run: Run, audit: Audit) -> None:
    audit.attempt(Planned(body={"operations": [{"check": "/x"}]}), by=WHO, reason="r").outcome(
        Ending.DONE
    )
    found = run("audit", "--json").json
    assert (found["schema"], found["damaged"]) == ("nuvla-engine/audit/1", 0)
    (act,) = found["acts"]
    assert act["plan"]["operations"] == [{"check": "/x"}]
    assert act["who"] == {"user": "root", "host": "node1", "pid": 4121, "login": "jane"}
    assert (act["outcome"], act["reason"], act["profile"]) == ("done", "r", "prod")


def test_no_record_is_no_error(run: Run) -> None:
    ended = run("audit")
    assert (ended.code, ended.out) == (ExitCode.OK, "")
    assert "No such act is on record" in ended.err


def test_a_record_that_cannot_be_read_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUVLA_AUDIT_FILE", str(tmp_path))
    ended = run("audit")
    assert ended.code == ExitCode.REFUSED
    assert "cannot be read" in ended.err


def test_the_shared_record_is_read_from_zookeeper(run: Run, reach: LocalApi) -> None:
    ended = run("audit", "--shared", "--json")
    assert (ended.code, ended.json["acts"]) == (ExitCode.OK, [])
