# SPDX-License-Identifier: MIT
"""The filter as a whole: what it lets through, what it bends, and what it does with nonsense."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.envelope import Affine
from flyball.core.errors import ConfigError, InvariantError
from flyball.core.limits import Barrier, Box, Curve, Linear, Rate
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety.compiling import Plant
from flyball.safety.filtering import BLIND, Asked, Filter, StateRows
from flyball.safety.projection import BENT, INFEASIBLE, INVALID, SAME
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES, Applied, breaches

TWO = (TanhGaussian("feed", "t/h", 0.0, 10.0), TanhGaussian("steam", "t/h", 0.0, 4.0))
HEAT = Signal("heat", "degC", 0.0, 500.0)
RATE = Rate(name="slow", unit="t/h", value="feed", fall=1.0, rise=1.0)
TOGETHER = Linear(name="together", unit="t/h", bound=9.0, values={"feed": 1.0, "steam": 0.5})


def asked(proposed, signal=(), error=0.0, trusted=True, now_s=1.0):
    proposed = np.atleast_2d(np.array(proposed, float))
    n = len(proposed)
    signals = np.broadcast_to(np.array(signal, float), (n, len(signal))).copy()
    return Asked(
        proposed,
        signals,
        np.full_like(signals, error),
        np.full(signals.shape, trusted),
        np.full(n, now_s),
    )


def filter_of(limits, values=TWO, signals=(), start=(5.0, 1.0), n_rows=1, **more):
    made = Filter(limits, values, signals, n_rows=n_rows, decision_s=1.0, **more)
    made.begin(np.arange(n_rows), np.tile(start, (n_rows, 1)), np.zeros(n_rows))
    return made


def test_an_admissible_action_comes_back_bit_for_bit():
    made = filter_of([RATE, TOGETHER])

    found = made(asked([5.0 + 1 / 3, 0.1 + 0.2]))

    assert found.code[0] == SAME
    assert found.applied[0].tolist() == [5.0 + 1 / 3, 0.1 + 0.2]


def test_what_breaks_a_rate_and_a_sum_is_bent_to_both():
    made = filter_of([RATE, TOGETHER], start=(8.0, 1.0))

    found = made(asked([10.0, 2.0]))

    assert found.code[0] == BENT
    assert found.applied[0, 0] <= 9.0
    assert found.applied[0] @ [1.0, 0.5] <= 9.0
    assert found.multiplier[0].max() > 0.0


def test_rates_are_measured_from_what_was_applied_and_not_from_what_was_asked():
    made = filter_of([RATE])
    for k in range(1, 4):
        found = made(asked([10.0, 1.0], now_s=float(k)))
        assert found.applied[0, 0] == pytest.approx(5.0 + k)
        made.note(found.applied, np.array([float(k)]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_goes_on_as_before_as_far_as_limits_allow(value):
    curve = Curve(name="by heat", unit="t/h", value="feed", signal="heat", high=((0, 9), (100, 4)))
    made = filter_of([RATE, curve], signals=(HEAT,))

    for heat, feed in ((50.0, 5.0), (100.0, 4.0)):
        found = made(asked([value, 1.0], (heat,)))
        assert found.code[0] == INVALID
        assert found.applied[0].tolist() == [feed, 1.0]


def test_a_row_of_which_nothing_is_known_stays_within_its_ranges():
    made = Filter([RATE], (TanhGaussian("feed", "t/h", 3.0, 10.0),), (), n_rows=1, decision_s=1.0)

    found = made(asked([4.0]))

    assert found.code[0] == BLIND
    assert found.applied[0, 0] == 3.0


def test_a_soft_limit_yields_to_a_hard_one_and_its_slack_is_counted():
    soft = Box(
        name="gentle", unit="t/h", value="feed", low=0.0, high=6.0, severity="soft", price=100.0
    )
    need = Linear(name="need", unit="t/h", bound=-7.0, values={"feed": -1.0})
    made = filter_of([soft, need], start=(7.5, 1.0))

    found = made(asked([7.5, 1.0]))

    assert found.code[0] == BENT
    assert found.applied[0, 0] == pytest.approx(7.0)
    assert found.slack[0, 1] == pytest.approx(1.0)  # one sum, then upper and lower of the soft box
    assert found.interval[0, 0].tolist() == [0.0, 6.0]


def test_a_soft_limit_costs_its_price_and_no_more():
    def bent(price):
        soft = Box(
            name="gentle", unit="t/h", value="feed", low=0.0, high=6.0, severity="soft", price=price
        )
        return filter_of([soft], start=(7.5, 1.0))(asked([7.5, 1.0])).applied[0, 0]

    assert bent(100.0) == pytest.approx(6.0)
    assert bent(0.01) == pytest.approx(7.5 - 0.01 * 10.0**2)  # price times the range squared


def test_a_monitored_limit_changes_nothing_but_is_written_down():
    noted = Linear(name="noted", unit="t/h", bound=3.0, values={"feed": 1.0}, severity="monitor")
    found = filter_of([noted])(asked([9.0, 1.0]))

    assert found.code[0] == SAME
    assert found.bound[0, 0] == 3.0


def test_a_sum_over_a_signal_that_nobody_can_trust_holds_if_it_is_hard():
    hot = {"unit": "degC", "bound": 400.0, "values": {"feed": 1.0}, "signals": {"heat": 1.0}}
    hard = Linear(name="hot", **hot)
    soft = Linear(name="hot", severity="soft", price=1.0, **hot)

    for limit, code in ((hard, INVALID), (soft, SAME)):
        made = filter_of([limit], signals=(HEAT,))
        found = made(asked([9.0, 1.0], (300.0,), trusted=False))
        assert found.code[0] == code
        assert found.applied[0, 0] == (5.0 if limit is hard else 9.0)
        assert made(asked([9.0, 1.0], (300.0,))).code[0] == SAME


def test_two_hard_limits_that_cannot_be_kept_together_hold_the_last_value():
    curve = Curve(name="by heat", unit="t/h", value="feed", signal="heat", low=((0, 0), (100, 9)))
    made = filter_of([RATE, curve], signals=(HEAT,))

    found = made(asked([5.5, 1.0], (100.0,)))

    assert found.code[0] == INFEASIBLE
    assert found.applied[0].tolist() == [5.0, 1.0]


def test_rows_that_a_function_of_the_state_gives_are_kept_too():
    made = filter_of([], n_rows=2)
    extra = StateRows(np.array([[[1.0, 1.0]], [[1.0, 1.0]]]), np.array([[4.0], [np.inf]]))

    found = made(asked([[5.0, 1.0], [5.0, 1.0]]), extra)

    assert found.code.tolist() == [BENT, SAME]
    assert found.applied[0].sum() <= 4.0


TANK = Affine(1.0, np.eye(1), np.array([[0.1]]), np.array([-0.5]), np.array([0.05]), delay=4)
LEVEL = Signal("level", "m", 0.0, 10.0)
FULL = Barrier(name="full", unit="m", bound=8.0, signals={"level": 1.0}, gamma=0.5)


def tank(delay, seed, n_steps=200):
    """Return the highest level where the filter looks `delay` steps ahead; the plant has four."""
    rng = np.random.default_rng(seed)
    plant = Plant(replace(TANK, delay=delay), ("level",))
    values = (TanhGaussian("inflow", "m3/s", 0.0, 20.0),)
    made = Filter([FULL], values, (LEVEL,), n_rows=1, decision_s=1.0, plant=plant)
    made.begin(np.array([0]), np.array([[5.0]]), np.array([0.0]))
    level, queue, highest = 5.0, [5.0] * 4, 0.0
    for k in range(1, n_steps):
        found = made(asked([20.0], (level,), now_s=float(k)))
        made.note(found.applied, np.array([float(k)]))
        queue.append(found.applied[0, 0])
        level += 0.1 * queue.pop(0) - 0.5 + 0.05 * rng.choice([-1.0, 1.0])
        highest = max(highest, level)
    return highest


@pytest.mark.parametrize("seed", range(3))
def test_a_barrier_looks_over_the_dead_time_and_is_never_broken(seed):
    assert tank(4, seed) <= 8.0
    assert tank(4, seed) > 7.0


def test_a_barrier_without_memory_is_broken_one_dead_time_later():
    assert tank(0, 0) > 8.0


def test_a_barrier_without_a_model_is_refused_in_words():
    with pytest.raises(ConfigError, match=r"limit 'full' signals: 'level', which no linear model"):
        filter_of([FULL], signals=(LEVEL,))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_asked_every_limit_is_kept_over_a_whole_history(seed):
    rng = np.random.default_rng(seed)
    made = Filter(LIMITS, VALUES, SIGNALS, n_rows=1, decision_s=DECISION_S)
    start = np.array([50.0, 35.0, 0.0, 0.0, 0.0])
    made.begin(np.array([0]), start[None], np.zeros(1))
    played, now_s = [Applied(0.0, start, np.array([5.0, 50.0]))], 0.0
    for _ in range(400):
        now_s = played[-1].now_s + rng.uniform(0.3, DECISION_S)  # a conflict is asked about again
        signal = np.array(
            [rng.uniform(0, 10), np.clip(played[-1].signal[1] + rng.normal(), 30, 60)]
        )
        wish = rng.choice([rng.uniform(-20, 120, 5), np.full(5, np.nan), rng.normal(0, 1e300, 5)])
        found = made(asked(wish, signal, now_s=now_s))
        applied = found.applied[0].copy()
        if found.code[0] in (SAME, BENT, INVALID):
            played.append(Applied(now_s, applied, signal))
            made.note(found.applied, np.array([now_s]))
        assert np.isfinite(applied).all()
    assert breaches(played) == set()
    assert len(played) > 50


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.floats(allow_subnormal=True), min_size=2, max_size=2),
    st.floats(),
    st.floats(),
    st.floats(),
)
def test_for_every_float_the_output_is_finite_in_its_box_and_near_the_last(wish, heat, error, now):
    made = filter_of([RATE, TOGETHER], signals=(HEAT,))

    found = made(asked(wish, (heat,), error, now_s=now))
    feed, steam = found.applied[0]

    assert 4.0 <= feed <= 6.0
    assert 0.0 <= steam <= 4.0
    assert feed + 0.5 * steam <= 9.0
    inside = 4.0 <= wish[0] <= 6.0 and 0.0 <= wish[1] <= 4.0 and wish[0] + 0.5 * wish[1] <= 9.0
    if inside and now >= 0.0:
        assert found.applied[0].tobytes() == np.array(wish).tobytes()


@pytest.mark.parametrize("part", Asked._fields)
def test_arrays_of_other_shapes_never_reach_compiled_code(part):
    made = filter_of([RATE], signals=(HEAT,))
    right = asked([5.0, 1.0], (300.0,))

    with pytest.raises(InvariantError, match="a filter of 1 rows was asked with arrays of shapes"):
        made(right._replace(**{part: getattr(right, part)[:0]}))


def test_a_snapshot_of_the_past_goes_back_bit_for_bit():
    made = filter_of([RATE])
    kept = made.snapshot()
    first = made(asked([10.0, 1.0])).applied.copy()
    made.note(first, np.array([1.0]))

    made.restore(kept)

    np.testing.assert_array_equal(made(asked([10.0, 1.0])).applied, first)
