# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.classics import plants, scenario


@pytest.mark.parametrize(
    ("name", "step_s"),
    [("cartpole", 0.02), ("acrobot", 0.2), ("pendulum", 0.05), ("mountain-car", 1.0)],
)
def test_a_step_takes_the_time_that_its_dynamics_integrate(name, step_s):
    assert scenario(name).step_s == step_s


def test_only_the_last_parameter_tells_a_version_without_velocities():
    for name in plants.BLIND_NAMES:
        sighted, blind = scenario(name.removesuffix(plants.BLIND)), scenario(name)

        assert (blind.params - sighted.params).tolist() == [0.0, 1.0]
        assert blind.spec.kinds == sighted.spec.kinds
        assert blind.time_limit == sighted.time_limit


def test_the_control_problems_have_no_settings():
    with pytest.raises(ConfigError, match=r"cartpole\.gravity: an unknown setting, value 5"):
        scenario("cartpole", gravity=5)
