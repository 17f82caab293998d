# SPDX-License-Identifier: MIT
"""What a gate does between its questions to model, backup and safe set: kernels on its pool.

A gate goes through a decision in turns. In each it writes down which rows it asks about, from which
boxes and with which values; the questions themselves are asked by `weaving`, for all these rows at
once; then the answers are taken in. Comparisons are written so that NaN fails.

R rows · X states · D values · H holds of a plan · n <= R rows that are asked about · G barriers · S
sums.
"""

import numpy as np

from flyball.core.batch import Doubles
from flyball.safety.gating import (
    COMMITTED,
    EASED,
    LOST,
    PASSED,
    RESTORED,
    SHARES,
    TIMES,
    TURN,
    Asked,
    Held,
    Turn,
    Ways,
    gated_in,
    held_in,
    turn_in,
    ways_in,
)
from flyball.safety.kernels import inlined, kernel
from flyball.safety.pool import Pool, real_1, real_2, whole_1


@inlined
def _keeps(ways: Ways, value: Doubles, before: Doubles) -> bool:
    """Return whether a value (D,) is allowed after the one before."""
    for d in range(len(value)):
        if not (ways.low[d] <= value[d] <= ways.high[d]):
            return False
        if not (before[d] - value[d] <= ways.fall[d] and value[d] - before[d] <= ways.rise[d]):
            return False
    for s in range(len(ways.bound)):
        total = 0.0
        for d in range(len(value)):
            total += value[d] * ways.weight[s, d]
        # Sums of products are rounded; a difference of neighbours is not.
        if not (total <= ways.bound[s] + 1e-12 * (1.0 + abs(ways.bound[s]))):
            return False
    return True


@inlined
def _within(ways: Ways, low: Doubles, high: Doubles, margin: float) -> bool:
    """Return whether the model and the hard barriers are kept where a box (X,) is reached."""
    for g in range(len(ways.most)):
        total = 0.0
        for x in range(len(low)):
            middle, half = 0.5 * (low[x] + high[x]), 0.5 * (high[x] - low[x])
            total += middle * ways.barrier[g, x] + half * abs(ways.barrier[g, x])
        if not (total <= ways.most[g] + 1e-9 * (1.0 + abs(ways.most[g]))):
            return False
    return bool(margin >= 0.0)


@inlined
def _put(source: Doubles, target: Doubles) -> None:
    """Copy numbers (k,); an assignment of arrays would allocate."""
    for k in range(len(target)):
        target[k] = source[k]


@inlined
def _forget(held: Held, r: int) -> None:
    """Let a row be anywhere."""
    for x in range(held.low.shape[1]):
        held.low[r, x], held.high[r, x] = -np.inf, np.inf


@kernel
def times_of(pool: Pool) -> tuple[float, float, bool]:
    """Return the length of a step and of a hold, s, and whether they are the same."""
    span_s, ticks = real_1(pool, TIMES), whole_1(pool, TIMES + 1)
    return span_s[0], span_s[1], ticks[0] == 1


@kernel
def n_holds(pool: Pool) -> int:
    """Return H."""
    return int(held_in(pool).plan.shape[1])


@kernel
def boxes(pool: Pool, n: int) -> tuple[Doubles, Doubles]:
    """Return (n, X) from where the model is asked now."""
    return real_2(pool, TURN + 5)[:n], real_2(pool, TURN + 6)[:n]


@kernel
def values(pool: Pool, n: int) -> Doubles:
    """Return (n, D) which values it is asked about."""
    return real_2(pool, TURN + 7)[:n]


@kernel
def start(pool: Pool, asked: Asked) -> None:
    """Find where every row can be, and decide nothing yet."""
    low, high, _, before, late = asked
    held, out, turn = held_in(pool), gated_in(pool), turn_in(pool)
    for r in range(len(out.code)):
        if late[r]:
            _forget(held, r)
            held.ticks[r] = held.used[r] = 0
        doubted, known, seen = False, True, True
        for x in range(low.shape[1]):
            turn.low[r, x] = np.fmax(held.low[r, x], low[r, x])
            turn.high[r, x] = np.fmin(held.high[r, x], high[r, x])
            doubted = doubted or not (turn.low[r, x] <= turn.high[r, x])
            seen = seen and np.isfinite(low[r, x]) and np.isfinite(high[r, x])
        for x in range(low.shape[1]):
            if doubted:
                turn.low[r, x] = np.fmin(held.low[r, x], low[r, x])
                turn.high[r, x] = np.fmax(held.high[r, x], high[r, x])
            known = known and np.isfinite(turn.low[r, x]) and np.isfinite(turn.high[r, x])
        turn.known[r], turn.seen[r] = known, seen
        _put(before[r], out.applied[r])
        out.code[r], out.doubted[r] = LOST, doubted
        out.margin[r], out.ahead[r], out.left_s[r] = np.nan, np.inf, np.inf


@inlined
def _planned(held: Held, ticks: int, r: int, d: int) -> float:
    """Return what the plan of a row says next; after its end that is unused."""
    return float(held.plan[r, min(held.used[r] // ticks, held.plan.shape[1] - 1), d])


@inlined
def _commit(held: Held, turn: Turn, i: int) -> None:
    """Let the i-th plan be that of its row."""
    for hold in range(held.plan.shape[1]):
        _put(turn.plan[i, hold], held.plan[turn.row[i], hold])


@inlined
def _from_here(turn: Turn, n: int, r: int) -> None:
    """Let row r be the n-th that is asked about, from where it is."""
    turn.row[n] = r
    _put(turn.low[r], turn.box_low[n])
    _put(turn.high[r], turn.box_high[n])


@inlined
def _no_plan_yet(turn: Turn, i: int) -> None:
    turn.holds[i], turn.ended[i], turn.ticks[i] = True, False, 0
    for hold in range(turn.plan.shape[1]):
        for d in range(turn.plan.shape[2]):
            turn.plan[i, hold, d] = 0.0


@kernel
def propose(pool: Pool, asked: Asked, turn_number: int) -> int:
    """Write down who is asked about what was proposed, or about a share of it; return n."""
    proposed, before = asked[2], asked[3]
    ways, held, out, turn = ways_in(pool), held_in(pool), gated_in(pool), turn_in(pool)
    hold_ticks, share = whole_1(pool, TIMES + 1)[0], SHARES[turn_number]
    n = 0
    for r in range(len(out.code)):
        asks = out.code[r] == LOST and turn.known[r]
        asks = asks and (turn_number == 0 or held.used[r] < held.ticks[r])
        for d in range(proposed.shape[1]):
            asks = asks and np.isfinite(proposed[r, d])
            turn.value[n, d] = proposed[r, d]
            if turn_number > 0:
                own = _planned(held, hold_ticks, r, d)
                turn.value[n, d] = own + share * (proposed[r, d] - own)
        if asks and _keeps(ways, turn.value[n], before[r]):
            _from_here(turn, n, r)
            n += 1
    return n


@kernel
def follow(pool: Pool, n: int, turn_number: int, end: tuple[Doubles, Doubles, Doubles]) -> None:
    """Take in where n values lead, for plans to begin there."""
    out, turn = gated_in(pool), turn_in(pool)
    low, high, margin = end
    for i in range(n):
        if turn_number == 0:
            out.ahead[turn.row[i]] = margin[i]
        turn.end_margin[i] = margin[i]
        _put(low[i], turn.end_low[i])
        _put(high[i], turn.end_high[i])
        _put(low[i], turn.box_low[i])
        _put(high[i], turn.box_high[i])
        _put(turn.value[i], turn.prior[i])
        _no_plan_yet(turn, i)


@kernel
def extend(
    pool: Pool, n: int, hold: int, own: Doubles, end: tuple[Doubles, Doubles, Doubles, Doubles]
) -> bool:
    """Take in the next hold of n plans; return whether any of them goes on.

    Parameters
    ----------
    hold
        Its number.
    own
        (n, D) the backup's values.
    end
        Where they lead: lowest and highest, their margins, and those of the safe set.
    """
    ways, turn, hold_ticks = ways_in(pool), turn_in(pool), whole_1(pool, TIMES + 1)[0]
    low, high, margin, inside = end
    goes_on = False
    for i in range(n):
        good = _keeps(ways, own[i], turn.prior[i]) and _within(ways, low[i], high[i], margin[i])
        going = turn.holds[i] and not turn.ended[i]
        turn.holds[i] = turn.ended[i] or (turn.holds[i] and good)
        _put(own[i], turn.plan[i, hold])
        if going and good:
            turn.ticks[i] += hold_ticks
            turn.ended[i] = inside[i] >= 0.0
        goes_on = goes_on or (turn.holds[i] and not turn.ended[i])
        _put(low[i], turn.box_low[i])
        _put(high[i], turn.box_high[i])
        _put(own[i], turn.prior[i])
    return goes_on


@kernel
def take(pool: Pool, n: int, turn_number: int, inside: Doubles) -> None:
    """Apply those of n values after which there is a plan.

    Parameters
    ----------
    inside
        (n,) how far in the safe set the values themselves lead: where a step is as long as a hold
        that is enough, and the row has no plan.
    """
    ways, held, out, turn = ways_in(pool), held_in(pool), gated_in(pool), turn_in(pool)
    whole = whole_1(pool, TIMES + 1)[0] == 1
    for i in range(n):
        r, planned = turn.row[i], turn.holds[i] and turn.ended[i]
        if not (planned or (whole and inside[i] >= 0.0)):
            continue
        if not _within(ways, turn.end_low[i], turn.end_high[i], turn.end_margin[i]):
            continue
        _commit(held, turn, i)
        held.ticks[r], held.used[r] = turn.ticks[i] if planned else 0, 0
        _put(turn.end_low[i], held.low[r])
        _put(turn.end_high[i], held.high[r])
        _put(turn.value[i], out.applied[r])
        out.margin[r] = turn.end_margin[i]
        out.code[r] = PASSED if turn_number == 0 else EASED


@kernel
def renew(pool: Pool, asked: Asked, seen: int) -> int:
    """Write down who needs a new plan from where it is, measured (1) or not (0); return n."""
    out, turn, n = gated_in(pool), turn_in(pool), 0
    for r in range(len(out.code)):
        if out.code[r] == LOST and turn.known[r] and turn.seen[r] == seen:
            _from_here(turn, n, r)
            _put(asked[3][r], turn.prior[n])
            _no_plan_yet(turn, n)
            n += 1
    return n


@kernel
def accept(pool: Pool, n: int) -> None:
    """Begin those of n new plans that are certified."""
    held, out, turn = held_in(pool), gated_in(pool), turn_in(pool)
    for i in range(n):
        if turn.holds[i] and turn.ended[i]:
            r = turn.row[i]
            _commit(held, turn, i)
            held.ticks[r], held.used[r] = turn.ticks[i], 1
            _put(turn.plan[i, 0], out.applied[r])
            out.code[r] = RESTORED


@kernel
def go_on(pool: Pool) -> None:
    """Apply the next value of the plan to the rows that have one and nothing better."""
    held, out, hold_ticks = held_in(pool), gated_in(pool), whole_1(pool, TIMES + 1)[0]
    for r in range(len(out.code)):
        if out.code[r] == LOST and held.used[r] < held.ticks[r]:
            for d in range(out.applied.shape[1]):
                out.applied[r, d] = _planned(held, hold_ticks, r, d)
            out.code[r] = COMMITTED
            held.used[r] += 1


@kernel
def lose(pool: Pool) -> int:
    """Write down for whom nothing is left but the backup's guess; return n."""
    out, turn, n = gated_in(pool), turn_in(pool), 0
    for r in range(len(out.code)):
        if out.code[r] == LOST and turn.known[r]:
            _from_here(turn, n, r)
            n += 1
    return n


@kernel
def guess(pool: Pool, asked: Asked, n: int, own: Doubles) -> None:
    """Apply the backup's values (n, D) where they are allowed; else what was applied last stays."""
    ways, out, turn = ways_in(pool), gated_in(pool), turn_in(pool)
    for i in range(n):
        r = turn.row[i]
        if _keeps(ways, own[i], asked[3][r]):
            _put(own[i], out.applied[r])


@kernel
def lead(pool: Pool) -> int:
    """Write down who has to be followed yet to where its value leads; return n."""
    held, out, turn, n = held_in(pool), gated_in(pool), turn_in(pool), 0
    for r in range(len(out.code)):
        if out.code[r] == PASSED or out.code[r] == EASED:
            continue
        _forget(held, r)
        if turn.known[r]:
            _from_here(turn, n, r)
            _put(out.applied[r], turn.value[n])
            n += 1
    return n


@kernel
def arrive(pool: Pool, n: int, end: tuple[Doubles, Doubles, Doubles]) -> None:
    """Take in where the values of n rows lead."""
    held, out, turn = held_in(pool), gated_in(pool), turn_in(pool)
    low, high, margin = end
    for i in range(n):
        r = turn.row[i]
        out.margin[r] = margin[i]
        if np.isfinite(margin[i]):
            _put(low[i], held.low[r])
            _put(high[i], held.high[r])


@kernel
def finish(pool: Pool) -> None:
    """Say how long each plan lasts yet."""
    held, out, step_s = held_in(pool), gated_in(pool), real_1(pool, TIMES)[0]
    for r in range(len(out.code)):
        if held.used[r] < held.ticks[r]:
            out.left_s[r] = (held.ticks[r] - held.used[r]) * step_s
