"""What an action does to itself must not hurt the executor: rows 80 and 82 to 86."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import World


@pytest.mark.row(80)
def test_whatever_an_action_raises_fails_its_own_job_only(world: World) -> None:
    """SystemExit and its like end the job as FAILED, and both workers live on."""
    kinds = ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"]
    kinds += ["MemoryError", "RecursionError", "ValueError"]
    world.executor(threads=2)
    jobs = {kind: world.add("fail", {"kind": kind}) for kind in kinds}
    world.wait_state("FAILED", *jobs.values())
    for kind, job in jobs.items():
        message = world.store.documents[job]["status-message"]
        assert kind in message
        assert "Traceback" in message or "do_work" in message
        assert world.store.documents[job]["return-code"] > 0
    gate = world.gate()
    both = [world.hold(gate), world.hold(gate)]
    world.wait_running(*both)
    gate.touch()
    world.wait_state("SUCCESS", *both)
    world.wait_drained()


OUTCOMES: dict[str, tuple[str, int | None]] = {
    "none": ("SUCCESS", 0),
    "zero": ("SUCCESS", 0),
    "seven": ("FAILED", 7),
    "negative": ("FAILED", None),
    "huge": ("FAILED", None),
    "text": ("FAILED", None),
    "float": ("FAILED", None),
    "list": ("FAILED", None),
    "true": ("FAILED", None),
    "false": ("FAILED", None),
}


@pytest.mark.row(83)
def test_each_thing_that_an_action_returns_has_one_outcome(world: World) -> None:
    """None and 0 succeed; another code fails with it; what is no code fails and says so."""
    world.executor()
    jobs = {value: world.add("give", {"value": value}) for value in OUTCOMES}
    world.wait_drained()
    for value, job in jobs.items():
        state, code = OUTCOMES[value]
        document = world.store.documents[job]
        assert (value, document["state"]) == (value, state)
        if code is not None:
            assert (value, document["return-code"]) == (value, code)


@pytest.mark.row(84)
def test_a_message_of_any_size_and_content_is_stored_sound(world: World) -> None:
    """Ten million characters are cut; NUL and lone surrogates do not reach the API."""
    world.executor()
    huge = world.add("fail", {"kind": "huge"})
    unsound = world.add("fail", {"kind": "unsound"})
    world.wait_drained()
    assert world.state(huge) == world.state(unsound) == "FAILED"
    assert len(world.store.documents[huge]["status-message"]) <= 100_005
    message = world.store.documents[unsound]["status-message"]
    assert "lone" in message
    assert not set(message) & {"\0", "\x1b", "\udc80"}
    assert all(call.status == 200 for call in world.api.called("PUT"))


BROKEN: dict[str, str] = {
    "syntax": "def action(:\n",
    "missing": "import a_module_that_is_not_there\n",
    "leaves": "raise SystemExit(4)\n",
    "slow": "import time\ntime.sleep(1)\n"
    "from engine import action\n"
    "@action('slow_import')\n"
    "class Slow:\n"
    "    def __init__(self, job): self.job = job\n"
    "    def do_work(self): return 0\n",
}


@pytest.mark.row(85)
def test_a_broken_module_is_reported_and_the_others_load(world: World, tmp_path: Path) -> None:
    """Syntax error, import error and an exit on import: one line each, and work goes on."""
    folder = tmp_path / "more"
    folder.mkdir()
    for name, text in BROKEN.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    executor = world.executor("--actions-path", str(folder))
    slow, count = world.add("slow_import"), world.add("count")
    never = world.add("syntax")
    world.wait_state("SUCCESS", slow, count)
    world.wait_state("FAILED", never)
    output = executor.output()
    for name in ("syntax", "missing", "leaves"):
        assert f"{name}.py" in output or name in output
    member = world.member_of(executor)
    assert member is not None
    assert len(member.broken) == 3
    world.wait_drained()


@pytest.mark.row(85)
def test_two_actions_of_one_name_are_an_error_that_names_both(world: World, tmp_path: Path) -> None:
    """Nobody may wonder which of the two runs."""
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        text = BROKEN["slow"].replace("time.sleep(1)", "")
        (folder / f"{name}_file.py").write_text(text, encoding="utf-8")
    paths = [str(tmp_path / "first"), str(tmp_path / "second")]
    options = [word for path in paths for word in ("--actions-path", path)]
    executor = world.executor(*options, wait=False)
    assert executor.wait() == 2
    assert all(f"{name}_file" in executor.output() for name in ("first", "second"))


@pytest.mark.row(86)
@pytest.mark.parametrize("action", ["not_an_action", "../faults", "__init__", "os.system", None])
def test_a_job_of_an_unknown_action_fails_once_and_leaves_the_queue(
    world: World, action: str | None
) -> None:
    """So that the queue is not clogged; an action's name is looked up, never a path."""
    world.executor()
    job = world.add(action)
    world.wait_state("FAILED", job)
    world.wait_drained()
    finals: list[dict[str, Any]] = [w for w in world.store.writes[job] if "state" in w]
    assert [write["state"] for write in finals][-1:] == ["FAILED"]
    assert sum(write["state"] == "FAILED" for write in finals) == 1
    assert "mplement" in finals[-1]["status-message"] or "action" in finals[-1]["status-message"]


@pytest.mark.row(78)
def test_a_deaf_action_does_not_hold_up_the_others(world: World) -> None:
    """One thread is taken; the other does all the rest, in order."""
    world.executor(threads=2)
    gate = world.gate()
    deaf = world.hold(gate)
    world.wait_running(deaf)
    others = world.add_many(10)
    world.wait_state("SUCCESS", *others)
    assert world.state(deaf) == "RUNNING"
    gate.touch()
    world.wait_drained()
