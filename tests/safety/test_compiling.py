# SPDX-License-Identifier: MIT
"""What cannot be compiled is refused before anything runs, and conflicts are named."""

import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.core.limits import Barrier, Box, Dwell, Exclusive, Interlock, Linear, Rate
from flyball.core.spec import TanhGaussian
from flyball.safety.compiling import compiled
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES


def of(*limits, decision_s=DECISION_S):
    return compiled(limits, VALUES, SIGNALS, decision_s)


def box(name="n", low=0.0, high=100.0, value="valve"):
    return Box(name=name, unit="%", value=value, low=low, high=high)


def at_most(bound, name="sum", **values):
    return Linear(name=name, unit="%", values=values, bound=bound)


def test_rows_remember_which_limit_they_came_from():
    found = of(*LIMITS, at_most(120.0, valve=1.0, fuel=1.0))

    assert [limit.name for limit in found.intervals] == [limit.name for limit in LIMITS[:-1]]
    assert [limit.name for limit in found.groups] == ["one pump"]
    assert [limit.name for limit in found.sums] == ["sum"]
    assert found.tables.weight.tolist() == [[1.0, 1.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((box(value="valv"),), r"limit 'n' value: 'valv'; allowed: valve, fuel, a, b, c; .*valve"),
        ((box(), box()), "limit 'n': a second limit of this name"),
        (
            (Interlock(name="n", unit="m", value="a", idle=0, run=1, signal="levle", low=2),),
            r"limit 'n' signal: 'levle'; allowed: level, load",
        ),
        (
            (
                Dwell(name="n", unit="%", value="a", idle=0, run=20),
                Interlock(name="m", unit="m", value="a", idle=0, run=25, signal="level", low=2),
            ),
            r"limit 'm' idle, run: 0, 25 for a; allowed: 0, 20 as in limit 'n'",
        ),
        (
            (Dwell(name="n", unit="%", value="a", idle=-5, run=20),),
            r"limit 'n' idle, run: -5, 20 for a; allowed: within its range, 0 to 100 %; fix: corr",
        ),
        (
            (Exclusive(name="n", unit="%", values=("a", "b"), idle=0, run=120),),
            r"(?s)limit 'n' idle, run: 0, 120 for a; .*limit 'n' idle, run: 0, 120 for b",
        ),
    ],
)
def test_names_and_levels_that_do_not_fit_are_refused(limits, message):
    with pytest.raises(ConfigError, match=message):
        of(*limits)


@pytest.mark.parametrize(("low", "high"), [(0.0, np.inf), (np.nan, 1.0), (2.0, 1.0)])
def test_a_value_without_a_finite_range_is_refused(low, high):
    with pytest.raises(ConfigError, match=r"value 'valve': .* %; allowed: a finite range"):
        compiled((), [TanhGaussian("valve", "%", low, high)], (), DECISION_S)


def test_a_decision_interval_is_needed():
    with pytest.raises(ConfigError, match=r"decision_s: 0\.0; allowed: above 0 s"):
        of(box(), decision_s=0.0)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ((box("low end", 60.0), box("high end", 0.0, 40.0)), ("low end", "high end")),
        ((box("far", 120.0, 130.0), box("fine")), ("far",)),
        (
            (box("much", 70.0, 100.0, "fuel"), at_most(50.0, "little", fuel=1.0), box("fine")),
            ("much", "little"),
        ),
        (
            (
                at_most(-150.0, "both", valve=-1.0, fuel=-1.0),
                box("x", 0, 70),
                box("y", 0, 60, "fuel"),
            ),
            ("x", "y", "both"),
        ),
        (
            (
                box("fine"),
                box("a on", 30, 100, "a"),
                Exclusive(name="one pump", unit="%", values=("a", "b", "c"), idle=0, run=20),
                box("b on", 30, 100, "b"),
                box("c off", 0, 0, "c"),
            ),
            ("a on", "b on", "one pump"),
        ),
    ],
)
def test_limits_that_leave_no_action_are_named_before_anything_runs(limits, named):
    with pytest.raises(ConfigError) as error:
        of(*limits)

    (problem,) = error.value.problems
    assert problem.where == " and ".join(f"limit '{name}'" for name in named)
    assert problem.found.startswith("no action keeps them: ")


def test_limits_that_are_not_hard_or_hang_on_signals_are_no_conflict_beforehand():
    soft = Box(name="s", unit="%", value="valve", low=0, high=10, severity="soft", price=1.0)
    measured = Linear(name="m", unit="%", values={"fuel": 1}, signals={"load": -1}, bound=-50.0)

    of(box(low=50.0), soft, measured, Rate(name="r", unit="%", value="valve", fall=0, rise=0))


def test_a_barrier_that_nothing_would_keep_is_refused():
    with pytest.raises(ConfigError, match="limit 'n' signals: 'level', which no linear model"):
        of(Barrier(name="n", unit="m", signals={"level": 1.0}, bound=8.0))
