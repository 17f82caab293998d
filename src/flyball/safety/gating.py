# SPDX-License-Identifier: MIT
"""What lies in the pool of a gate, and where compiled code finds it.

R rows · X states · D values · H holds of a plan · n <= R rows that are asked about · G barriers · S
sums.
"""

from typing import NamedTuple

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.safety.kernels import viewing
from flyball.safety.pool import (
    Pool,
    flag_1,
    leaves,
    real_1,
    real_2,
    real_3,
    small_1,
    whole_1,
)

PASSED, EASED, COMMITTED, RESTORED, LOST = range(5)
"""Codes: as proposed; part of the way back to the plan; the plan; a new plan; nothing certified."""

SHARES = (1.0, 0.5, 0.25)
"""How far towards the proposed value one goes from the plan's, in turn."""


class Ways(NamedTuple):
    """What hard limits allow values by themselves, and hard barriers where the model leads."""

    low: Doubles  # (D,)
    high: Doubles  # (D,)
    fall: Doubles  # (D,) largest way down from one step to the next
    rise: Doubles  # (D,)
    weight: Doubles  # (S, D) sums
    bound: Doubles  # (S,)
    barrier: Doubles  # (G, X)
    most: Doubles  # (G,)


class Times(NamedTuple):
    """How long things take."""

    span_s: Doubles  # (2,) of a step and of a hold
    ticks: Longs  # (1,) steps of a hold


class Held(NamedTuple):
    """What is remembered from decision to decision."""

    low: Doubles  # (R, X) where rows can be; infinite where nothing is known
    high: Doubles  # (R, X)
    plan: Doubles  # (R, H, D)
    ticks: Longs  # (R,) steps that a plan lasts
    used: Longs  # (R,) of them behind


class Gated(NamedTuple):
    """What came of a decision; valid until the next one."""

    applied: Doubles  # (R, D)
    code: Ints  # (R,)
    margin: Doubles  # (R,) smallest distance to a hard limit that the step can come to
    doubted: Bools  # (R,) measured is what the model excludes
    ahead: Doubles  # (R,) the margin of what was proposed; inf: it was no value to be asked about
    left_s: Doubles  # (R,) until the committed plan ends; inf: there is none


class Turn(NamedTuple):
    """What one turn works on: of each row, and of each of n rows that are asked about."""

    low: Doubles  # (R, X) where rows can be now
    high: Doubles  # (R, X)
    known: Bools  # (R,) whether that is a box
    seen: Bools  # (R,) whether all of the state was measured
    row: Longs  # (n,) which row it is
    box_low: Doubles  # (n, X) where the model is asked from
    box_high: Doubles  # (n, X)
    value: Doubles  # (n, D) held from there
    prior: Doubles  # (n, D) applied before that
    end_low: Doubles  # (n, X) where the first step leads
    end_high: Doubles  # (n, X)
    end_margin: Doubles  # (n,)
    holds: Bools  # (n,) a plan is certified so far
    ended: Bools  # (n,) it has reached the safe set
    plan: Doubles  # (n, H, D)
    ticks: Longs  # (n,) steps until then


WAYS, TIMES = 0, leaves(Ways)
HELD = TIMES + leaves(Times)
GATED = HELD + leaves(Held)
TURN = GATED + leaves(Gated)
"""Numbers of the first array of each in a gate's pool."""


class Question(NamedTuple):
    """What a gate is asked."""

    low: Doubles  # (R, X) measured; NaN where nobody sees
    high: Doubles  # (R, X)
    proposed: Doubles  # (R, D) what passed the filter
    before: Doubles  # (R, D) what was applied last
    late: Bools  # (R,) what was predicted was for another time


Asked = tuple[Doubles, Doubles, Doubles, Doubles, Bools]
"""A `Question` as compiled code takes it."""


@viewing
def ways_in(pool: Pool) -> Ways:
    """Return what limits allow."""
    return Ways(
        real_1(pool, WAYS),
        real_1(pool, WAYS + 1),
        real_1(pool, WAYS + 2),
        real_1(pool, WAYS + 3),
        real_2(pool, WAYS + 4),
        real_1(pool, WAYS + 5),
        real_2(pool, WAYS + 6),
        real_1(pool, WAYS + 7),
    )


@viewing
def held_in(pool: Pool) -> Held:
    """Return what is remembered."""
    return Held(
        real_2(pool, HELD),
        real_2(pool, HELD + 1),
        real_3(pool, HELD + 2),
        whole_1(pool, HELD + 3),
        whole_1(pool, HELD + 4),
    )


@viewing
def gated_in(pool: Pool) -> Gated:
    """Return what is answered."""
    return Gated(
        real_2(pool, GATED),
        small_1(pool, GATED + 1),
        real_1(pool, GATED + 2),
        flag_1(pool, GATED + 3),
        real_1(pool, GATED + 4),
        real_1(pool, GATED + 5),
    )


@viewing
def turn_in(pool: Pool) -> Turn:
    """Return what a turn works on."""
    return Turn(
        real_2(pool, TURN),
        real_2(pool, TURN + 1),
        flag_1(pool, TURN + 2),
        flag_1(pool, TURN + 3),
        whole_1(pool, TURN + 4),
        real_2(pool, TURN + 5),
        real_2(pool, TURN + 6),
        real_2(pool, TURN + 7),
        real_2(pool, TURN + 8),
        real_2(pool, TURN + 9),
        real_2(pool, TURN + 10),
        real_1(pool, TURN + 11),
        flag_1(pool, TURN + 12),
        flag_1(pool, TURN + 13),
        real_3(pool, TURN + 14),
        whole_1(pool, TURN + 15),
    )
