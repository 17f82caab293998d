# SPDX-License-Identifier: MIT
"""The kernels that Python calls: one call moves every row of the batch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.batch import Doubles, Floats, Ints, Longs
from flyball.worlds.jobshop.features import observe
from flyball.worlds.jobshop.hours import OK, compiled, inlined, open_time
from flyball.worlds.jobshop.kernels import ENDED, HOUR_S, assign, seek, start
from flyball.worlds.jobshop.state import Shops, State

STRIDE = 7919
"""Row `seed` plays scenario (seed + episode * STRIDE) modulo the pool: a prime, so that rows that
start on different scenarios keep apart."""


class Results(NamedTuple):
    """What a step gives back, one row per env."""

    reward: Doubles  # (B, 4)
    outcome: Doubles  # (B, 7)
    terminated: NDArray[np.bool_]  # (B,)
    start: NDArray[np.bool_]  # (B,)
    elapsed_s: Doubles  # (B,)
    illegal: Ints  # (B,)
    code: Ints  # (B,)


@inlined
def begin_episode(shops: Shops, state: State, row: int) -> int:
    """Start the row's current episode on its scenario; return a code of `kernels.seek`."""
    pool = len(shops.job) - 1
    number = (state.seed[row] + state.episode[row] * STRIDE) % pool
    return start(shops, state, row, number)


@compiled
def start_rows(shops: Shops, state: State, results: Results) -> None:
    """Start every row."""
    for row in range(len(state.seed)):
        results.code[row] = begin_episode(shops, state, row)
        results.start[row] = True


@compiled
def observe_rows(
    shops: Shops, state: State, features: Floats, ids: Ints, offset: Longs, families: Longs
) -> int:
    """Write the candidates of every row; return OK, FULL or NO_SPOT."""
    at = 0
    for row in range(len(state.seed)):
        offset[row] = at
        at = observe(shops, state, row, features, ids, at, families)
        if at < 0:
            return at
    offset[len(state.seed)] = at
    return OK


@compiled
def step_rows(
    shops: Shops, state: State, choice: Ints, ids: Ints, offset: Longs, results: Results
) -> None:
    """Apply the choices; `choice` (B,) is overwritten by those that were applied."""
    for row in range(len(state.seed)):
        n = state.shop[row]
        legal = 0 <= choice[row] < offset[row + 1] - offset[row]
        results.illegal[row] = 0 if legal else 1
        if not legal:
            choice[row] = 0
        for k in range(results.reward.shape[1]):
            results.reward[row, k] = state.unpaid[row, k]
            state.unpaid[row, k] = 0.0
        results.outcome[row, :] = 0.0
        results.terminated[row] = False
        results.start[row] = False
        before_s = state.now_s[row]
        candidate = ids[offset[row] + choice[row]]
        code = OK
        if candidate < 0:
            state.cell_waiting[row, state.asked[row]] = True
        else:
            pair = candidate + shops.op_pair[shops.op[n]]
            code = assign(shops, state, row, pair, results.reward[row])
        if code == OK:
            code = seek(shops, state, row)
        results.elapsed_s[row] = state.now_s[row] - before_s
        if code == ENDED:
            finish(shops, state, row, results.outcome[row])
            results.terminated[row] = True
            results.start[row] = True
            state.episode[row] += 1
            code = begin_episode(shops, state, row)
        results.code[row] = code


@inlined
def finish(shops: Shops, state: State, row: int, outcome: Doubles) -> None:
    """Write the KPIs of the episode that just ended and keep its plan."""
    n = state.shop[row]
    outcome[0] = state.objective[row, 0]
    for job in range(shops.job[n + 1] - shops.job[n]):
        wide = shops.job[n] + job
        last = shops.job_op[wide + 1] - 1 - shops.op[n]
        late_s = state.plan_s[row, last, 3] - shops.due_s[wide]
        if late_s > 0:
            outcome[1] += late_s / 86400.0
            outcome[2] += 1.0
    outcome[3] = state.objective[row, 1]
    outcome[4] = state.objective[row, 2]
    outcome[5] = state.objective[row, 3]
    outcome[6] = spread(shops, state, row)
    n_ops = shops.op[n + 1] - shops.op[n]
    for op in range(n_ops):
        state.last_machine[row, op] = state.plan_machine[row, op]
        for k in range(4):
            state.last_s[row, op, k] = state.plan_s[row, op, k]
    state.last_shop[row] = n


@inlined
def spread(shops: Shops, state: State, row: int) -> float:
    """Return the standard deviation of machine utilisation until the makespan, in points."""
    n = state.shop[row]
    end_s = round(state.objective[row, 1] * HOUR_S)
    count = 0
    total = 0.0
    squares = 0.0
    for machine in range(shops.machine[n + 1] - shops.machine[n]):
        calendar = shops.machine_calendar[shops.machine[n] + machine]
        open_s = open_time(shops, calendar, 0, end_s)
        if open_s > 0:
            share = 100.0 * state.machine_busy_s[row, machine] / open_s
            count += 1
            total += share
            squares += share * share
    if count == 0:
        return 0.0
    mean = total / count
    return float(max(0.0, squares / count - mean * mean) ** 0.5)
