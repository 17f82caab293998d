# SPDX-License-Identifier: MIT
"""Conditions of a trip against a list of everything that happened."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import ConfigError
from flyball.safety import filtering, gate, projection
from flyball.safety.trips import (
    EVENTS,
    FILTERED,
    GATED,
    TRIPS,
    Trip,
    allocate,
    conditions_of,
    forget,
    look_back,
)

CONDITIONS = st.lists(
    st.one_of(
        st.builds(
            lambda event, n, more: Trip(event=event, n=n, of=n + more),
            st.sampled_from(EVENTS), st.integers(1, 4), st.integers(0, 4),
        ),
        st.builds(
            lambda event, n, within_s: Trip(event=event, n=n, within_s=within_s),
            st.sampled_from(EVENTS), st.integers(1, 4),
            st.sampled_from([0.5, 1.0, 2.5, np.inf]),
        ),
    ),
    max_size=5,
)  # fmt: skip


def slow_holds(trip, seen):
    """The definition, on a list of (time, events that happened)."""
    if trip.of:
        return sum(trip.event in events for _, events in seen[-trip.of :]) >= trip.n
    now_s = seen[-1][0]
    return (
        sum(trip.event in events and now_s - time <= trip.within_s for time, events in seen)
        >= trip.n
    )


@given(CONDITIONS, st.integers(0, 2**32), st.sampled_from([0.1, 0.5, 0.9]))
def test_conditions_hold_when_a_list_of_all_decisions_says_so(trips, seed, share):
    rng, n_rows = np.random.default_rng(seed), 3
    conditions = conditions_of(trips)
    recent = allocate(conditions, n_rows)
    seen = [[] for _ in range(n_rows)]
    now_s = np.zeros(n_rows)
    for _ in range(25):
        now_s = now_s + rng.choice([0.0, 0.25, 0.5, 1.0, 4.0], n_rows)
        happened = rng.random((n_rows, len(EVENTS))) < share
        if rng.random() < 0.05:
            forget(recent, np.array([1]))
            seen[1].clear()

        look_back(conditions, recent, happened, now_s)

        for r in range(n_rows):
            seen[r].append((now_s[r], {EVENTS[k] for k in np.flatnonzero(happened[r])}))
            expected = [slow_holds(trip, seen[r]) for trip in trips]
            np.testing.assert_array_equal(recent.holds[r], expected)


def test_a_time_that_is_no_number_counts_as_within_the_window():
    conditions = conditions_of([Trip(event="lost", n=2, within_s=1.0)])
    for times in ((0.0, np.nan), (np.nan, 5.0), (np.nan, np.nan), (9.0, 1.0)):
        recent = allocate(conditions, 1)
        happened = np.array([[event == "lost" for event in EVENTS]])
        for now_s in times:
            look_back(conditions, recent, happened, np.array([now_s]))
        assert recent.holds[0, 0]


def test_memory_is_bounded_by_what_the_conditions_look_back_on():
    conditions = conditions_of([Trip(event="lost", n=3, within_s=9.0), Trip(event="bent", of=7)])

    assert allocate(conditions, 2).place.shape == (2, 10)
    assert allocate(conditions_of(()), 2).place.shape == (2, 0)


def test_events_stand_in_the_order_of_the_codes_of_filter_and_gate():
    codes = {
        "same": projection.SAME,
        "bent": projection.BENT,
        "invalid": projection.INVALID,
        "infeasible": projection.INFEASIBLE,
        "unfinished": projection.UNFINISHED,
        "blind": filtering.BLIND,
    }
    assert tuple(sorted(codes, key=codes.__getitem__)) == FILTERED
    assert set(codes.values()) == set(filtering.WORDS) == set(range(len(FILTERED)))
    codes = {name: getattr(gate, name.upper()) for name in GATED}
    assert list(codes.values()) == list(gate.WORDS) == list(range(len(GATED)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"event": "brokn", "of": 1}, "trip event: 'brokn'; .*; fix: did you mean 'broken'?"),
        ({"event": "lost"}, r"within_s, of: 0.0 s, 0 decisions; allowed: one of them, above 0"),
        ({"event": "lost", "of": 2, "within_s": 1.0}, "1.0 s, 2 decisions; .*; fix: leave"),
        ({"event": "lost", "within_s": float("nan")}, "within_s, of: nan s"),
        ({"event": "lost", "within_s": -1.0}, "within_s, of: -1.0 s"),
        ({"event": "lost", "of": -3, "within_s": 1.0}, "within_s, of: 1.0 s, -3 decisions"),
        ({"event": "lost", "n": 0, "of": 2}, "trip n: 0; allowed: at least 1; fix: write"),
        ({"event": "lost", "n": 3, "of": 2}, "trip n: 3; allowed: at most 2, .*never trip"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        Trip(**settings)


def test_conditions_say_in_words_when_they_trip():
    assert [trip.explain() for trip in TRIPS] == [
        "broken",
        "lost",
        "infeasible 3 times within 60 s",
        "unseen in 5 decisions in a row",
        "nonfinite in 3 decisions in a row",
        "intervened in 101 of 200 decisions",
    ]
    assert Trip(event="bent", n=4, within_s=np.inf).explain() == "bent 4 times"
