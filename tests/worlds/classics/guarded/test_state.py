# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.worlds.classics.guarded import NAMES, scenario
from flyball.worlds.classics.guarded.state import COMMON, OWN_SUMS, allocate, named


@pytest.mark.parametrize("name", NAMES)
def test_memory_has_room_for_what_the_scenario_says(name):
    problem = scenario(name)

    memory = allocate(problem, 3)

    n_kpis = len(problem.spec.kpis)
    assert memory.state.real.shape == (3, problem.n_real)
    assert memory.state.whole.shape == (3, problem.n_whole)
    assert memory.state.sums.shape == (3, OWN_SUMS + n_kpis - COMMON)
    assert memory.out.outcome.shape == (3, n_kpis)
    assert memory.out.wind.shape == (3, problem.n_changes, problem.n_winds)
    arrays = [array for part in memory[1:4] for array in part]
    assert len({array.__array_interface__["data"][0] for array in arrays if array.size}) == sum(
        array.size > 0 for array in arrays
    )


def test_a_copy_of_the_state_stays_as_it_was():
    memory = allocate(scenario("two-tanks"), 2)

    kept = named(memory.state)
    memory.state.real[:] = 1.0

    assert not kept["real"].any()
    assert set(kept) == set(memory.state._fields)
    assert all(isinstance(array, np.ndarray) for array in kept.values())
