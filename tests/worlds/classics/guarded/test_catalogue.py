# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.classics.guarded.catalogue import NAMES, PROBLEMS, scenario
from flyball.worlds.classics.guarded.kernels import LOOPS
from flyball.worlds.classics.guarded.limits import ENVELOPES


def test_every_plant_has_a_loop_and_an_envelope():
    assert set(NAMES) == set(PROBLEMS) == set(LOOPS) == set(ENVELOPES)
    for name in NAMES:
        assert scenario(name).name == name
        assert scenario(name).spec.world == f"classics/{name}"


def test_a_name_or_a_setting_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'two-tanks'"):
        scenario("two-tank")
    with pytest.raises(ConfigError, match="did you mean 'rim_m'"):
        scenario("two-tanks", rim=1.0)
    with pytest.raises(ConfigError, match="a number"):
        scenario("two-tanks", rim_m="high")
