# SPDX-License-Identifier: MIT
"""Bounds of the moment against what each limit means over everything that was applied."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.safety.bounds import (
    BLIND,
    CONFLICT,
    KEPT,
    Moment,
    Now,
    Seen,
    evaluate,
    narrowest,
    table,
)
from flyball.safety.compiling import compiled
from flyball.safety.history import allocate, begin, note
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES, Applied, breaches

LOW, HIGH = np.zeros(5), np.full(5, 100.0)
START = np.array([50.0, 35.0, 0.0, 0.0, 0.0])


class Plant:
    """A row under a list of limits."""

    def __init__(self, limits=LIMITS, start=START, now_s=0.0):
        self.tables = compiled(limits, VALUES, SIGNALS, DECISION_S).tables
        self.history = allocate(1, 5, len(self.tables.window.value))
        begin(self.history, 0, start, now_s)
        n = len(self.tables.kind), 5, len(self.tables.bound)
        self.now = Now(
            np.zeros((n[0], 2)), LOW.copy(), HIGH.copy(), np.zeros((5, 2), np.int64), np.zeros(n[2])
        )

    def ask(self, now_s, proposed, signal=(5.0, 50.0), error=(0.0, 0.0), trusted=(True, True)):
        """Return code and the box."""
        self.now.low[:], self.now.high[:] = LOW, HIGH
        seen = Seen(np.array(signal), np.array(error), np.array(trusted))
        moment = Moment(self.history, seen, 0, now_s)
        code = evaluate(self.tables, moment, np.array(proposed), self.now)
        return code, self.now.low.copy(), self.now.high.copy()

    def apply(self, now_s, value):
        """Write down what is applied."""
        note(self.history, self.tables.window, 0, value, self.tables.run, now_s)


def only(*names):
    return [limit for limit in LIMITS if limit.name in names]


@pytest.mark.parametrize("seed", range(6))
def test_what_stays_within_the_bounds_breaks_no_limit_ever(seed):
    rng, plant = np.random.default_rng(seed), Plant()
    played, now_s = [Applied(0.0, START, np.array([5.0, 50.0]))], 0.0
    kept = bent = 0
    value = START
    for _ in range(1500):
        now_s += rng.uniform(0.2, DECISION_S)
        true = np.array([rng.uniform(0, 10), np.clip(played[-1].signal[1] + rng.normal(), 0, 100)])
        error = np.array([0.5, 1.0])
        measured = true + rng.uniform(-1, 1, 2) * error
        proposed = np.where(rng.random(5) < 0.3, rng.uniform(-50, 150, 5), value)
        code, low, high = plant.ask(now_s, proposed, measured, error)
        if code != KEPT:  # an interlock against a pump's shortest run: the plant's own backup
            plant, value = Plant(start=START, now_s=now_s), START
            assert breaches(played) == set()
            played = [Applied(now_s, START, true)]
            continue
        kept += 1
        value = np.clip(proposed, low, high)
        bent += (value != proposed).any()
        plant.apply(now_s, value)
        played.append(Applied(now_s, value, true))

    assert breaches(played) == set()
    assert kept > 200
    assert bent > 50


def test_without_bounds_every_limit_is_broken():
    rng = np.random.default_rng(0)
    played = [Applied(0.0, START, np.array([5.0, 50.0]))]
    for k in range(1, 1000):
        signal = np.array([rng.uniform(0, 10), rng.uniform(0, 100)])
        played.append(Applied(1.0 * k, rng.uniform(-5, 105, 5), signal))

    assert breaches(played) == {limit.name for limit in LIMITS} | {"between"}


def test_a_signal_that_is_not_trusted_closes_what_depends_on_it():
    plant = Plant(only("dry", "air"))
    wish = [50.0, 35.0, 0.0, 50.0, 0.0]

    open_box = plant.ask(1.0, wish)
    closed = plant.ask(1.0, wish, signal=(np.nan, np.nan), trusted=(False, False))

    assert open_box[2][3] == 100.0
    assert closed[2][3] == 0.0  # the pump rests
    assert (closed[1][1], closed[2][1]) == (35.0, 40.0)  # the curve at its narrowest


def test_an_uncertain_signal_counts_at_its_worst():
    plant = Plant(only("dry"))
    wish = [50.0, 35.0, 0.0, 50.0, 0.0]

    assert plant.ask(1.0, wish, signal=(2.5, 0.0), error=(0.4, 0.0))[2][3] == 100.0
    assert plant.ask(1.0, wish, signal=(2.5, 0.0), error=(0.6, 0.0))[2][3] == 0.0


def test_what_runs_goes_on_when_another_wants_to_start():
    plant = Plant(only("one pump"), start=np.array([50.0, 35.0, 0.0, 0.0, 40.0]))

    _, low, high = plant.ask(1.0, [50.0, 35.0, 0.0, 100.0, 60.0])

    assert high[3] == 0.0
    assert (low[4], high[4]) == (20.0, 100.0)


def test_an_interlock_against_a_shortest_run_is_a_conflict():
    plant = Plant([*only("dry"), replace(only("pump a")[0], value="b")])
    plant.ask(1.0, START)
    plant.apply(1.0, np.array([50.0, 35.0, 0.0, 50.0, 0.0]))

    assert plant.ask(2.0, START, signal=(1.0, 50.0))[0] == CONFLICT


def test_time_that_runs_backwards_and_a_row_of_which_nothing_is_known_have_no_bounds():
    plant = Plant(now_s=10.0)
    assert plant.ask(9.0, START)[0] == BLIND
    assert plant.ask(np.nan, START)[0] == BLIND
    plant.history.known[0] = False
    assert plant.ask(11.0, START)[0] == BLIND


def test_a_table_is_joined_by_straight_lines_and_level_beyond_its_ends():
    tables = Plant(only("air")).tables
    own = tables.points[0]
    at = np.linspace(-20.0, 130.0, 61)

    low = [table(tables.at, tables.level, own[0], own[1], x) for x in at]
    high = [table(tables.at, tables.level, own[2], own[3], x) for x in at]

    np.testing.assert_allclose(low, np.interp(at, [0, 50, 100], [10, 30, 35]))
    np.testing.assert_allclose(high, np.interp(at, [0, 60], [40, 90]))


def test_the_narrowest_height_is_the_extreme_over_the_interval():
    tables = Plant(only("air")).tables
    own, rng = tables.points[0], np.random.default_rng(1)
    for _ in range(100):
        a, b = np.sort(rng.uniform(-20, 120, 2))
        at = np.linspace(a, b, 4001)
        highest = np.interp(at, [0, 50, 100], [10, 30, 35]).max()
        lowest = np.interp(at, [0, 60], [40, 90]).min()
        assert narrowest(tables, own[0], own[1], a, b, 1.0) == pytest.approx(highest, abs=0.05)
        assert narrowest(tables, own[2], own[3], a, b, -1.0) == pytest.approx(lowest, abs=0.05)


@pytest.mark.parametrize("now_s", [np.inf, -np.inf, np.nan])
def test_a_time_that_is_no_number_gives_no_bounds(now_s):
    never = replace(only("speed")[0], fall=0.0, rise=0.0)

    assert Plant([never]).ask(now_s, START)[0] == BLIND


def test_a_rate_without_limit_on_one_side_is_none_even_where_no_time_has_passed():
    plant = Plant([replace(only("speed")[0], rise=np.inf)])

    for now_s, low in ((0.0, 50.0), (1.0, 20.0)):
        code, lower, upper = plant.ask(now_s, START)
        assert (code, lower[0], upper[0]) == (KEPT, low, 100.0)
        assert plant.now.interval[0].tolist() == [low, np.inf]


@pytest.mark.parametrize("name", ["pump a", "dry", "one pump"])
def test_what_switches_is_left_alone_by_limits_that_are_only_monitored(name):
    noted = replace(only(name)[0], severity="monitor")
    wish = np.array([50.0, 35.0, 10.0, 30.0, 40.0])  # pump a in between, b and c at once

    code, low, high = Plant([noted]).ask(1.0, wish, signal=(0.0, 50.0))

    assert code == KEPT
    assert (low <= wish).all()
    assert (wish <= high).all()
    _, low, high = Plant(only(name)).ask(1.0, wish, signal=(0.0, 50.0))
    assert not ((low <= wish) & (wish <= high)).all()


ANY = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True, width=64)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(ANY, st.lists(ANY, min_size=5, max_size=5)), min_size=1, max_size=6),
    st.lists(ANY, min_size=2, max_size=2),
    st.lists(ANY, min_size=2, max_size=2),
)
def test_whatever_was_applied_and_measured_a_box_is_finite_and_within_the_ranges(
    applied, signal, error
):
    plant, known = Plant(), True
    for now_s, value in applied:
        trusted = [np.isfinite(x) and 0.0 <= e < np.inf for x, e in zip(signal, error, strict=True)]
        code, low, high = plant.ask(now_s, value, signal, error, trusted)
        plant.apply(now_s, np.array(value))
        if code == KEPT:
            assert (low <= high).all()
            assert (low >= LOW).all()
            assert (high <= HIGH).all()
            assert not np.isnan(plant.now.interval).any()
        known = known and np.isfinite(value).all()
        assert known or plant.ask(1e9, START)[0] == BLIND
