"""Plug-ins: what is found where, and what happens to those that are broken."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from engine.errors import PluginError
from engine.service.discovery import discover
from engine.service.registry import ActionPlugin, Plugins, action, distributor, plugin_of

ACTION = """
from engine.service.registry import action

@action("{name}")
class Something:
    def __init__(self, job):
        self.job = job

    def do_work(self):
        return 0
"""

DISTRIBUTOR = """
from engine.service.registry import distributor

@distributor("{name}", every=30, action="the_action")
class Something:
    def job_generator(self):
        yield {{"action": "the_action"}}
"""


def write(folder: Path, **files: str) -> Path:
    """Write Python files into a folder and return it."""
    folder.mkdir(exist_ok=True)
    for stem, text in files.items():
        (folder / f"{stem}.py").write_text(text)
    return folder


def discover_in(folder: Path) -> Plugins:
    return discover(folders=[folder])


def test_actions_and_distributors_are_found_in_a_folder(tmp_path: Path) -> None:
    write(tmp_path, one=ACTION.format(name="one"), two=DISTRIBUTOR.format(name="two"))
    found = discover_in(tmp_path)
    assert list(found.actions) == ["one"]
    assert found.broken == ()
    two = found.distributors["two"]
    assert (two.every, two.election) == (30.0, "the_action")
    assert found.actions["one"].place == f"{tmp_path}/one.py:4"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def broken(:", "SyntaxError"),
        ("import no_such_module_at_all", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('\\x1b[31mred')", "\u241b[31mred"),
    ],
)
def test_a_broken_module_is_listed_and_the_others_load(
    tmp_path: Path, text: str, reason: str
) -> None:
    write(tmp_path, bad=text, good=ACTION.format(name="good"))
    found = discover_in(tmp_path)
    assert list(found.actions) == ["good"]
    (broken,) = found.broken
    assert broken.place == str(tmp_path / "bad.py")
    assert reason in broken.reason
    assert "\n" not in str(broken)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def run(self): pass", "no method do_work()"),
        ("def __init__(self, a, b, c): pass\n    def do_work(self): pass", "takes 3 arguments"),
        ("def do_work(self): pass", "takes 0 arguments"),
    ],
)
def test_a_class_of_another_shape_is_listed_as_broken(
    tmp_path: Path, body: str, reason: str
) -> None:
    head = "from engine.service.registry import action\n@action('x')\nclass X:\n    "
    write(tmp_path, odd=head + body)
    found = discover_in(tmp_path)
    assert not found.actions
    assert reason in found.broken[0].reason


def test_two_plugins_of_one_name_are_an_error_that_names_both_places(tmp_path: Path) -> None:
    write(tmp_path, one=ACTION.format(name="same"), two=ACTION.format(name="same"))
    with pytest.raises(PluginError, match=r"'same'.*one\.py:4.*two\.py:4"):
        discover_in(tmp_path)


def test_one_plugin_found_by_two_roads_is_no_duplicate(tmp_path: Path) -> None:
    write(tmp_path, one=ACTION.format(name="one"))
    assert list(discover(folders=[tmp_path, tmp_path]).actions) == ["one"]


def test_a_module_may_import_a_helper_beside_it_and_another_plugins_class(tmp_path: Path) -> None:
    user = "from ._helper import VALUE\nfrom .one import Something\nassert VALUE == 7\n"
    write(tmp_path, _helper="VALUE = 7", one=ACTION.format(name="one"), user=user)
    found = discover_in(tmp_path)
    assert list(found.actions) == ["one"]
    assert found.broken == ()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="cannot be read"):
        discover_in(tmp_path / "nowhere")


def test_a_package_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PluginError, match="no_such_package"):
        discover(packages=["no_such_package"])


UPSTREAM = """
class Actions:
    actions = {}

    @classmethod
    def action(cls, name, pull_mode_support=False):
        def register(action):
            cls.actions[name] = action
            return action
        return register

action = Actions.action

import importlib, logging
for module in ("good", "bad"):
    try:
        importlib.import_module(f"{__name__}.{module}")
    except ModuleNotFoundError:
        logging.exception("Unable to load module")
"""
REGISTERED = """
from . import action

@action("one")
@action("two", True)
class Something:
    def __init__(self, job): ...

    def do_work(self): ...

@action("odd")
class Odd: ...
"""


def test_a_package_with_a_registry_of_its_own_replaces_what_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "theirs", __init__=UPSTREAM, good=REGISTERED, bad="import no_such_module")
    write(tmp_path / "shipped", __init__="", one=ACTION.format(name="one"))
    monkeypatch.syspath_prepend(str(tmp_path))
    found = discover(["shipped"], instead=["theirs"])
    for name in ("theirs", "theirs.good", "shipped", "shipped.one"):
        sys.modules.pop(name)
    assert sorted(found.actions) == ["one", "two"]
    assert {plugin.place for plugin in found.actions.values()} == {f"{tmp_path}/theirs/good.py:4"}
    reasons = [str(broken) for broken in found.broken]
    assert [("do_work" in reason, "no_such_module" in reason) for reason in reasons] == [
        (True, False),
        (False, True),
    ]
    assert "Unable to load module" not in caplog.text


def test_a_package_of_marked_actions_may_take_the_place_of_shipped_ones_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "other", __init__="", one=ACTION.format(name="one"))
    monkeypatch.syspath_prepend(str(tmp_path))
    found = discover(instead=["other"])
    for name in ("other", "other.one"):
        sys.modules.pop(name)
    assert list(found.actions) == ["one"]


@pytest.mark.parametrize("name", ["no_such_package", "json.decoder"])
def test_what_is_no_package_of_actions_is_an_error(name: str) -> None:
    with pytest.raises(PluginError, match=f"actions-from: .*{name}"):
        discover(instead=[name])


def test_entry_points_are_loaded_and_the_broken_ones_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, entry_point_plugin=ACTION.format(name="pointed"))
    points = importlib.metadata.EntryPoints(
        importlib.metadata.EntryPoint(name, value, "nuvla_engine.actions")
        for name, value in [
            ("module", "entry_point_plugin"),
            ("class", "entry_point_plugin:Something"),
            ("gone", "entry_point_plugin:Nothing"),
            ("plain", "entry_point_plugin:__name__"),
        ]
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: points.select(group=group)
    )
    found = discover(groups=["nuvla_engine.actions"])
    sys.modules.pop("entry_point_plugin")
    assert list(found.actions) == ["pointed"]
    assert [broken.place.split()[2] for broken in found.broken] == ["gone", "plain"]


def test_constructors_of_both_ages_get_what_they_take() -> None:
    @action("new")
    class New:
        def __init__(self, job: object) -> None:
            self.got: tuple[object, ...] = (job,)

        def do_work(self) -> None: ...

    @action("old")
    class Old(New):
        def __init__(self, executor: object, job: object) -> None:
            self.got = (executor, job)

    new, old = plugin_of(New, "here"), plugin_of(Old, "there")
    assert isinstance(new, ActionPlugin) and isinstance(old, ActionPlugin)
    assert new.make("the executor", "the job").got == ("the job",)
    assert old.make("the executor", "the job").got == ("the executor", "the job")


def test_upstreams_decorator_arguments_are_accepted() -> None:
    @action(pull_mode_support=True)
    class NamedAfterItsClass:
        pass

    assert vars(NamedAfterItsClass)["__nuvla_plugin__"].name == "NamedAfterItsClass"


@pytest.mark.parametrize("every", [0, -1, float("nan"), "60", True])
def test_an_interval_that_is_no_positive_number_is_refused(every: float) -> None:
    with pytest.raises(PluginError, match="every"):
        distributor("x", every=every)


@pytest.mark.parametrize("name", ["", " ", "a/b", 7])
def test_a_name_that_cannot_be_a_node_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match="name"):
        action(name)
