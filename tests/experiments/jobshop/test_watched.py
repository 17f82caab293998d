# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from flyball import learning
from flyball.core.clock import ManualClock
from flyball.core.errors import InvariantError
from flyball.experiments import runs
from flyball.experiments.jobshop.config import PhaseConfig
from flyball.experiments.jobshop.pool import Pool
from flyball.experiments.jobshop.watched import BEST, SCORE, Watched, cost_of
from flyball.worlds.jobshop import RULES, WORLD
from tests.experiments.jobshop.small_runs import small_plant, unwatched

DAYS = tuple(WORLD.days(small_plant(), 1, range(2), held_out=False))
OBJECTIVE = {"weighted_tardiness_h": 1.0, "makespan_h": 1e-3}


class Spoiling:
    """An algorithm that makes the policy choose the opposite from its second iteration on."""

    name = "spoiling"

    def __init__(self, net: learning.Net) -> None:
        self.net = net

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        del share
        if iteration:
            for weight in self.net.actor.parameters():
                weight.detach().numpy()[...] *= -1.0
        return {}

    def state(self) -> dict:
        return {}

    def restore(self, arrays: dict) -> None:
        del arrays


def watched(folder: Path, net: learning.Net, every: int = 1) -> Watched:
    return Watched(
        folder, net, Pool(DAYS, DAYS, DAYS, DAYS), [RULES["EDD"], RULES["SPT"]],
        objective=OBJECTIVE,
        phase=PhaseConfig(validate_every=every), clock=ManualClock(), watch=unwatched,
        by_iterations=True,
    )  # fmt: skip


def test_the_best_weights_are_kept_not_the_last(tmp_path: Path):
    net = learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)
    own = watched(tmp_path, net)
    own.take("x", Spoiling(net))

    for iteration in range(4):
        own.iterate(iteration, 0.0)

    lines = runs.read_lines(tmp_path / runs.METRICS)
    costs = [cost_of(line["kpi"], OBJECTIVE) for line in lines]
    assert len(costs) == 4
    assert float(load_file(tmp_path / BEST)[SCORE][0]) == min(costs)
    found = own.best_into(net)
    best = min(lines, key=lambda line: cost_of(line["kpi"], OBJECTIVE))
    assert found["validation_h"] == pytest.approx(best["kpi"]["weighted_tardiness_h"])


def test_a_later_start_remembers_the_best_so_far(tmp_path: Path):
    net = learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)
    first = watched(tmp_path, net)
    first.take("x", Spoiling(net))
    first.iterate(0, 0.0)
    kept = load_file(tmp_path / BEST)

    second = watched(tmp_path, net)
    second.take("x", Spoiling(net))
    second.measure(7)

    again = load_file(tmp_path / BEST)
    assert all((kept[name] == again[name]).all() for name in kept)


def test_the_curve_of_a_resumed_run_goes_on_in_time(tmp_path: Path):
    net = learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)
    runs.append_line(tmp_path / runs.METRICS, {"stage": "x", "iteration": 1, "elapsed_s": 40.0})

    own = watched(tmp_path, net)
    own.take("x", Spoiling(net))
    own.measure(2)

    assert [line["elapsed_s"] for line in runs.read_lines(tmp_path / runs.METRICS)] == [40.0, 40.0]


def test_measuring_happens_every_so_many_iterations(tmp_path: Path):
    net = learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)
    own = watched(tmp_path, net, every=3)
    own.take("x", Spoiling(net))

    figures = [own.iterate(iteration, 0.0) for iteration in range(4)]

    assert ["validation_h" in each for each in figures] == [False, False, True, False]


def test_the_best_rule_is_the_one_with_the_least_cost(tmp_path: Path):
    net = learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)

    own = watched(tmp_path, net)

    least = min(own.rules.values(), key=lambda kpi: cost_of(kpi, OBJECTIVE))
    assert own.best_rule_h == least["weighted_tardiness_h"]


def test_nothing_runs_before_an_algorithm_was_given(tmp_path: Path):
    net = learning.Net(WORLD.spec, learning.NetConfig(hidden=(8, 8)), 1)

    with pytest.raises(InvariantError, match="call take first"):
        watched(tmp_path, net).state()
