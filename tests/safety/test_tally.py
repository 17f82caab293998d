# SPDX-License-Identifier: MIT
"""Everything that is counted against its definition on the list of all decisions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.safety import bounds
from flyball.safety.tally import Decision, Watch, allocate, count_rows, margins
from flyball.safety.trips import EVENTS, FILTERED, GATED

WATCH = Watch(
    kind=np.array([bounds.BOX, bounds.DWELL, bounds.STEP], np.int32),
    value=np.array([0, 1, 0], np.int64),
    weight=np.array([[1.0, 0.0, -2.0], [0.0, 3.0, 0.5]]),
    idle=np.array([np.nan, 0.0, 0.0]),
    run=np.array([np.nan, 4.0, 4.0]),
    member=np.array([[False, True, True]]),
    most=np.array([1], np.int64),
    hard=np.array([True, True, False, True, False, True, True]),
    scale=np.array([10.0, 5.0, 2.0]),
)
N_LIMITS, SOME = 7, [0.0, -0.0, 1.0, 2.5, 4.0, -3.0, 9.0]
ODD = [np.nan, np.inf, -np.inf, 1e308, -1e308]


def slow_margins(interval, bound, u):
    """The definition of each limit's margin, for the plant above."""
    found = []
    for (low, high), d, switches in zip(interval, (0, 1, 0), (False, True, False), strict=True):
        x = u[d]
        sides = [x - low, high - x]
        if switches and 0.0 < x < 4.0:
            sides.append(-min(x, 4.0 - x))
        found.append(math.nan if any(map(math.isnan, sides)) else min(sides))
        found[-1] = math.nan if not math.isfinite(x) else found[-1]
    for b, terms in zip(bound, ([u[0], -2.0 * u[2]], [3.0 * u[1], 0.5 * u[2]]), strict=True):
        overflows = math.isinf(sum(map(abs, terms)))
        found.append(math.nan if overflows else b - (terms[0] + terms[1]))
    running = [x for x in u[1:] if not x <= 0.0]
    return [*found, float(1 - len(running))]


def played(rng, n_rows, n_steps, odd):
    """Return random decisions; a share of their numbers is odd."""

    def numbers(*shape):
        drawn = rng.choice(SOME, shape)
        return np.where(rng.random(shape) < odd, rng.choice(ODD, shape), drawn)

    now_s, found = np.zeros(n_rows), []
    for _ in range(n_steps):
        now_s = now_s + rng.choice([0.0, 0.5, 2.0], n_rows)
        proposed = numbers(n_rows, 3)
        changed = rng.random((n_rows, 1)) < 0.5
        ends = np.sort(rng.choice([-4.0, 0.0, 2.0, 8.0, np.inf, -np.inf], (n_rows, 3, 2)), -1)
        ends = np.where(ends == ends[..., ::-1], [-np.inf, np.inf], ends)
        found.append(
            Decision(
                now_s=np.where(rng.random(n_rows) < odd, np.nan, now_s),
                filtered=rng.integers(0, len(FILTERED), n_rows).astype(np.int32),
                gated=rng.integers(-1, len(GATED), n_rows).astype(np.int32),
                doubted=rng.random(n_rows) < 0.3,
                proposed=proposed,
                applied=np.where(changed, numbers(n_rows, 3), proposed),
                interval=ends,
                bound=numbers(n_rows, 2),
                ahead=numbers(n_rows, 1),
                here=numbers(n_rows, 1),
                backup_s=rng.choice([np.inf, 1.0, 3.0], n_rows),
            )
        )
    return found


def of_row(decision, r):
    """Return what is wanted, what is so and what happened, in one row of one decision."""
    proposed, applied = decision.proposed[r].tolist(), decision.applied[r].tolist()
    if FILTERED[decision.filtered[r]] == "blind":
        wanted = so = [-math.inf] * 6
    else:
        wanted = slow_margins(decision.interval[r].tolist(), decision.bound[r].tolist(), proposed)
        so = slow_margins(decision.interval[r].tolist(), decision.bound[r].tolist(), applied)
    wanted, so = [*wanted, float(decision.ahead[r, 0])], [*so, float(decision.here[r, 0])]
    unseen = [m == -math.inf for m in so]
    attempted = [
        not m >= 0 and not (m == -math.inf and blind)
        for m, blind in zip(wanted, unseen, strict=True)
    ]
    broken = [not m >= 0 and not blind for m, blind in zip(so, unseen, strict=True)]
    hard = WATCH.hard.tolist()
    happened = {FILTERED[decision.filtered[r]]}
    happened |= {GATED[decision.gated[r]]} if decision.gated[r] >= 0 else set()
    happened |= {"doubted"} if decision.doubted[r] else set()
    happened |= {"nonfinite"} if not all(map(math.isfinite, proposed)) else set()
    same = all(a == p for a, p in zip(applied, proposed, strict=True))
    happened |= set() if same else {"intervened"}
    for name, flags in (("attempted", attempted), ("broken", broken), ("unseen", unseen)):
        happened |= {name} if any(f and h for f, h in zip(flags, hard, strict=True)) else set()
    return so, attempted, broken, unseen, happened


def depth(margin):
    return -margin if -math.inf < margin < 0 else 0.0


def slow_tally(decisions, r):
    """Everything that is counted for a row, by its definition on the whole list."""
    rows = [of_row(decision, r) for decision in decisions]
    limits = range(N_LIMITS)
    finite = [[m for m in (row[0][c] for row in rows) if m > -math.inf] for c in limits]
    times = [float(decision.now_s[r]) for decision in decisions]
    held_s = [b - a if 0 < b - a < math.inf else 0.0 for a, b in pairwise(times)]
    ways = [
        [abs(a - p) for a, p in zip(d.applied[r].tolist(), d.proposed[r].tolist(), strict=True)]
        for d in decisions
    ]
    shares = [[way / scale for way, scale in zip(own, (10, 5, 2), strict=True)] for own in ways]
    lengths = [math.sqrt(sum(x * x for x in own)) for own in shares]
    lengths = [x for x in lengths if math.isfinite(x)]
    return {
        "decisions": len(rows),
        "events": [sum(event in row[4] for row in rows) for event in EVENTS],
        "attempted": [sum(row[1][c] for row in rows) for c in limits],
        "broken": [sum(row[2][c] for row in rows) for c in limits],
        "unseen": [sum(row[3][c] for row in rows) for c in limits],
        "intervened": [sum(row[1][c] and "intervened" in row[4] for row in rows) for c in limits],
        "margin": rows[-1][0],
        "least": [min(own, default=math.inf) for own in finite],
        "depth": [depth(m) for m in rows[-1][0]],
        "used": [sum(depth(row[0][c]) for row in rows) for c in limits],
        "depth_s": [
            sum(depth(row[0][c]) * s for row, s in zip(rows, held_s, strict=False)) for c in limits
        ],
        "moved": [sum(own[d] for own in ways if math.isfinite(own[d])) for d in range(3)],
        "most_moved": [
            max([own[d] for own in ways if math.isfinite(own[d])] or [0.0]) for d in range(3)
        ],
        "scaled": sum(lengths),
        "most_scaled": max(lengths, default=0.0),
        "backup_s": float(decisions[-1].backup_s[r]),
        "least_backup_s": min(float(d.backup_s[r]) for d in decisions),
    }


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]), st.integers(1, 12))
def test_the_tally_is_what_a_list_of_all_decisions_says(seed, odd, n_steps):
    n_rows = 3
    decisions = played(np.random.default_rng(seed), n_rows, n_steps, odd)
    tally = allocate(WATCH, n_rows)

    for decision in decisions:
        count_rows(WATCH, decision, tally)

    for r in range(n_rows):
        for name, expected in slow_tally(decisions, r).items():
            found = getattr(tally, name)[r]
            np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)


def judged(**changes):
    """Return the tally of one decision: all limits kept, then with changes."""
    decision = Decision(
        now_s=np.zeros(1),
        filtered=np.zeros(1, np.int32),
        gated=np.full(1, -1, np.int32),
        doubted=np.zeros(1, np.bool_),
        proposed=np.array([[1.0, 0.0, 0.0]]),
        applied=np.array([[1.0, 0.0, 0.0]]),
        interval=np.array([[[0.0, 2.0], [0.0, 9.0], [-np.inf, np.inf]]]),
        bound=np.array([[5.0, np.inf]]),
        ahead=np.full((1, 1), np.inf),
        here=np.full((1, 1), 3.0),
        backup_s=np.full(1, np.inf),
    )._replace(**changes)
    tally = allocate(WATCH, 1)
    count_rows(WATCH, decision, tally)
    return tally


def test_nothing_is_counted_where_every_limit_is_kept():
    tally = judged()

    assert tally.margin[0].tolist() == [1.0, 0.0, np.inf, 4.0, np.inf, 1.0, 3.0]
    assert not tally.attempted.any()
    assert not tally.broken.any()
    assert not tally.unseen.any()
    assert {EVENTS[k] for k in np.flatnonzero(tally.events[0])} == {"same"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_no_number_breaks_whatever_bounds_it(value):
    tally = judged(applied=np.array([[value, 0.0, 0.0]]))

    assert tally.broken[0].tolist() == [1, 0, 1, 1, 0, 0, 0]
    assert tally.depth[0].tolist() == [0.0] * N_LIMITS


def test_what_rounding_does_is_no_breach():
    high, third = 1e6 / 3.0, 1.0 / 3.0
    own = np.array([[[-np.inf, high], [0.0, 9.0], [-np.inf, np.inf]]])
    tally = judged(
        interval=own,
        applied=np.array([[np.nextafter(high, np.inf), 0.0, 0.0]]),
        bound=np.array([[np.nextafter(high, 0.0), np.inf]]),
    )
    assert tally.broken[0].tolist() == [0] * N_LIMITS
    assert tally.margin[0, [0, 3]].tolist() == [0.0, 0.0]

    tally = judged(applied=np.array([[third + 1e-9, 0.0, 0.0]]), bound=np.array([[third, np.inf]]))
    assert tally.broken[0].tolist() == [0, 0, 0, 1, 0, 0, 0]


def test_margins_of_limits_that_are_no_number_are_no_number():
    out = np.empty((1, N_LIMITS))
    interval = np.array([[[np.nan, 5.0], [0.0, np.nan], [0.0, 5.0]]])

    margins(WATCH, interval, np.array([[np.nan, 1.0]]), np.array([[1.0, 0.0, 0.0]]), out)

    assert np.isnan(out[0, [0, 1, 3]]).all()
    assert out[0, 2] == 1.0


def test_what_nobody_can_see_is_neither_kept_nor_broken():
    tally = judged(bound=np.array([[-np.inf, np.inf]]), here=np.full((1, 1), -np.inf))

    assert tally.unseen[0].tolist() == [0, 0, 0, 1, 0, 0, 1]
    assert not tally.broken.any()
    assert not tally.attempted.any()
    assert tally.least[0, 3] == np.inf
