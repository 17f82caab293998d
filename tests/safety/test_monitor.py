# SPDX-License-Identifier: MIT
"""The monitor beside the filter it watches, its words and its figures."""

import json
import re

import numpy as np
import pytest

from flyball.core.limits import Box, Linear
from flyball.safety.compiling import compiled
from flyball.safety.filtering import Asked, Filter
from flyball.safety.monitor import Monitor
from flyball.safety.projection import BENT, INVALID, SAME
from flyball.safety.tally import Decision
from flyball.safety.trips import FILTERED, Trip
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES

SUMS = [
    Linear(name="power", unit="kW", bound=150.0, values={"valve": 1.0, "fuel": 1.0}),
    Linear(name="thrift", unit="kW", bound=60.0, values={"fuel": 1.0}, severity="soft", price=0.01),
    Box(name="usual", unit="%", value="fuel", low=0.0, high=30.0, severity="monitor"),
]
STATE = (Box(name="level", unit="m", value="level", low=1.0, high=9.0),)
N = 4


def decision(filtered, asked, applied, here):
    """Return what the shield knows, without a gate."""
    return Decision(
        now_s=asked.now_s,
        filtered=filtered.code,
        gated=np.full(N, -1, np.int32),
        doubted=np.zeros(N, np.bool_),
        proposed=asked.proposed,
        applied=applied,
        interval=filtered.interval,
        bound=filtered.bound,
        ahead=np.full((N, 1), np.inf),
        here=here,
        backup_s=np.full(N, np.inf),
    )


def played(n_steps, *, applies, wild=0.2, conditions=()):
    """Return a monitor, and codes of the filter (n, R) beside what then held (n, R, T)."""
    limits, rng = [*LIMITS, *SUMS], np.random.default_rng(0)
    own = Filter(limits, VALUES, SIGNALS, n_rows=N, decision_s=DECISION_S)
    monitor = Monitor(own.made, VALUES, n_rows=N, state=STATE, conditions=conditions)
    start = np.tile([50.0, 30.0, 0.0, 0.0, 0.0], (N, 1))
    own.begin(np.arange(N), start, np.zeros(N))
    codes, held = [], []
    for step in range(n_steps):
        proposed = rng.uniform(-20.0, 120.0, (N, 5))
        calm = rng.random(N) < 0.4
        proposed[calm] = own.history.last[calm]
        odd = rng.random((N, 5)) < wild
        proposed = np.where(odd, rng.choice([np.nan, np.inf, 1e300, -1e300], (N, 5)), proposed)
        level = np.full((N, 1), 5.0)
        signal = np.concatenate((level, rng.uniform(0.0, 100.0, (N, 1))), 1)
        asked = Asked(
            proposed, signal, np.zeros((N, 2)), np.ones((N, 2), np.bool_), np.full(N, step + 1.0)
        )
        filtered = own(asked)
        applied = applies(filtered, asked)
        held.append(monitor.note(decision(filtered, asked, applied, level - 4.5)).copy())
        codes.append(filtered.code.copy())
        own.note(filtered.applied, asked.now_s)
    return monitor, np.array(codes), np.array(held)


def value(monitor, name, **labels):
    """Return the one figure of a name with these labels."""
    (found,) = [
        figure["value"]
        for figure in monitor.summary()
        if figure["name"] == name and labels.items() <= figure["labels"].items()
    ]
    return found


def test_behind_the_filter_many_hard_limits_are_attempted_and_none_is_broken():
    monitor, codes, held = played(
        200,
        applies=lambda filtered, _: filtered.applied,
        conditions=(Trip(event="broken", of=1), Trip(event="attempted", of=1)),
    )

    for limit in monitor.limits:
        if limit.severity == "hard" and limit.name not in ("operator", "dry", "level"):
            assert value(monitor, "flyball_constraint_attempts_total", constraint=limit.name) > 9
    # Where there is no answer the filter holds the last value, and says so.
    assert not held[codes <= BENT, 0].any()
    assert not held[codes == SAME, 1].any()
    assert held[codes == INVALID, 1].any()
    assert (codes <= BENT).sum() > 200
    assert (codes == INVALID).sum() > 100
    for code, event in enumerate(FILTERED):
        found = value(monitor, "flyball_decisions_total", outcome=event)
        assert found == (codes == code).sum()


def test_without_the_filter_every_attempt_is_a_breach():
    monitor, _, held = played(
        60,
        applies=lambda _, asked: asked.proposed,
        wild=0.0,
        conditions=(Trip(event="broken", of=1), Trip(event="attempted", n=50, within_s=1e9)),
    )

    for limit in monitor.limits:
        attempts = value(monitor, "flyball_constraint_attempts_total", constraint=limit.name)
        assert attempts == value(
            monitor, "flyball_constraint_violations_total", constraint=limit.name
        )
    assert value(monitor, "flyball_action_clip_ratio") == 0.0
    row = int(np.flatnonzero(held[-1, :, 0])[0])
    assert re.fullmatch(r"broken \([a-z, ]+\)", monitor.causes(row)[0])


def test_the_worst_row_stands_for_a_gauge_and_the_sum_of_all_for_a_counter():
    made = compiled(SUMS[:1], VALUES, SIGNALS, DECISION_S)
    monitor = Monitor(made, VALUES, n_rows=2, conditions=())
    own = Decision(
        now_s=np.array([1.0, 2.0]),
        filtered=np.array([1, 0], np.int32),
        gated=np.array([2, -1], np.int32),
        doubted=np.array([True, False]),
        proposed=np.array([[100.0, 80.0, 0, 0, 0], [70.0, 70.0, 0, 0, 0]]),
        applied=np.array([[90.0, 80.0, 0, 0, 0], [70.0, 70.0, 0, 0, 0]]),
        interval=np.zeros((2, 0, 2)),
        bound=np.array([[150.0], [150.0]]),
        ahead=np.zeros((2, 0)),
        here=np.zeros((2, 0)),
        backup_s=np.array([4.0, np.inf]),
    )
    monitor.note(own)
    monitor.note(own._replace(now_s=np.array([3.5, 2.5])))

    figures = {
        (figure["name"], *figure["labels"].values()): (figure["value"], figure["unit"])
        for figure in monitor.summary()
        if figure["value"]
    }

    power = ("power", "hard")
    assert figures == {
        ("flyball_decisions_total", "same"): (2, ""),
        ("flyball_decisions_total", "bent"): (2, ""),
        ("flyball_gate_decisions_total", "committed"): (2, ""),
        ("flyball_measurements_doubted_total",): (2, ""),
        ("flyball_action_clip_ratio",): (0.5, ""),
        ("flyball_intervention_spans_total",): (0.2, ""),
        ("flyball_intervention_spans_max",): (0.1, ""),
        ("flyball_backup_seconds",): (4.0, "s"),
        ("flyball_backup_seconds_min",): (4.0, "s"),
        ("flyball_constraint_attempts_total", *power): (2, ""),
        ("flyball_constraint_violations_total", *power): (2, ""),
        ("flyball_shield_interventions_total", *power): (2, ""),
        ("flyball_constraint_margin", *power): (-20.0, "kW"),
        ("flyball_constraint_margin_min", *power): (-20.0, "kW"),
        ("flyball_constraint_depth_seconds_total", *power): (20.0 * 2.5, "kW·s"),
        ("flyball_intervention_total", "valve"): (20.0, "%"),
        ("flyball_intervention_max", "valve"): (10.0, "%"),
    }


def test_a_soft_limit_tells_the_slack_that_was_used():
    made = compiled(SUMS[1:2], VALUES, SIGNALS, DECISION_S)
    monitor = Monitor(made, VALUES, n_rows=1, conditions=(Trip(event="broken", of=1),))
    for n in range(3):
        fuel = np.array([[0.0, 65.0, 0.0, 0.0, 0.0]])
        holds = monitor.note(
            Decision(
                np.array([float(n)]), np.ones(1, np.int32), np.full(1, -1, np.int32),
                np.zeros(1, np.bool_), fuel, fuel, np.zeros((1, 0, 2)), np.array([[60.0]]),
                np.zeros((1, 0)), np.zeros((1, 0)), np.full(1, np.inf),
            )
        )  # fmt: skip

    assert value(monitor, "flyball_constraint_slack_total", constraint="thrift") == 15.0
    assert not holds.any()  # only hard limits trip


def test_figures_are_plain_data_under_names_that_prometheus_takes():
    monitor = Monitor(
        compiled([*LIMITS, *SUMS], VALUES, SIGNALS, DECISION_S), VALUES, n_rows=2, state=STATE
    )

    figures = monitor.summary()

    json.dumps(figures, allow_nan=False)
    keys = [(figure["name"], *sorted(figure["labels"].items())) for figure in figures]
    assert len(set(keys)) == len(keys)
    for figure in figures:
        assert re.fullmatch(r"flyball_[a-z_]+", figure["name"])
        assert figure["name"].endswith("_total") == (figure["kind"] == "counter")
    # Nothing was seen yet, so nobody knows a margin.
    assert value(monitor, "flyball_constraint_margin_min", constraint="range") is None
    assert value(monitor, "flyball_backup_seconds") is None


def test_a_row_that_begins_anew_forgets_what_led_to_a_trip_and_counts_on():
    monitor, _, held = played(
        5,
        applies=lambda filtered, _: filtered.applied,
        wild=1.0,
        conditions=(Trip(event="nonfinite", n=3, of=3),),
    )
    assert held[-1].all()
    assert monitor.causes(2) == ("nonfinite in 3 decisions in a row",)

    monitor.begin(np.array([2]))

    assert monitor.causes(2) == ()
    assert monitor.causes(1) == ("nonfinite in 3 decisions in a row",)
    assert value(monitor, "flyball_proposals_nonfinite_total") == 5 * N
    assert value(monitor, "flyball_trips_total") == N


def test_a_snapshot_brings_every_counter_back():
    def apply(filtered, _):
        return filtered.applied

    conditions = (Trip(event="attempted", n=4, within_s=9.0),)
    half = played(20, applies=apply, conditions=conditions)[0]
    whole = played(40, applies=apply, conditions=conditions)[0]
    snapshot, before = half.snapshot(), half.summary()

    half.restore(whole.snapshot())
    assert half.summary() == whole.summary() != before
    half.restore(snapshot)

    assert half.summary() == before


@pytest.mark.parametrize("n_rows", [1, 1024])
def test_a_monitor_of_any_number_of_rows_has_its_own_counters(n_rows):
    made = compiled([*LIMITS, *SUMS], VALUES, SIGNALS, DECISION_S)

    monitor = Monitor(made, VALUES, n_rows=n_rows)

    assert all(len(array) == n_rows for array in monitor.snapshot().values())
