# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.classics import scenario
from flyball.worlds.classics.catalogue import NAMES
from flyball.worlds.classics.kernels import LOOPS


def test_the_published_problems_are_all_there():
    assert len(NAMES) == len(set(NAMES)) == 23
    assert {"cartpole", "t-maze", "deep-sea-treasure", "two-step", "masked", "spread"} < set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_called_by_its_name_and_its_family_has_a_loop(name):
    problem = scenario(name)

    assert problem.name == name
    assert problem.spec.world == f"classics/{name}"
    assert problem.family in LOOPS
    assert problem.params.dtype == np.float64
    assert problem.time_limit >= 1
    assert problem.step_s > 0
    for kind in problem.spec.kinds:
        for feature in kind.features:
            assert feature.low <= feature.high
        names = [feature.name for feature in kind.features]
        assert len(names) == len(set(names))


def test_a_name_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'cartpole'"):
        scenario("cart-pole")
