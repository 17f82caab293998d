# SPDX-License-Identifier: MIT
"""Both sides say the same of a run, and our side's can be repeated."""

from dataclasses import replace

import pytest
from parity import ours
from parity.cells import load
from parity.words import TRANSLATIONS
from peers.learning import stable_baselines

CELLS = load()


@pytest.mark.parametrize("name", ["ppo-cartpole", "dqn-cartpole", "maskable-ppo-multi-binary"])
def test_a_run_says_the_same_on_both_sides_takes_the_same_steps_and_can_be_repeated(name):
    n_steps = {"n_steps": 64} if "n_steps" in CELLS[name].settings else {}
    cell = replace(CELLS[name], steps=500, settings=CELLS[name].settings | n_steps)

    theirs = stable_baselines.train(cell, 1, 5)
    own, again = (ours.train(cell, 1, 5) for _ in range(2))

    assert own.keys() == theirs.keys()
    assert own["steps"] == theirs["steps"] >= 500
    assert (own["score"], own["curve"]) == (again["score"], again["curve"])
    assert own["low"] <= own["score"] <= own["high"]


def test_a_run_depends_on_its_own_algorithm_and_on_where_it_is_trained():
    own, other = (ours.made_by(CELLS[name]) for name in ("ppo-cartpole", "ppo-hopper"))

    assert own["learner"] == other["learner"] != ours.made_by(CELLS["dqn-cartpole"])["learner"]
    assert own["world"] == ours.made_by(CELLS["dqn-cartpole"])["world"] != other["world"]
    assert "numba" in own
    assert "gymnasium" in other


def test_a_run_depends_on_what_was_asked_of_ours(monkeypatch):
    cell = CELLS["ppo-cartpole"]
    before = ours.made_by(cell)
    words = TRANSLATIONS["ppo"][1]

    def doubled(settings):
        net, config = words(settings)
        return net, config | {"value_weight": 2 * config["value_weight"]}

    monkeypatch.setitem(TRANSLATIONS, "ppo", ("ppo", doubled))

    assert ours.made_by(cell) != before
