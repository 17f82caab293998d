# SPDX-License-Identifier: MIT
"""Both sides of a cell get the same, each takes its own search's best, and intervals decide."""

from dataclasses import replace

import numpy as np
import pytest
from parity import ledger
from teams import training
from teams.cells import Cell, load, scale
from teams.choosing import chosen
from teams.figures import Compared, Learned, figures

from flyball.experiments import experiment_of
from flyball.learning import ALGORITHMS, NetConfig
from flyball.worlds import classics
from tools.evidence import ROOT

CELLS = load()
NOW = {"torch": "2"}
CELL = Cell(
    name="x", algorithm="qmix", problem="spread", envs=4, steps=200, seeds=2, search_seeds=2,
    net={"hidden": [8]},
    settings={"n_steps": 25, "max_steps": 25, "batch": 2, "learning_starts": 1},
    team={"mixer": "qmix"}, alone={"mixer": "none"}, search={"lam": [0.0, 0.5], "rate": [1e-3]},
)  # fmt: skip


def row(setup, seed, score):
    return {"seed": seed, "settings": setup.content(), "made_by": NOW, "score": score, "cpu_s": 1.0}


def kept(folder, setup, scores):
    for seed, score in enumerate(scores, 1):
        ledger.add(setup, setup.side, row(setup, seed, score), folder)


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if cell.alone is not None])
def test_sides_differ_only_in_who_learns_from_whom_and_search_the_same(name):
    cell = CELLS[name]
    what = {"qmix": ({"mixer": "qmix"}, {"mixer": "none"})}
    what["maddpg"] = ({"critic": "all"}, {"critic": "own"})

    assert (cell.team, cell.alone) == what[cell.algorithm]
    assert cell.search
    assert not cell.search.keys() & cell.team.keys()


@pytest.mark.parametrize("name", CELLS)
def test_every_option_is_one_that_the_algorithm_takes_and_has_runs_enough(name):
    cell = CELLS[name]
    recipe = ALGORITHMS[cell.algorithm]

    for side in cell.sides:
        for option in cell.options(side) or [cell.setup(side, {})]:
            recipe.config(**option.settings)

    NetConfig(**{key: training.frozen(value) for key, value in cell.net.items()})
    assert recipe.refusal(classics.scenario(cell.problem).spec) is None
    assert cell.seeds >= 5


def test_a_side_takes_the_best_of_its_own_search_and_none_while_runs_are_missing(tmp_path):
    for side, good in (("team", 1), ("alone", 0)):
        for number, option in enumerate(CELL.options(side)):
            assert chosen(CELL, side, NOW, tmp_path) is None
            kept(tmp_path, option, [0.5, 0.9] if number == good else [0.6, 0.7])

    found = {side: chosen(CELL, side, NOW, tmp_path) for side in CELL.sides}

    assert {side: each.settings["lam"] for side, each in found.items()} == {"team": 0.5, "alone": 0}
    assert {side: each.settings["mixer"] for side, each in found.items()} == {
        "team": "qmix",
        "alone": "none",
    }


def test_runs_of_the_search_and_of_other_settings_are_no_evidence():
    option = CELL.options("team")[0]
    judged = CELL.setup("team", option.chosen)

    assert judged.settings == option.settings
    assert judged.content() != option.content()
    assert replace(judged, seeds=9).content() == judged.content()
    assert replace(judged, steps=201).content() != judged.content()


def test_a_run_is_repeated_exactly_and_its_search_has_other_seeds():
    setup = CELL.setup("team", {"lam": 0.5, "rate": 1e-2})

    first, again, search = (
        training.run(each, 1, episodes=8) for each in (setup, setup, replace(setup, searching=True))
    )

    assert first["steps"] == 200
    assert first["curve"] == again["curve"]
    assert first["score"] == again["score"]
    assert search["curve"] != first["curve"]


def test_the_scale_is_chance_and_the_rule_that_sees_everything():
    found = training.run(scale("foraging"), 1, episodes=50)

    assert found["score"] < 0.1
    assert (found["rule"], found["name"]) == (1.0, "together")


def test_every_policy_is_judged_by_the_first_episode_of_each_seed():
    rules = classics.policies("speaker-listener")

    few, more = (training.returns("speaker-listener", rules["guided"], n) for n in (5, 20))

    np.testing.assert_array_equal(more[:5], few)


def compared(team, alone, **changed):
    cell = replace(CELL, seeds=len(team), **changed)
    sides = {}
    for side, scores in (("team", team), ("alone", alone)):
        setup = cell.setup(side, {"lam": 0.5})
        sides[side] = Learned(setup=setup, rows=[row(setup, 1, score) for score in scores])
    return Compared(cell=cell, scale={"score": 0.0, "rule": 1.0, "name": "together"}, sides=sides)


def test_a_cell_is_met_when_the_intervals_of_both_sides_are_disjoint():
    team, why = [0.8, 0.81, 0.82, 0.83, 0.9], {"cause": "all see all"}
    apart = compared(team, [0.4, 0.5, 0.5, 0.6, 0.79], **why)
    touching = compared(team, [0.4, 0.5, 0.5, 0.82, 0.9], **why)

    good, bad, _ = figures([apart, touching])

    assert (good.met, bad.met) == (True, False)
    assert ("all see all" in good.note, "all see all" in bad.note) == (False, True)
    assert good.ours == pytest.approx(0.82)
    assert good.low > good.target
    assert bad.low < bad.target


def test_a_cell_with_a_level_is_met_when_the_whole_interval_reaches_it():
    good, bad, _ = figures(
        [
            compared([0.97, 0.98, 0.99], [0.5, 0.5, 0.5], least=0.95),
            compared([0.9, 0.96, 1.0], [0.5, 0.5, 0.5], least=0.95),
        ]
    )

    assert (good.met, bad.met) == (True, False)


def test_a_cell_that_lacks_a_run_is_a_figure_that_misses_its_target():
    whole = compared([0.8, 0.9], [0.1, 0.2])
    fewer = replace(whole.sides["team"], rows=whole.sides["team"].rows[:1])
    lacking = replace(whole, sides=whole.sides | {"team": fewer})

    *_, last = figures([whole, lacking])

    assert (last.ours, last.met, last.note) == (1.0, False, "x")


@pytest.mark.parametrize("name", ["speaker-listener", "spread", "foraging"])
def test_the_configs_hold_the_settings_that_the_evidence_is_about(name):
    experiment = experiment_of(ROOT / "configs" / "classics" / f"{name}.toml")
    cell = next(
        each
        for each in CELLS.values()
        if (each.problem, each.algorithm) == (name, experiment.algorithm)
    )

    assert (experiment.run.envs, experiment.run.steps) == (cell.envs, cell.steps)
    assert experiment.net == NetConfig(
        **{key: training.frozen(value) for key, value in cell.net.items()}
    )
    recipe = ALGORITHMS[cell.algorithm]
    options = cell.options("team") or [cell.setup("team", {})]
    assert experiment.own in [recipe.config(**option.settings) for option in options]
