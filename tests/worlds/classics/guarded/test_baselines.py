# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.classics.guarded import NAMES, make, policies
from flyball.worlds.classics.guarded.baselines import rod_gain
from flyball.worlds.classics.guarded.models import affine_rod
from flyball.worlds.classics.guarded.scenario import KPIS
from tests.worlds.classics.guarded.play import outcomes

FEW = {"crossing-robots": {"n_robots": 12, "episode_s": 40.0}}
BREACH_S = [kpi.name for kpi in KPIS].index("breach_s")
PLANTS = [name for name in NAMES if name != "crossing-robots"]


@pytest.mark.parametrize("name", NAMES)
def test_the_strong_rule_beats_whoever_does_not_look_and_none_is_illegal(name):
    settings = FEW.get(name, {})
    found = policies(name, **settings)

    played = {
        key: outcomes(name, policy, n_envs=4 if settings else 32, **settings)
        for key, policy in found.items()
    }

    score = {key: outcome[:, 0].mean() for key, (outcome, _) in played.items()}
    keys = list(found)
    assert keys[:4] == ["random", "constant", "do nothing", "greedy"]
    assert sum(illegal for _, illegal in played.values()) == 0
    best = score[keys[-1]]
    for key in ("random", "constant", "do nothing"):
        assert score[key] < best - 0.1 * abs(best)


@pytest.mark.parametrize("name", PLANTS)
def test_greed_breaks_limits_and_the_strong_rule_does_not(name):
    found = policies(name)

    greedy, _ = outcomes(name, found["greedy"], n_envs=32)
    strong, _ = outcomes(name, list(found.values())[-1], n_envs=32)

    assert greedy[:, BREACH_S].mean() > 0.5
    assert not strong[:, BREACH_S].any()


@pytest.mark.parametrize("step_s", [0.02, 0.25, 0.5])
def test_the_braking_rule_stops_before_the_wall_at_any_step(step_s):
    settings = {"step_s": step_s, "episode_s": 15.0}
    rule = list(policies("double-integrator", **settings).values())[-1]

    found, _ = outcomes("double-integrator", rule, n_envs=16, **settings)

    assert not found[:, BREACH_S].any()
    assert found[:, 0].mean() > 15.0


def test_robots_that_heed_a_barrier_come_less_near_than_those_that_do_not():
    settings = {"n_robots": 12, "episode_s": 60.0}
    found = policies("crossing-robots", **settings)

    greedy, _ = outcomes("crossing-robots", found["greedy"], n_envs=2, **settings)
    careful, _ = outcomes("crossing-robots", found["barrier"], n_envs=2, **settings)

    assert (greedy[:, 6] < 1.0).all()
    assert (careful[:, 6] > 4.0).all()
    assert (careful[:, 5] == 1.0).all()


def test_the_regulator_steadies_the_step_that_it_was_made_for():
    for step_s in (0.02, 0.1, 0.5):
        problem = make("inverted-pendulum", 1, step_s=step_s).scenario
        affine = affine_rod(problem.plant, step_s)

        gain = rod_gain(problem)

        assert abs(np.linalg.eigvals(affine.a - affine.b * gain)).max() < 1.0
