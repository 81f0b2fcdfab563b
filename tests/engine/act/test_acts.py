"""Tests of the registry: what a diagnosis advises is an act, or one that no program can do."""

from __future__ import annotations

import pytest

from engine.act.acts import ACTS, act_of
from engine.models import SafeAct, Verdict
from engine.view.diagnosis.advice import acts_for

BY_HAND = {"wait", "restart", "mend", "deploy", "look"}


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("is_foreign", [False, True])
@pytest.mark.parametrize("is_paused", [False, True])
def test_each_advice_is_an_act_or_done_by_hand(
    verdict: Verdict, is_foreign: bool, is_paused: bool
) -> None:
    for advice in acts_for(verdict, is_foreign=is_foreign, is_paused=is_paused):
        assert (act_of(advice) is None) == (advice.act in BY_HAND), advice


def test_an_act_is_found_by_its_name() -> None:
    assert act_of(SafeAct(act="release", text="")) is ACTS["release"]


def test_keys_are_shared_by_opposites_only() -> None:
    keys = [act.key for act in ACTS.values() if act.key]
    shared = {key for key in keys if keys.count(key) > 1}
    assert {name for name, act in ACTS.items() if act.key in shared} == {"drain", "resume"}
