"""Acts in the console: armed first, planned, confirmed, done; and the same as the verbs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from textual.pilot import Pilot
from textual.widgets import Button, Input

from engine.act.acts import ACTS, Argument
from engine.act.plan import Options
from engine.cli.acting import VERBS as ACT_VERBS
from engine.cli.acts import VERBS as OWN_VERBS
from engine.errors import ApiUnavailable
from engine.models import JobRequest, MemberState
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret, Settings
from engine.states import JobState
from nuvla_console import commands
from nuvla_console.app import ConsoleApp
from nuvla_console.commands import COMMANDS
from nuvla_console.dialogs import plan as plan_dialog
from nuvla_console.dialogs.plan import PlanDialog
from nuvla_console.dialogs.start import StartDialog
from nuvla_console.profiles import Profile, open_connection
from nuvla_console.screens.executors import ExecutorsScreen
from nuvla_console.screens.job import JobScreen
from nuvla_console.screens.overview import OverviewScreen
from tests.console.planted import Clock, StillActing, StillStore, console, job_id, text_of
from tests.console.test_screens import LARGE, go
from tests.local_api import LocalApi
from tests.support import eventually


@pytest.fixture(autouse=True)
def no_dead_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Enter work at once: one test alone is about the time in which it does not."""
    monkeypatch.setattr(plan_dialog, "DEAD_SECONDS", 0.0)


async def until_dialog(pilot: Pilot[None]) -> str:
    """Wait until a plan is shown, and return the screen's text."""
    for _ in range(400):
        await pilot.pause(0.01)
        if isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.is_mounted:
            await pilot.pause()
            break
    assert isinstance(pilot.app.screen, PlanDialog)
    assert isinstance(pilot.app, ConsoleApp)
    return text_of(pilot.app)


async def until_applied(pilot: Pilot[None], acting: StillActing, count: int) -> None:
    """Wait until so many acts were done."""
    for _ in range(400):
        if len(acting.applied) >= count:
            break
        await pilot.pause(0.01)
    await pilot.pause()


async def confirm(pilot: Pilot[None], reason: str = "") -> None:
    """Give a reason, and press the button that does it."""
    pilot.app.screen.query_one("#reason", Input).value = reason
    pilot.app.screen.query_one("#yes", Button).focus()
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()


def test_each_act_is_a_command_and_a_verb_of_one_name_and_one_planner() -> None:
    typed = {command.name: command for command in COMMANDS}
    verbs = {**ACT_VERBS, **OWN_VERBS}
    for name, act in ACTS.items():
        assert typed[name].action == f"act('{name}')"
        assert name in verbs
        assert typed[name].help.endswith(f"{act.summary}.")
        screen = ExecutorsScreen if act.argument is Argument.MEMBER else JobScreen
        assert commands.find(name, screen.SCOPES) == (typed[name], "")
    keys = [command.key for command in COMMANDS if command.id.startswith("act.") and command.keys]
    assert keys == ["n", "U", "X", "R", "D", "I"]


def test_the_most_regretted_key_stays_unbound_and_capitals_only_open_plans() -> None:
    capitals = {c.key: c for c in COMMANDS if c.key in ("R", "U", "X", "D", "I")}
    assert len(capitals) == 5
    assert all(command.action.startswith("act(") for command in capitals.values())
    assert "ctrl+k" not in {key for command in COMMANDS for key in command.keys.split(",")}


async def test_nothing_is_planned_before_it_is_armed_and_it_is_disarmed_by_time() -> None:
    acting, clock = StillActing(), Clock()
    async with console(acting=acting, clock=clock).run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "X")
        assert "read-only: w allows acts" in shown
        assert "WRITES" not in shown
        shown = await go(pilot, "w")
        assert "✎ WRITES for 15 min" in shown.split("\n")[0]
        clock.pass_(minutes=14)
        assert "✎ WRITES for 1 min" in await go(pilot)
        clock.pass_(minutes=2)
        assert "read-only" in (await go(pilot)).split("\n")[0]
        await go(pilot, "X")
        assert not isinstance(pilot.app.screen, PlanDialog)
    assert acting.applied == []


async def test_a_profile_that_its_settings_keep_read_only_cannot_be_armed() -> None:
    acting = StillActing()
    acting.is_forbidden = True
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "w")
    assert "the settings keep this profile read-only" in shown
    assert "WRITES" not in shown


@pytest.mark.parametrize(("key", "act"), [("X", "cancel"), ("U", "release"), ("R", "requeue")])
async def test_a_plan_is_shown_and_done_once_it_is_confirmed(key: str, act: str) -> None:
    acting, store = StillActing(), StillStore()
    async with console(store, acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", key)
        shown = await until_dialog(pilot)
        for fact in (f"{act} {job_id(0)}", "will be different", "take care", f"Do it: {act}"):
            assert fact in shown
        assert pilot.app.focused is pilot.app.screen.query_one("#no")
        await confirm(pilot, "it hangs")
        await until_applied(pilot, acting, 1)
        shown = await go(pilot)
        assert f"{act} {job_id(0)}: done: so it is" in shown
    assert acting.applied == [(act, job_id(0), "it hangs")]
    assert any("done: so it is" in note.text for note in store.picture.notes)
    assert store.reads == 1


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_cancel_has_the_focus_and_changes_nothing(key: str) -> None:
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", "X")
        await until_dialog(pilot)
        assert "nothing was changed" in await go(pilot, key)
    assert acting.applied == []


async def test_an_enter_that_comes_too_soon_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_dialog, "DEAD_SECONDS", 3600.0)
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", "X")
        await until_dialog(pilot)
        await confirm(pilot)
        assert isinstance(pilot.app.screen, PlanDialog)
        await pilot.press("escape")
    assert acting.applied == []


async def test_a_plan_that_is_refused_says_why_and_cannot_be_done() -> None:
    acting = StillActing()
    acting.refusals = ("the job is final already",)
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", "X")
        shown = await until_dialog(pilot)
        assert "refused   the job is final already" in shown
        assert not pilot.app.screen.query("#yes")
        await go(pilot, "enter")
    assert acting.applied == []


async def test_a_source_that_fails_is_named_and_nothing_is_shown_as_done() -> None:
    acting = StillActing()
    acting.trouble = ApiUnavailable("the API does not answer")
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", "X")
        for _ in range(200):
            await pilot.pause(0.01)
            if "nothing was changed" in (shown := await go(pilot)):
                break
        assert "cancel: nothing was changed: the API does not answer" in shown


async def test_a_protected_profile_asks_for_the_short_id_or_the_count() -> None:
    acting = StillActing()
    app = console(StillStore(), acting=acting)
    app.desk.protected = True
    async with app.run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", "X")
        assert f"type {job_id(0)[-4:]}" in await until_dialog(pilot)
        await confirm(pilot)
        assert "is protected: type" in await go(pilot)
        assert acting.applied == []
        pilot.app.screen.query_one("#word", Input).value = job_id(0)[-4:]
        await confirm(pilot)
        await until_applied(pilot, acting, 1)
        await go(pilot, "space", "space", "X")
        assert "type 2" in await until_dialog(pilot)
        await pilot.press("escape")
    assert len(acting.applied) == 1


async def test_marked_jobs_are_done_in_bulk_with_their_number_in_the_question() -> None:
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", "space", "space", "space", "X")
        shown = await until_dialog(pilot)
        assert "cancel 3 jobs" in shown
        assert job_id(2) in shown
        await confirm(pilot, "all of them")
        await until_applied(pilot, acting, 3)
        assert "cancel: 3 of 3: 3 done" in await go(pilot)
    assert acting.applied == [("cancel", job_id(n), "all of them") for n in range(3)]


async def test_d_drains_and_what_drains_is_resumed() -> None:
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "6", "w")
        for _ in range(2):
            row = pilot.app.screen.query_one("#main").current()  # type: ignore[attr-defined]
            drains = row.member.state in (MemberState.DRAINING, MemberState.DRAINED)
            await go(pilot, "D")
            assert ("resume" if drains else "drain") in await until_dialog(pilot)
            await confirm(pilot)
            await go(pilot, "j")
    assert {act for act, _, _ in acting.applied} == {"drain", "resume"}


async def test_the_advised_act_of_a_verdict_is_one_key_away() -> None:
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "enter", "w", "a")
        assert f"cancel {job_id(0)}" in await until_dialog(pilot)
        await pilot.press("escape")
        await go(pilot, "9", "a")
        assert "cancel 2 jobs" in await until_dialog(pilot)
        await pilot.press("escape")
        assert "Start the distributor" in await go(pilot, "j", "a")


async def test_pause_unpause_and_a_priority_are_reached_by_name() -> None:
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "2", "w", ":", *"pause", "enter")
        assert "pause" in await until_dialog(pilot)
        await confirm(pilot, "an upgrade")
        await until_applied(pilot, acting, 1)
        await go(pilot, ":", *"reprioritise 10", "enter")
        await until_dialog(pilot)
        await confirm(pilot)
        await until_applied(pilot, acting, 2)
        assert "is no priority" in await go(pilot, ":", *"reprioritise 1000", "enter")
    assert acting.applied == [("pause", "", "an upgrade"), ("reprioritise", job_id(0), "")]


async def test_a_job_is_started_by_a_form() -> None:
    acting = StillActing()
    async with console(acting=acting).run_test(size=LARGE) as pilot:
        await go(pilot, "n")
        assert isinstance(pilot.app.screen, StartDialog)
        box = pilot.app.screen
        await pilot.press("enter", "enter", "enter", "enter", "tab", "enter")
        assert "a job needs an action" in await go(pilot)
        box.query_one("#action", Input).value = "cleanup_jobs"
        box.query_one("#priority", Input).value = "5000"
        box.query_one("#yes", Button).focus()
        assert "whole number from 0 to 999" in await go(pilot, "enter")
        await pilot.press("escape")
        await go(pilot, "w", ":", *"start cleanup_jobs", "enter")
        assert "start cleanup_jobs" in await until_dialog(pilot)
        await confirm(pilot)
        await until_applied(pilot, acting, 1)
    assert acting.applied == [("start", "cleanup_jobs", "")]


async def test_a_job_is_cancelled_for_real_and_put_on_record(
    zk_hosts: str, kazoo: KazooClient, local_api: LocalApi, tmp_path: Path
) -> None:
    settings = Settings(
        zk_hosts=zk_hosts,
        api_url=local_api.url,
        api_key=local_api.api_key,
        api_secret=Secret(local_api.api_secret),
        audit_file=tmp_path / "audit.jsonl",
    )
    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=credentials) as client:
        jobs = [client.add_job(JobRequest(action="cleanup_jobs")) for _ in range(3)]
        profile = Profile(name="here", connect=lambda: open_connection(settings))
        app = ConsoleApp({"here": profile}, start="here")
        async with app.run_test(size=LARGE) as pilot:
            for _ in range(3000):
                await pilot.pause(0.02)
                if app.desk.picture.queue and len(app.desk.picture.queue.entries) == 3:
                    break
            connection = app.desk.acting
            assert connection is not None
            seen = connection.plan("cancel", jobs[0], Options())
            assert (
                seen.operations
                == ACTS["cancel"].plan(connection.sources, jobs[0], Options()).operations
            )
            await go(pilot, "w", ":", *f"job {jobs[0]}", "enter", "X")
            assert "CANCELED for good" in await until_dialog(pilot)
            await confirm(pilot, "for a test")
            for _ in range(3000):
                await pilot.pause(0.02)
                if client.get_job(jobs[0])["state"] == JobState.CANCELED:
                    break
        assert client.get_job(jobs[0])["state"] == JobState.CANCELED
        assert client.get_job(jobs[1])["state"] == JobState.QUEUED
    records = eventually(lambda: _records(tmp_path / "audit.jsonl", 2), "both lines")
    assert [r["record"] for r in records] == ["attempt", "end"]
    assert records[0]["reason"] == "for a test"
    assert records[1]["ending"] == "done"


def _records(path: Path, count: int) -> list[dict[str, str]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines] if len(lines) >= count else []


def test_the_overview_has_no_acts_on_jobs_it_does_not_name() -> None:
    assert commands.find("cancel", OverviewScreen.SCOPES) is None
