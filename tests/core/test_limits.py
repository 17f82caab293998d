# SPDX-License-Identifier: MIT
"""Limits say what they keep, and refuse what cannot be."""

import math

import pytest

from flyball.core.errors import ConfigError
from flyball.core.limits import (
    KINDS,
    Barrier,
    Box,
    Budget,
    Clamp,
    Curve,
    Dwell,
    Exclusive,
    Interlock,
    Linear,
    Rate,
    sum_of,
)

COMMON = {"name": "n", "unit": "%"}
PUMP = {"value": "pump", "idle": 0.0, "run": 20.0}

SAID = [
    (Box(**COMMON, value="valve", low=0, high=80), "valve stays between 0 and 80 %"),
    (
        Clamp(**COMMON, value="valve", low=5, high=50, owner="shift 2"),
        "valve stays between 5 and 50 %, by an operator (shift 2)",
    ),
    (
        Rate(**COMMON, value="valve", fall=10, rise=5),
        "valve moves at most 5 up and 10 down % in a decision",
    ),
    (
        Rate(**COMMON, value="valve", fall=10, rise=5, each="window", window_s=3600),
        "valve moves at most 5 up and 10 down % in 3600 s",
    ),
    (
        Linear(name="n", unit="t/h", values={"feed": 1, "reflux": -0.5}, bound=300),
        "feed - 0.5 reflux stays below 300 t/h",
    ),
    (
        Curve(**COMMON, value="fuel", signal="load", high=((0, 20), (100, 90))),
        "fuel stays below 20 at 0, 90 at 100 %, by load",
    ),
    (
        Barrier(name="n", unit="m", signals={"level": 1}, bound=2, gamma=0.25),
        "level stays below 2 m; at most 25% of the distance is used up in a decision",
    ),
    (
        Budget(**COMMON, value="valve", most=6, window_s=3600),
        "valve is moved at most 6 times in any 3600 s",
    ),
    (
        Budget(**COMMON, value="valve", most=30, window_s=60, counts="travel"),
        "valve travels at most 30 % in any 60 s",
    ),
    (
        Dwell(**COMMON, **PUMP, on_s=60, off_s=30, every_s=7200),
        "pump runs for at least 60 s and rests for at least 30 s and runs at least every 7200 s "
        "(rests at 0, runs from 20 %)",
    ),
    (
        Exclusive(**COMMON, values=("a", "b", "c"), idle=0, run=1, most=2),
        "of a, b, c at most 2 run at the same time",
    ),
    (
        Interlock(**COMMON, **PUMP, signal="level", low=0.5),
        "pump runs only while level is at least 0.5 %",
    ),
]


@pytest.mark.parametrize(("limit", "sentence"), SAID, ids=lambda each: type(each).__name__)
def test_every_limit_says_in_a_sentence_with_units_what_it_keeps(limit, sentence):
    assert limit.explain() == sentence


def test_every_kind_has_a_name_for_files_and_an_example_here():
    assert {type(limit) for limit, _ in SAID} == set(KINDS.values())


WRONG = [
    (Box, {"value": "v", "low": 2, "high": 1}, "low, high: 2, 1"),
    (Box, {"value": "v", "low": 0, "high": math.nan}, "low, high: 0, nan"),
    (Box, {"value": "v", "low": math.inf, "high": math.inf}, "low, high: inf, inf"),
    (Clamp, {"value": "v", "low": -math.inf, "high": -math.inf}, "low, high: -inf, -inf"),
    (Box, {"value": "v", "low": 0, "high": 1, "name": " "}, "name: nothing"),
    (Box, {"value": "v", "low": 0, "high": 1, "unit": ""}, "unit: nothing"),
    (Box, {"value": "v", "low": 0, "high": 1, "severity": "soft"}, "price: 0.0 for a soft limit"),
    (Box, {"value": "v", "low": 0, "high": 1, "price": 3.0}, "price: 3.0 for a hard limit"),
    (Rate, {"value": "v", "fall": -1, "rise": 1}, "fall, rise: -1, 1"),
    (Rate, {"value": "v", "fall": 1, "rise": math.nan}, "fall, rise: 1, nan"),
    (Rate, {"value": "v", "fall": 1, "rise": 1, "each": "window"}, "window_s: 0.0"),
    (Rate, {"value": "v", "fall": 1, "rise": 1, "window_s": 9.0}, "write each = 'window'"),
    (Linear, {"values": {}, "bound": 1.0}, "values: no value"),
    (Linear, {"values": {"v": math.inf}, "bound": 1.0}, "finite numbers"),
    (Curve, {"value": "v", "signal": "s"}, "low, high: no table"),
    (Curve, {"value": "v", "signal": "s", "low": ((1, 0), (1, 2))}, "sort the points"),
    (Barrier, {"signals": {"s": 0.0}, "bound": 1}, "a weight other than 0"),
    (
        Barrier,
        {"signals": {"s": 1.0}, "bound": 1, "gamma": 0.0},
        r"gamma: 0.0; allowed: in \(0, 1\]",
    ),
    (Barrier, {"signals": {"s": math.nan}, "bound": 1}, "finite numbers and a signal"),
    (Barrier, {"signals": {"s": 1.0}, "bound": math.inf}, "finite numbers and a signal"),
    (Budget, {"value": "v", "most": -1, "window_s": 5}, "most, least: -1"),
    (Budget, {"value": "v", "most": 1, "window_s": 0}, "window_s: 0; allowed: above 0 s"),
    (Budget, {"value": "v", "most": 1, "window_s": 5, "severity": "soft"}, "severity: soft"),
    (Dwell, {"value": "v", "idle": 1, "run": 1}, "idle below run"),
    (Dwell, {"value": "v", "idle": -math.inf, "run": 1}, "finite, idle below run"),
    (Dwell, {"value": "v", "idle": 0, "run": math.inf}, "finite, idle below run"),
    (Dwell, {"value": "v", "idle": 0, "run": 1, "on_s": -1}, "on_s, off_s: -1"),
    (Dwell, {"value": "v", "idle": 0, "run": 1, "off_s": math.nan}, "on_s, off_s: 0.0, nan"),
    (Dwell, {"value": "v", "idle": 0, "run": 1, "off_s": 9, "every_s": 5}, "every_s: 5"),
    (Exclusive, {"values": ("a", "a"), "idle": 0, "run": 1}, "two different values"),
    (Exclusive, {"values": ("a", "b"), "idle": 0, "run": 1, "most": 2}, "fewer at a time"),
    (Interlock, {"value": "v", "idle": 0, "run": 1, "signal": "s"}, "low, high: neither"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), WRONG)
def test_what_cannot_be_is_refused_with_its_place(kind, settings, message):
    with pytest.raises(ConfigError, match=message) as error:
        kind(**(COMMON | settings))

    assert str(error.value).startswith("limit '")


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as error:
        Box(name="", unit="", value="v", low=1, high=0)

    assert len(error.value.problems) == 3


def test_a_sum_reads_as_one_writes_it():
    assert sum_of({"a": -1.0, "b": 2.5, "c": -0.25}) == "- a + 2.5 b - 0.25 c"
