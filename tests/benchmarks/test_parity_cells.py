# SPDX-License-Identifier: MIT
"""The table says everything that a run depends on, and what it calls a default is one."""

import inspect

import pytest
from parity.cells import Cell, load, schedule
from parity.problems import make
from peers.learning.stable_baselines import CLASSES, NETWORK, arguments

CELLS = load()
MUJOCO = {"HalfCheetah-v5", "Hopper-v5"}
OURS = {"n_envs", "normalize", "net_arch", "activation", *NETWORK}


@pytest.mark.parametrize("algorithm", sorted({cell.algorithm for cell in CELLS.values()}))
def test_the_defaults_are_those_of_the_installed_library(algorithm):
    from parity import cells

    made, _ = CLASSES[algorithm]
    theirs = inspect.signature(made.__init__).parameters
    table = cells.tomllib.loads(cells.TABLE.read_text())["defaults"][algorithm]

    stated = {key: value for key, value in table.items() if key not in OURS}
    if algorithm == "maskable_ppo":
        assert stated.pop("normalize_advantage") is True

    assert {key: theirs[key].default for key in stated} == stated


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_is_a_problem_with_arguments_that_its_rival_takes(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log where it stands
    cell = CELLS[name]
    made, _ = CLASSES[cell.algorithm]
    if cell.problem in MUJOCO:
        pytest.importorskip("mujoco", reason="the extra mujoco is not installed")

    make(cell.problem, cell.arguments).close()

    assert arguments(cell).keys() <= inspect.signature(made.__init__).parameters.keys()


def test_every_cell_that_is_judged_has_five_runs_or_more():
    assert [cell.name for cell in CELLS.values() if cell.judged and cell.seeds < 5] == []


def test_a_setting_that_the_algorithm_does_not_have_is_refused(tmp_path):
    table = tmp_path / "cells.toml"
    table.write_text(
        "[defaults.ppo]\ngamma = 0.99\n[cells.x]\nalgorithm = 'ppo'\nproblem = 'CartPole-v1'\n"
        "steps = 1\nseeds = 5\nsource = ''\nsettings = { gama = 0.9 }\n"
    )

    with pytest.raises(ValueError, match="x: no setting gama in"):
        load(table)


def test_a_result_belongs_to_its_steps_and_settings_but_not_to_the_number_of_runs():
    def cell(**changed):
        row = {"steps": 10, "seeds": 5, "settings": {"gamma": 0.9}} | changed
        return Cell(name="x", algorithm="ppo", problem="CartPole-v1", source="", **row)

    assert cell(seeds=10).content() == cell().content()
    assert cell(steps=11).content() != cell().content()
    assert cell(settings={"gamma": 0.91}).content() != cell().content()


def test_the_zoos_word_for_a_linear_fall_is_understood():
    assert schedule("lin_0.001") == (0.001, True)
    assert schedule(3e-4) == (3e-4, False)
