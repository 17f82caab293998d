# SPDX-License-Identifier: MIT
"""Safe actions over all floats, and against hard rates on a list of what was written."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flyball.core.errors import ConfigError
from flyball.core.limits import Box, Clamp, Rate
from flyball.core.spec import TanhGaussian
from flyball.safety.actuators import Actuators, GoTo, Hold, Ramp

VALUES = [TanhGaussian(name, "%", 0.0, 100.0) for name in ("valve", "fuel", "fan")]
FREE = (np.full(3, -np.inf), np.full(3, np.inf))
ANY = arrays(np.float64, 3, elements=st.floats(allow_nan=True, allow_infinity=True))
FINITE = arrays(np.float64, 3, elements=st.floats(allow_nan=False, allow_infinity=False))


def rate(value, size, each, window_s=0.0, severity="hard"):
    name = f"{value} {each} {size}"
    return Rate(
        name=name, unit="%", value=value, fall=size, rise=2.0 * size, each=each,
        window_s=window_s, severity=severity, price=1.0 if severity == "soft" else 0.0,
    )  # fmt: skip


def written(actuators, last, times):
    """Return (time, value) of everything that a stop writes."""
    found = [(0.0, np.array(last))]
    for time in times:
        found.append((time, actuators.safe(found[-1][1], time - found[-1][0], *FREE)))
    return found


def test_each_actuator_holds_goes_or_ramps_as_was_said():
    actuators = Actuators(
        {"valve": Hold(), "fuel": GoTo(5.0), "fan": Ramp(80.0, rate_per_s=10.0)}, VALUES
    )

    found = written(actuators, [33.0, 60.0, 50.0], [0.5, 2.5, 4.0])

    assert [value.tolist() for _, value in found[1:]] == [
        [33.0, 5.0, 55.0],
        [33.0, 5.0, 75.0],
        [33.0, 5.0, 80.0],
    ]
    assert actuators.safe(np.array([33.0, 5.0, 95.0]), 1.0, *FREE)[2] == 85.0


@given(ANY, st.floats(allow_nan=True, allow_infinity=True), ANY, ANY)
def test_what_is_written_is_finite_wherever_the_last_value_is_known(last, passed_s, low, high):
    actuators = Actuators(
        {"valve": Hold(), "fuel": GoTo(5.0), "fan": Ramp(80.0, rate_per_s=1e300)},
        VALUES,
        [rate("fan", 1e300, "second"), rate("fuel", 1e300, "window", 1e-3)],
    )

    found = actuators.safe(last, passed_s, low, high)

    assert np.isfinite(found[np.isfinite(last)]).all()
    assert np.isfinite(found[1])  # it can be gone to from anywhere
    inside = np.isfinite(found) & (low <= high) & np.isfinite(low) & np.isfinite(high)
    assert (found[inside] >= low[inside]).all()
    assert (found[inside] <= high[inside]).all()


@given(FINITE, st.floats(0.0, 1e6))
def test_an_actuator_that_holds_writes_the_very_same_bits(last, passed_s):
    actuators = Actuators({each.name: Hold() for each in VALUES}, VALUES)

    found = actuators.safe(last, passed_s, *FREE)

    assert found.tobytes() == last.tobytes()


def test_time_that_is_no_number_or_runs_backwards_moves_no_ramp():
    actuators = Actuators({each.name: Ramp(80.0, rate_per_s=10.0) for each in VALUES}, VALUES)
    last = np.array([1.0, 50.0, 90.0])
    for passed_s in (0.0, -5.0, np.nan, np.inf, -np.inf):
        np.testing.assert_array_equal(actuators.safe(last, passed_s, *FREE), last)


def test_nothing_is_written_to_what_ramps_from_a_place_that_nobody_knows():
    actions = {"valve": Hold(), "fuel": GoTo(5.0), "fan": Ramp(80.0, rate_per_s=1.0)}

    found = Actuators(actions, VALUES).safe(np.full(3, np.nan), 1.0, *FREE)

    np.testing.assert_array_equal(found, [np.nan, 5.0, np.nan])


@given(
    st.lists(st.floats(0.01, 20.0), min_size=1, max_size=12),
    arrays(np.float64, 3, elements=st.floats(0.0, 100.0)),
)
def test_nothing_moves_faster_than_hard_rates_allow(passed_s, last):
    limits = [
        rate("valve", 3.0, "second"),
        rate("valve", 7.0, "decision"),
        rate("fuel", 12.0, "window", window_s=4.0),
        rate("fan", 0.001, "second", severity="soft"),
    ]
    actions = {"valve": GoTo(90.0), "fuel": GoTo(10.0), "fan": GoTo(50.0)}

    found = written(Actuators(actions, VALUES, limits), last, np.cumsum(passed_s))

    for (before_s, before), (now_s, now) in pairwise(found):
        way = now[0] - before[0]
        least, most = max(-3.0 * (now_s - before_s), -7.0), min(6.0 * (now_s - before_s), 14.0)
        assert least - 1e-9 <= way <= most + 1e-9
    for k, (now_s, now) in enumerate(found):
        # What is in force within a window: what was written in it, and the last value before.
        first = max([j for j in range(k + 1) if found[j][0] <= now_s - 4.0], default=0)
        for _, before in found[first:k]:
            assert -12.0 - 1e-9 <= now[1] - before[1] <= 24.0 + 1e-9
    assert found[1][1][2] == 50.0  # soft rates bind nothing


def test_limits_of_now_narrow_the_safe_action_unless_they_exclude_each_other():
    actuators = Actuators({each.name: GoTo(50.0) for each in VALUES}, VALUES)
    low, high = np.array([60.0, -np.inf, 70.0]), np.array([90.0, 20.0, 60.0])

    found = actuators.safe(np.full(3, 10.0), 1.0, low, high)

    assert found.tolist() == [60.0, 20.0, 50.0]


@given(
    arrays(np.float64, 3, elements=st.floats(0.0, 100.0)),
    arrays(np.float64, (2, 3), elements=st.floats(0.0, 100.0)),
    st.floats(0.0, 10.0),
)
def test_hard_rates_and_limits_of_now_are_both_kept_where_they_can_be(last, ends, passed_s):
    limits = [rate(each.name, 4.0, "second") for each in VALUES]
    low, high = ends.min(0), ends.max(0)
    least, most = last - 4.0 * passed_s, last + 8.0 * passed_s
    together = (np.maximum(low, least) <= np.minimum(high, most)).nonzero()

    found = Actuators({each.name: GoTo(50.0) for each in VALUES}, VALUES, limits).safe(
        last, passed_s, low, high
    )

    for ends in ((low, high), (least - 1e-9, most + 1e-9)):
        assert (found[together] >= ends[0][together]).all()
        assert (found[together] <= ends[1][together]).all()


def test_every_action_that_is_missing_or_cannot_be_is_named_at_once():
    limits = [
        Box(name="hot", unit="%", value="fuel", low=10.0, high=60.0),
        Box(name="usual", unit="%", value="fuel", low=0.0, high=1.0, severity="monitor"),
        Clamp(name="clamp", unit="%", value="fuel", low=0.0, high=1.0),
        rate("fan", 6.0, "window", window_s=3.0),
    ]
    actions = {"fuel": GoTo(70.0), "fan": Ramp(float("nan"), rate_per_s=2.5), "fon": Hold()}

    with pytest.raises(ConfigError) as refused:
        Actuators(actions, VALUES, limits)

    assert [str(problem) for problem in refused.value.problems] == [
        "safe action of fon: no value of this name; allowed: valve, fuel, fan; "
        "fix: did you mean 'fan'?",
        "safe action of valve: nothing; allowed: a safe action for every value; "
        "fix: say hold, go to or ramp for it",
        "safe action of fuel: 70 %; allowed: 10 to 60 %, its range and its hard limits; "
        "fix: choose a value in between",
        "safe action of fan: nan %; allowed: 0 to 100 %, its range and its hard limits; "
        "fix: choose a value in between",
        "safe action of fan: 2.5 % a second; allowed: above 0 and at most 1, its hard limit; "
        "fix: choose a rate in between",
    ]


@pytest.mark.parametrize("per_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ramp_has_a_rate(per_s):
    actions = {each.name: Ramp(50.0, rate_per_s=per_s) for each in VALUES[:1]}

    with pytest.raises(ConfigError, match="a second; allowed: above 0 and finite"):
        Actuators(actions, VALUES[:1])


def test_actuators_of_a_plant_without_values_write_nothing():
    none = np.zeros(0)

    assert Actuators({}, []).safe(none, 1.0, none, none).shape == (0,)
