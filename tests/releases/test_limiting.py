# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.core.spec import TanhGaussian
from flyball.releases.limiting import limits_for
from tests.policies.seen import team_spec
from tests.releases.made import LIMITS, spec

BOX = """[[limits]]
name = "pump"
kind = "box"
value = "pum"
low = 0
high = 2
unit = "kW"
"""


def test_limits_of_things_that_the_plant_has_are_read():
    assert [limit.name for limit in limits_for(LIMITS, spec(), "l")] == ["rail"]
    pump = team_spec(2, TanhGaussian("pump", "kW", 0, 3))
    assert limits_for(BOX.replace('pum"', 'pump"'), pump, "l")[0].value == "pump"
    assert limits_for("limits = []", spec(), "l") == ()


def test_names_that_the_plant_does_not_have_are_all_told():
    pump = team_spec(2, TanhGaussian("pump", "kW", 0, 3))

    with pytest.raises(ConfigError) as refused:
        limits_for(BOX + LIMITS, pump, "l")

    first, second = map(str, refused.value.problems)
    assert first == "l: limit 'pump' value: 'pum'; allowed: pump; fix: did you mean 'pump'?"
    assert "limit 'rail' signal: 'place'; allowed: none" in second
