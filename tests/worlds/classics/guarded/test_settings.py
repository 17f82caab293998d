# SPDX-License-Identifier: MIT
from dataclasses import fields

import pytest

from flyball.core.errors import ConfigError
from flyball.worlds.classics.guarded import scenario
from flyball.worlds.classics.guarded.settings import (
    MAY_BE_ZERO,
    RailSettings,
    RodSettings,
    SwarmSettings,
    TanksSettings,
    require_sizes,
)

SETTINGS = (RailSettings, RodSettings, TanksSettings, SwarmSettings)


def sizes(kind):
    """Return the names of the settings that are sizes."""
    return [field.name for field in fields(kind) if isinstance(field.default, float)]


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_no_size_may_be_below_zero_or_not_finite(kind, wrong):
    for key in sizes(kind):
        with pytest.raises(ConfigError, match=rf"plant\.{key}: .*; allowed: .*; fix: "):
            require_sizes("plant", kind(**{key: wrong}))


@pytest.mark.parametrize("kind", SETTINGS)
def test_only_what_disturbs_or_rubs_may_be_zero(kind):
    for key in sizes(kind):
        if any(part in key for part in MAY_BE_ZERO):
            require_sizes("plant", kind(**{key: 0.0}))
        else:
            with pytest.raises(ConfigError, match=key):
                require_sizes("plant", kind(**{key: 0.0}))


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("double-integrator", "disturbance_m_per_s2", 0.8, "below 0.75"),
        ("inverted-pendulum", "disturbance_nm", 3.5, "below 3.5"),
        ("inverted-pendulum", "angle_limit_rad", 1.3, "at most 1.2"),
        ("two-tanks", "disturbance_l_per_s", 0.2, "below 0.125"),
        ("two-tanks", "low_m", 0.01, "above 0.02"),
        ("two-tanks", "high_m", 0.04, "above 0.05"),
        ("two-tanks", "rim_m", 0.5, "above 0.5"),
        ("forbidden-grid", "slip", 1.5, "0 to 1"),
        ("forbidden-grid", "steps", 0, "1 or more"),
        ("crossing-robots", "n_robots", 1, "2 to 1000"),
        ("crossing-robots", "layout", "square", "circle, random"),
        ("crossing-robots", "size_m", 20.0, "at least .* m for 40 robots"),
    ],
)
def test_numbers_that_do_not_go_together_are_refused_with_what_would(name, key, value, words):
    with pytest.raises(ConfigError, match=rf"{name}\.{key}: .*{words}.*; fix: "):
        scenario(name, **{key: value})
