# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.classics.guarded import NAMES, scenario
from flyball.worlds.classics.guarded.scenario import CHANGE_S, KPIS, n_changes


@pytest.mark.parametrize(("step_s", "pieces"), [(0.02, 2), (0.1, 10), (0.5, 50), (0.033, 4)])
def test_a_step_is_cut_into_pieces_of_a_hundredth_of_a_second_at_most(step_s, pieces):
    assert n_changes(step_s) == pieces
    assert step_s / n_changes(step_s) <= CHANGE_S + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_every_number_that_crosses_the_contract_has_a_name_of_its_own(name):
    problem = scenario(name)
    spec = problem.spec

    for columns in (spec.kinds[0].features, spec.signals, spec.costs, spec.kpis, spec.state):
        names = [column.name for column in columns]
        assert len(names) == len(set(names))
    assert spec.kpis[: len(KPIS)] == KPIS
    assert [cost.limit for cost in spec.costs] == [0.0] * len(spec.costs)
    assert problem.rules.error.shape == (len(spec.signals),)
    assert (problem.rules.low <= problem.rules.high).all()
    assert problem.rules.share == 1.0 / spec.n_agents


def test_an_episode_is_as_long_in_seconds_at_any_step():
    for step_s in (0.02, 0.1, 0.5):
        problem = scenario("two-tanks", step_s=step_s, episode_s=60.0)

        assert problem.step_s == step_s
        np.testing.assert_allclose(problem.time_limit * step_s, 60.0)
