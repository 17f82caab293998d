# SPDX-License-Identifier: MIT
"""What lies in a monitor's pool, and how a decision is counted there.

R rows · C limits · T trip conditions.
"""

from typing import Any

from flyball.safety.kernels import kernel, viewing
from flyball.safety.pool import (
    Pool,
    flag_1,
    flag_2,
    leaves,
    real_1,
    real_2,
    small_1,
    whole_1,
    whole_2,
)
from flyball.safety.tally import Decision, Tally, Watch, count_rows
from flyball.safety.trips import Conditions, Recent, look_back

TALLY = leaves(Watch)
CONDITIONS = TALLY + leaves(Tally)
RECENT = CONDITIONS + leaves(Conditions)
TRIPS = RECENT + leaves(Recent)
"""Numbers of the first array of each in a monitor's pool; what it watches comes first, and last how
often each condition began to hold (R, T), and whether it held before (R, T)."""


@viewing
def watch_of(pool: Pool) -> Watch:
    """Return what is watched."""
    return Watch(
        small_1(pool, 0),
        whole_1(pool, 1),
        real_2(pool, 2),
        real_1(pool, 3),
        real_1(pool, 4),
        flag_2(pool, 5),
        whole_1(pool, 6),
        flag_1(pool, 7),
        real_1(pool, 8),
    )


@viewing
def tally_of(pool: Pool) -> Tally:
    """Return what is counted."""
    return Tally(
        flag_2(pool, TALLY),
        whole_1(pool, TALLY + 1),
        whole_2(pool, TALLY + 2),
        whole_2(pool, TALLY + 3),
        whole_2(pool, TALLY + 4),
        whole_2(pool, TALLY + 5),
        whole_2(pool, TALLY + 6),
        real_2(pool, TALLY + 7),
        real_2(pool, TALLY + 8),
        real_2(pool, TALLY + 9),
        real_2(pool, TALLY + 10),
        real_2(pool, TALLY + 11),
        real_2(pool, TALLY + 12),
        real_2(pool, TALLY + 13),
        real_2(pool, TALLY + 14),
        real_1(pool, TALLY + 15),
        real_1(pool, TALLY + 16),
        real_1(pool, TALLY + 17),
        real_1(pool, TALLY + 18),
        real_1(pool, TALLY + 19),
    )


@viewing
def conditions_of(pool: Pool) -> Conditions:
    """Return when the plant must stop."""
    return Conditions(
        whole_1(pool, CONDITIONS),
        whole_1(pool, CONDITIONS + 1),
        whole_1(pool, CONDITIONS + 2),
        real_1(pool, CONDITIONS + 3),
        whole_1(pool, CONDITIONS + 4),
    )


@viewing
def recent_of(pool: Pool) -> Recent:
    """Return what the conditions look back on."""
    return Recent(
        real_2(pool, RECENT),
        whole_2(pool, RECENT + 1),
        whole_2(pool, RECENT + 2),
        flag_2(pool, RECENT + 3),
    )


@kernel
def count(pool: Pool, decided: tuple[Any, ...]) -> None:
    """Count a decision of every row, look back, and count the conditions that begin to hold.

    Parameters
    ----------
    decided
        A `Decision`.
    """
    tally, recent, decision = tally_of(pool), recent_of(pool), Decision(*decided)
    trips, before = whole_2(pool, TRIPS), flag_2(pool, TRIPS + 1)
    for r in range(trips.shape[0]):
        for t in range(trips.shape[1]):
            before[r, t] = recent.holds[r, t]
    count_rows(watch_of(pool), decision, tally)
    look_back(conditions_of(pool), recent, tally.happened, decision.now_s)
    for r in range(trips.shape[0]):
        for t in range(trips.shape[1]):
            trips[r, t] += recent.holds[r, t] and not before[r, t]
