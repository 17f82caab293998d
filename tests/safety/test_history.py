# SPDX-License-Identifier: MIT
"""A window in buckets against a list of everything that was applied."""

from itertools import pairwise

import numpy as np
import pytest

from flyball.safety.history import BUCKETS, Window, allocate, begin, note, past


def window(length_s, least=0.0):
    return Window(np.zeros(1, np.int64), np.array([length_s]), np.array([least]))


def played(steps, length_s, least=0.0):
    """Yield time, content of the window before each move, and all (time, value) so far."""
    history, own = allocate(1, 1, 1), window(length_s, least)
    begin(history, 0, np.array([steps[0][1]]), steps[0][0])
    applied = [steps[0]]
    for now_s, value in steps[1:]:
        yield now_s, past(history, own, 0, 0, now_s), list(applied)
        note(history, own, 0, np.array([value]), np.array([np.nan]), now_s)
        applied.append((now_s, value))


def slow_past(applied, first_s, least):
    """The definition: what was in force at first_s or later, and what moved since."""
    before = [value for time, value in applied if time < first_s]
    force = [value for time, value in applied if time >= first_s] + before[-1:]
    ways = [abs(value - old) for (_, old), (time, value) in pairwise(applied) if time >= first_s]
    return min(force), max(force), sum(way > least for way in ways), sum(ways)


@pytest.mark.parametrize("pace_s", [0.01, 0.7, 40.0])
def test_a_window_holds_at_least_what_was_asked_for_and_little_more(pace_s):
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.exponential(pace_s, 300))
    steps = [(float(t), float(v)) for t, v in zip(times, rng.normal(size=300), strict=True)]
    length_s, least = 20.0, 0.3
    longest_s = length_s * (1 + 1 / (BUCKETS - 2)) + 1e-9

    for now_s, found, applied in played(steps, length_s, least):
        # What was in force before anything was known counts as the first value.
        least_of = slow_past(applied, now_s - length_s, least)
        most_of = slow_past(applied, now_s - longest_s, least)
        assert most_of[0] <= found.low <= least_of[0]
        assert least_of[1] <= found.high <= most_of[1]
        assert least_of[2] <= found.moves <= most_of[2]
        assert least_of[3] - 1e-9 <= found.travel <= most_of[3] + 1e-9


def test_running_and_resting_times_count_from_the_switch():
    history, own = allocate(2, 1, 0), Window(*(np.zeros(0, t) for t in (np.int64, float, float)))
    run = np.array([10.0])
    for row in range(2):
        begin(history, row, np.zeros(1), 0.0)
    assert history.since_s[0, 0] == -np.inf

    for now_s, value in ((1.0, 4.0), (2.0, 12.0), (3.0, 15.0)):
        note(history, own, 0, np.array([value]), run, now_s)

    assert history.since_s[0, 0] == 2.0
    assert history.since_s[1, 0] == -np.inf  # another row
    note(history, own, 0, np.zeros(1), run, 5.0)
    assert (history.since_s[0, 0], history.last[0, 0], history.last_s[0]) == (5.0, 0.0, 5.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_after_what_is_no_number_nothing_is_known_until_the_row_begins_anew(value):
    history, own = allocate(2, 1, 1), window(10.0)
    begin(history, 0, np.array([5.0]), 1.0)
    begin(history, 1, np.array([5.0]), 1.0)

    note(history, own, 0, np.array([value]), np.array([np.nan]), 2.0)

    assert history.known.tolist() == [False, True]
    assert (history.last[0, 0], history.last_s[0]) == (5.0, 1.0)
    note(history, own, 0, np.array([6.0]), np.array([np.nan]), 3.0)
    assert (history.known[0], history.last[0, 0]) == (False, 6.0)  # in force, but not for how long
    begin(history, 0, np.array([6.0]), 3.0)
    assert history.known[0]


@pytest.mark.parametrize("now_s", [np.nan, np.inf, 0.5, -np.inf])
def test_a_time_that_is_none_or_comes_too_early_counts_as_the_last_one(now_s):
    history, own = allocate(1, 1, 1), window(10.0)
    begin(history, 0, np.array([5.0]), 1.0)

    note(history, own, 0, np.array([6.0]), np.array([5.5]), now_s)

    assert history.known[0]
    assert (history.last[0, 0], history.last_s[0], history.since_s[0, 0]) == (6.0, 1.0, 1.0)
    assert past(history, own, 0, 0, 2.0) == (5.0, 6.0, 1.0, 1.0)


@pytest.mark.parametrize(("value", "now_s"), [(np.nan, 0.0), (-np.inf, 0.0), (1.0, np.nan)])
def test_a_row_that_begins_with_what_is_no_number_is_not_known(value, now_s):
    history = allocate(1, 1, 0)

    begin(history, 0, np.array([value]), now_s)

    assert not history.known[0]
    assert np.isfinite(history.last).all()
