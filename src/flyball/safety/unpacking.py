# SPDX-License-Identifier: MIT
"""What lies in the pools of a filter, and where compiled code finds it.

One pool holds what a filter is and remembers, another what it answers and works with; the latter
has rows for limits that depend on the state, of which there may be more or fewer.

R rows · D values · M signals · X predicted states · S sums · Q soft intervals, each an upper and a
lower row · K rows that depend on the state.
"""

from typing import NamedTuple

from flyball.core.batch import Doubles, Ints, Longs
from flyball.safety.activeset import Work
from flyball.safety.bounds import Seen, Tables
from flyball.safety.history import History, Window
from flyball.safety.kernels import viewing
from flyball.safety.pool import (
    Pool,
    flag_1,
    flag_2,
    leaves,
    real_1,
    real_2,
    real_3,
    small_1,
    whole_1,
    whole_2,
    whole_3,
)


class Frame(NamedTuple):
    """What does not change from call to call."""

    tables: Tables
    low: Doubles  # (D,) ranges of the values
    high: Doubles  # (D,)
    scale: Doubles  # (D,)
    rows: Doubles  # (S + 2 Q, D)
    price: Doubles  # (S + 2 Q,) NaN: only noted
    soft: Longs  # (Q,) numbers of the soft intervals
    state: Longs  # (X,) signals that are states
    power: Doubles  # as in `Ahead`
    way: Doubles
    drift: Doubles
    spread: Doubles


class Filtered(NamedTuple):
    """What came of it; valid until the next call."""

    applied: Doubles  # (R, D)
    code: Ints  # (R,)
    low: Doubles  # (R, D) the box that hard limits leave
    high: Doubles  # (R, D)
    narrow: Longs  # (R, D, 2) interval that gave each side of the box; -1: the value's range
    interval: Doubles  # (R, I, 2) what each interval limit allows
    bound: Doubles  # (R, S) what is left of each sum's bound for the values
    slack: Doubles  # (R, S + 2 Q + K) by how much each row is broken by what is applied
    multiplier: Doubles  # (R, S + 2 Q + K + 2 D) what each row costs, those of the box last


class Room(NamedTuple):
    """What one row is worked out with, one row after the other."""

    seen: Seen  # M + X signals
    known: Doubles  # (2, X) state and its largest error
    rows: Doubles  # (S + 2 Q + K, D) of the program
    bound: Doubles  # (S + 2 Q + K,)
    price: Doubles  # (S + 2 Q + K,)
    work: Work


HISTORY = leaves(Frame)
QUEUE = HISTORY + leaves(History)
"""Numbers of the first arrays in a filter's own pool; its frame comes first."""

ROOM = leaves(Filtered)
WORK = ROOM + leaves(Room) - leaves(Work)
"""Numbers in the pool of answers; what is answered comes first."""


@viewing
def tables_of(pool: Pool) -> Tables:
    """Return the limits in a filter's pool."""
    return Tables(
        small_1(pool, 0),
        whole_1(pool, 1),
        whole_1(pool, 2),
        real_2(pool, 3),
        whole_2(pool, 4),
        small_1(pool, 5),
        real_1(pool, 6),
        real_1(pool, 7),
        Window(whole_1(pool, 8), real_1(pool, 9), real_1(pool, 10)),
        whole_1(pool, 11),
        real_2(pool, 12),
        real_2(pool, 13),
        real_1(pool, 14),
        real_1(pool, 15),
        real_1(pool, 16),
        real_1(pool, 17),
        real_1(pool, 18),
        flag_1(pool, 19),
        flag_2(pool, 20),
        whole_1(pool, 21),
        flag_1(pool, 22),
        real_1(pool, 23)[0],
    )


@viewing
def frame_of(pool: Pool) -> Frame:
    """Return what does not change in a filter's pool."""
    return Frame(
        tables_of(pool),
        real_1(pool, 24),
        real_1(pool, 25),
        real_1(pool, 26),
        real_2(pool, 27),
        real_1(pool, 28),
        whole_1(pool, 29),
        whole_1(pool, 30),
        real_2(pool, 31),
        real_3(pool, 32),
        real_1(pool, 33),
        real_1(pool, 34),
    )


@viewing
def history_of(pool: Pool) -> History:
    """Return what a filter's pool remembers."""
    return History(
        flag_1(pool, HISTORY),
        real_2(pool, HISTORY + 1),
        real_1(pool, HISTORY + 2),
        real_2(pool, HISTORY + 3),
        whole_3(pool, HISTORY + 4),
        real_3(pool, HISTORY + 5),
        real_3(pool, HISTORY + 6),
        real_3(pool, HISTORY + 7),
        real_3(pool, HISTORY + 8),
    )


@viewing
def queue_of(pool: Pool) -> Doubles:
    """Return (R, L, D) values on their way through the dead time, the oldest first."""
    return real_3(pool, QUEUE)


@viewing
def filtered_of(pool: Pool) -> Filtered:
    """Return what is answered in a pool of answers."""
    return Filtered(
        real_2(pool, 0),
        small_1(pool, 1),
        real_2(pool, 2),
        real_2(pool, 3),
        whole_3(pool, 4),
        real_3(pool, 5),
        real_2(pool, 6),
        real_2(pool, 7),
        real_2(pool, 8),
    )


@viewing
def room_of(pool: Pool) -> Room:
    """Return what is worked with in a pool of answers."""
    return Room(
        Seen(real_1(pool, ROOM), real_1(pool, ROOM + 1), flag_1(pool, ROOM + 2)),
        real_2(pool, ROOM + 3),
        real_2(pool, ROOM + 4),
        real_1(pool, ROOM + 5),
        real_1(pool, ROOM + 6),
        Work(
            real_2(pool, WORK),
            real_1(pool, WORK + 1),
            real_1(pool, WORK + 2),
            real_1(pool, WORK + 3),
            small_1(pool, WORK + 4),
            small_1(pool, WORK + 5),
            real_2(pool, WORK + 6),
            real_2(pool, WORK + 7),
            real_1(pool, WORK + 8),
            real_1(pool, WORK + 9),
            real_1(pool, WORK + 10),
            real_1(pool, WORK + 11),
        ),
    )
