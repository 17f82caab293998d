# SPDX-License-Identifier: MIT
"""How often somebody may ask."""

from hypothesis import given
from hypothesis import strategies as st

from flyball.core.clock import ManualClock
from flyball.serving.rate import Rate


def test_twice_the_rate_at_once_and_then_the_rate():
    clock = ManualClock()
    own = Rate(10.0, clock)

    assert [own.admits("ann") for _ in range(25)] == [True] * 20 + [False] * 5
    clock.advance(0.35)

    assert [own.admits("ann") for _ in range(5)] == [True] * 3 + [False] * 2


def test_one_name_does_not_use_up_what_another_may():
    own = Rate(1.0, ManualClock())
    while own.admits("ann"):
        pass

    assert own.admits("bob")


def test_more_than_is_left_is_refused_and_costs_nothing():
    own = Rate(5.0, ManualClock())

    assert not own.admits("ann", 11.0)
    assert own.admits("ann", 10.0)
    assert not own.admits("ann")


@given(st.floats(0.5, 100.0), st.lists(st.floats(0.0, 3.0), max_size=40))
def test_whenever_somebody_asks_no_more_than_the_rate_and_one_burst_is_admitted(per_s, waits_s):
    clock = ManualClock()
    own, admitted = Rate(per_s, clock), 0

    for wait_s in waits_s:
        clock.advance(wait_s)
        while own.admits("ann"):
            admitted += 1

    assert admitted <= per_s * (2.0 + sum(waits_s[1:])) + 1e-6
