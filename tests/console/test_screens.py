"""Every screen over a planted picture: what it shows, and where its keys lead."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from engine.models import ElectionSnapshot, MemberSnapshot, TakenSnapshot
from engine.states import JobState
from engine.view.picture import JobCounts, Picture, Search
from nuvla_console.app import ConsoleApp
from nuvla_console.commands import AREAS
from tests.console.planted import (
    ACTIONS,
    NOW,
    Clock,
    StillStore,
    console,
    document,
    job_id,
    picture,
    text_of,
)

SMALL, LARGE = (80, 24), (160, 48)


async def go(pilot: Pilot[None], *keys: str) -> str:
    """Press keys, and return what the app then shows."""
    await pilot.press(*keys)
    await pilot.pause()
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    app.tick()
    await pilot.pause()
    await pilot.pause()
    return text_of(app)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_overview_answers_first_whether_anything_is_wrong(size: tuple[int, int]) -> None:
    async with console().run_test(size=size) as pilot:
        shown = await go(pilot)
    assert "2 jobs stand in recv" in shown.split("\n")[2]
    for fact in ("waiting", "57", "done/min", "412", "exec-a", "2/8", "draining", "vacant"):
        assert fact in shown
    assert "start_deployment" in shown


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_each_area_opens_by_its_key_and_fits_its_window(size: tuple[int, int]) -> None:
    async with console().run_test(size=size) as pilot:
        for area in AREAS:
            shown = await go(pilot, area.key)
            assert pilot.app.current_mode == area.name
            assert all(len(line) <= size[0] for line in shown.split("\n"))


async def test_the_queue_shows_place_priority_job_action_state_age_and_owner() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2")
    first = next(line for line in shown.split("\n") if line.startswith("▌"))
    for fact in ("1", "10", ACTIONS[0], "▸ RUNNING", "1m00", "12m00", "exec-a", "node1:4121"):
        assert fact in first
    assert "60 entries" in shown
    assert "foreign 0x2" in shown


async def test_what_is_held_names_owner_host_pid_thread_and_progress() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "3")
    for fact in ("3 locks", "2 sessions", "exec-a", "node1:4121", "worker-1", "30%", "12m00"):
        assert fact in shown


async def test_jobs_are_listed_with_the_number_that_match() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "4")
    assert "2,408 jobs" in shown
    assert "ConnectionError: 10.0" in shown
    assert "▸ job/" in shown  # a bulk job can be unfolded


async def test_elections_show_contenders_in_order_and_the_next_distribution() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "5")
    assert "1 vacant" in shown
    assert shown.index("dist-1") < shown.index("node3")
    for fact in ("● leads", "· waits", "20m00", "40m00", "node1:4130"):
        assert fact in shown


async def test_executors_show_their_jobs_errors_version_skew_and_foreign_sessions() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "6")
    for fact in ("2/8", "◐ draining", "foreign", "▲ 1", job_id(0), "12m00", "10.0.0.5:443 refused"):
        assert fact in shown
    assert "▲ 0.0.9" in shown or "▲ 0.1.0" in shown


async def test_stacks_show_threads_and_where_one_stands() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "7")
    for fact in (
        "2 threads",
        "1 member",
        "in-process",
        "MainThread",
        "pull (/opt/actions",
        job_id(0),
    ):
        assert fact in shown


async def test_the_log_shows_what_happened_newest_first() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "8")
    assert shown.index("the API answers") < shown.index("watching ZooKeeper")


async def test_the_dossier_joins_document_entry_lock_owner_timeline_and_message() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "enter")
        assert pilot.app.desk.store.sight.in_full == job_id(0)  # type: ignore[attr-defined]
    for fact in (
        job_id(0),
        "▸ RUNNING",
        "held 12m00 by exec-a",
        "entry-010-0000000000",
        "place 1",
        "thread worker-1",
        "created",
        "claimed",
        "pulling images",
    ):
        assert fact in shown


async def test_the_dossier_is_readable_at_80_columns() -> None:
    async with console().run_test(size=SMALL) as pilot:
        shown = await go(pilot, "2", "enter")
        assert "held 12m00 by exec-a" in shown
        shown = await go(pilot, "G")
    assert "pulling images" in shown


async def test_the_document_and_the_message_open_from_a_list_and_from_the_dossier() -> None:
    async with console().run_test(size=LARGE) as pilot:
        assert '"action": "start_deployment"' in await go(pilot, "2", "y")
        assert "document" in text_of(pilot.app)  # type: ignore[arg-type]
        assert "pulling images" in await go(pilot, "escape", "l")
        assert '"action": "start_deployment"' in await go(pilot, "escape", "d", "y")


async def test_escape_leads_back_and_the_path_is_shown() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "enter", "y")
        assert "queue" in shown.split("\n")[1]
        assert "document" in shown.split("\n")[1]
        await go(pilot, "escape")
        shown = await go(pilot, "escape")
        assert "60 entries" in shown
        await go(pilot, "escape")
        assert pilot.app.current_mode == "overview"


async def test_a_bulk_job_unfolds_its_children() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        await go(pilot, "4", "j", "j", "j")
        await go(pilot, "x")
        assert store.sight.unfolded == (job_id(3),)
        children = tuple(
            document(n, JobState.QUEUED, **{"parent-job": job_id(3)}) for n in (40, 41)
        )
        store.show(children={job_id(3): children})
        shown = await go(pilot)
        assert f"├ {job_id(40)}"[:12] in shown
        assert "└ job/" in shown
        await go(pilot, "j", "x")
        assert not store.sight.unfolded


async def test_entering_an_action_of_the_overview_asks_for_its_jobs() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        await go(pilot, "tab", "enter")
        assert pilot.app.current_mode == "jobs"
        await go(pilot)
    assert store.sight.search is not None
    assert store.sight.search.filter == "action='start_deployment' and state=['QUEUED','RUNNING']"


async def test_entering_a_leader_goes_to_its_process() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "5", "j", "j", "enter")
        assert pilot.app.current_mode == "executors"
        line = next(x for x in (await go(pilot)).split("\n") if x.startswith("▌"))
    assert "dist-1" in line


async def test_entering_an_executor_shows_what_it_holds() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "6", "enter")
        assert pilot.app.current_mode == "taken"
        shown = await go(pilot)
    assert "2 of 3" in shown


EMPTY = Picture(zookeeper=picture().zookeeper, api=picture().api)


async def test_before_anything_was_read_every_area_says_so() -> None:
    async with console(StillStore(EMPTY)).run_test(size=SMALL) as pilot:
        for area in AREAS:
            shown = await go(pilot, area.key)
            assert "…" in shown or area.name in ("stacks", "log"), area.name


async def test_an_empty_list_says_why_and_what_would_fill_it() -> None:
    bare = picture(
        0,
        taken=TakenSnapshot(taken_at=NOW),
        elections=ElectionSnapshot(taken_at=NOW),
        members=MemberSnapshot(taken_at=NOW),
        counts=JobCounts(taken_at=NOW),
        search=Search(limit=200, taken_at=NOW),
    )
    async with console(StillStore(bare)).run_test(size=SMALL) as pilot:
        assert "The queue is empty" in await go(pilot, "2")
        assert "Nothing is held" in await go(pilot, "3")
        assert "The API shows no job" in await go(pilot, "4")
        assert "No election" in await go(pilot, "5")
        assert "No executor and no distributor is present" in await go(pilot, "6")


async def test_ages_grow_with_the_clock() -> None:
    clock = Clock()
    async with console(clock=clock).run_test(size=LARGE) as pilot:
        assert "12m00" in await go(pilot, "3")
        clock.pass_(seconds=7)
        assert "12m07" in await go(pilot)


async def test_at_rest_ages_leave_their_seconds_out() -> None:
    clock = Clock()
    async with console(clock=clock).run_test(size=LARGE) as pilot:
        await go(pilot, "3")
        clock.pass_(seconds=90)
        shown = await go(pilot)
        assert "13m " in shown
        assert "13m30" not in shown
        assert "13m30" in await go(pilot, "j")


async def test_no_window_is_too_small_and_none_too_large() -> None:
    async with console().run_test(size=SMALL) as pilot:
        for size in ((20, 6), (2, 2), (1, 1), (300, 80), SMALL):
            await pilot.resize_terminal(*size)
            for area in AREAS:
                await go(pilot, area.key)
            await go(pilot, "2", "enter", "escape")
        assert "60 entries" in await go(pilot)


async def test_the_stack_of_a_foreign_process_is_not_pretended() -> None:
    async with console().run_test(size=LARGE) as pilot:
        await go(pilot, "3", "G", "s")
        assert pilot.app.current_mode == "stacks"
        assert "no member is called" in await go(pilot)


async def test_findings_are_listed_worst_first_with_their_evidence_and_what_to_do() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "9")
        for fact in (
            "✗ hung",
            "start_deployment",
            "cancel",
            "2 findings",
            "looked 4s ago",
            "Its thread is in recv",
            job_id(1),
            "left out",
        ):
            assert fact in shown
        assert shown.index("hung") < shown.index("no-distributor")
        shown = await go(pilot, "enter")
        assert job_id(0) in shown.split("\n")[1]


async def test_the_dossier_begins_with_the_verdict() -> None:
    store = StillStore()
    async with console(store).run_test(size=LARGE) as pilot:
        shown = await go(pilot, "2", "enter")
        assert "✗ hung" in shown.split("\n")[3]
        assert "do        cancel  Cancel the job." in shown
        assert store.sight.judged
        assert "asking why" in await go(pilot, "escape", "j", "enter")


async def test_the_overview_says_the_worst_finding_first() -> None:
    async with console().run_test(size=SMALL) as pilot:
        shown = await go(pilot)
        assert "2 jobs stand in recv" in shown.split("\n")[2]
        assert "1 more" in shown.split("\n")[2]
        await go(pilot, "tab", "tab", "tab", "tab", "enter")


async def test_the_stacks_of_a_process_are_one_key_away_from_it() -> None:
    async with console().run_test(size=LARGE) as pilot:
        shown = await go(pilot, "6", "s")
        assert pilot.app.current_mode == "stacks"
        assert "2 threads" in shown
