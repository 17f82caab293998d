# SPDX-License-Identifier: MIT
"""What a plant adds to bare routes: set-ups, shifts, an order book, work in progress.

Each function returns a new Scenario; order matters, since due times depend on shifts and set-ups.
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from flyball.core.batch import Doubles
from flyball.worlds.jobshop import draws
from flyball.worlds.jobshop.calendar import WEEK_S
from flyball.worlds.jobshop.draws import LONGEST_PIECE_S, PATTERNS, Pressure
from flyball.worlds.jobshop.scenario import Scenario

SPAN_S = 4 * WEEK_S
"""Time over which a machine's share of open time is taken, s."""


def with_setups(rng: np.random.Generator, s: Scenario, share: float, n_families: int) -> Scenario:
    """Return the shop with families: two thirds of a job's operations have the job's own.

    Parameters
    ----------
    share
        Mean set-up over mean working time.
    """
    step_s = int(np.gcd.reduce(s.pair_duration_s))
    mean_s = share * float(s.mean_duration_s.mean())
    own = rng.integers(0, n_families, s.n_jobs)[s.op_job]
    other = rng.integers(0, n_families, s.n_ops)
    return replace(
        s,
        family_name=draws.numbered("family ", n_families),
        op_family=np.where(rng.random(s.n_ops) < 2 / 3, own, other).astype(np.int32),
        machine_family=rng.integers(-1, n_families, s.n_machines).astype(np.int32),
        setup_s=draws.setup_table(rng, len(s.group_name), n_families, mean_s, step_s),
    )


def with_calendars(rng: np.random.Generator, s: Scenario) -> Scenario:
    """Return the shop with a shift pattern a group, from six in the morning of some weekday on.

    Half of the operations and set-ups may pause, and all that are too long for a shift.
    """
    group = s.machine_group if len(s.group_name) > 1 else np.arange(s.n_machines)
    pattern = rng.choice(len(PATTERNS), size=int(group.max()) + 1, p=[0.25, 0.4, 0.25, 0.1])
    weekday = int(rng.integers(7))
    calendar = pattern[group].astype(np.int32)
    longest_s = np.maximum.reduceat(s.pair_duration_s, s.op_pair[:-1])
    setup_s = s.setup_s.max(axis=(1, 2))
    timed = replace(
        s,
        start=draws.MONDAY + timedelta(days=weekday),
        machine_calendar=calendar,
        interruptible=(rng.random(s.n_ops) < 0.5) | (longest_s > LONGEST_PIECE_S),
        setup_interruptible=(rng.random(len(setup_s)) < 0.5) | (setup_s > LONGEST_PIECE_S),
        calendars=draws.shift_calendars(weekday, 4),
    )
    weeks = draws.whole_weeks(3 * makespan_s(timed))
    return replace(timed, calendars=draws.shift_calendars(weekday, weeks))


def with_book(rng: np.random.Generator, s: Scenario, pressure: Pressure) -> Scenario:
    """Return the shop with releases, due times and weights; see `draws.order_book`."""
    book = draws.order_book(rng, pressure, flow_s(s), makespan_s(s))
    return replace(s, **vars(book))


def with_work_in_progress(rng: np.random.Generator, s: Scenario, share: float) -> Scenario:
    """Return the shop with fixed work at t = 0 on about a share of its machines.

    First operations of random jobs, released ones first, are as far as chance has it; what is left
    of them runs while their machine is open. Fewer machines are busy where these reach fewer.
    """
    machine, start, end = s.fixed_machine.copy(), s.fixed_start_s.copy(), s.fixed_end_s.copy()
    release = s.release_s.copy()
    family = s.machine_family.copy()
    left = rng.binomial(s.n_machines, share)
    busy = np.zeros(s.n_machines, dtype=np.bool_)
    # The last job stays free, so that something is left to decide.
    order = rng.permutation(s.n_jobs - 1)
    for job in order[np.argsort(release[order] > 0, kind="stable")]:
        op = s.job_op[job]
        pairs = np.arange(s.op_pair[op], s.op_pair[op + 1])
        pairs = pairs[~busy[s.pair_machine[pairs]] & (s.pair_duration_s[pairs] > 0)]
        if left == 0 or len(pairs) == 0:
            continue
        pair = rng.choice(pairs)
        on, length = s.pair_machine[pair], int(s.pair_duration_s[pair])
        left -= 1
        busy[on] = True
        rest = max(1, int(length * rng.random()))
        end[op] = _end_s(s, on, rest)
        start[op] = release[job] = rest - length
        machine[op] = on
        family[on] = s.op_family[op]
    return replace(
        s,
        fixed_machine=machine,
        fixed_start_s=start,
        fixed_end_s=end,
        release_s=release,
        machine_family=family,
    )


def _end_s(s: Scenario, machine: int, work_s: int) -> int:
    """Return when work ends that runs from t = 0 whenever its machine is open."""
    first, last = s.calendars.window[s.machine_calendar[machine] :][:2]
    close_s = s.calendars.close_s[first:last]
    open_s = np.clip(close_s - np.maximum(0, s.calendars.open_s[first:last]), 0, None)
    until_s = np.cumsum(open_s)
    window = int(np.searchsorted(until_s, work_s))
    return int(close_s[window] - (until_s[window] - work_s))


def open_share(s: Scenario) -> Doubles:
    """Return the share of the first four weeks in which each machine is open, shape (M,)."""
    c = s.calendars
    inside_s = np.clip(np.minimum(c.close_s, SPAN_S) - np.maximum(c.open_s, 0), 0, None)
    total_s = np.add.reduceat(inside_s, c.window[:-1])
    return np.maximum(total_s[s.machine_calendar] / SPAN_S, 1e-3)


def flow_s(s: Scenario) -> Doubles:
    """Return how long each job takes if it never waits for another, shape (J,), s."""
    share = np.add.reduceat(open_share(s)[s.pair_machine], s.op_pair[:-1]) / np.diff(s.op_pair)
    flow: Doubles = np.add.reduceat(s.mean_duration_s / share, s.job_op[:-1])
    return flow


def makespan_s(s: Scenario) -> float:
    """Return the load of the fullest machine or the longest job, s: what a good schedule takes.

    Half of the mean set-up is counted for every operation.
    """
    setup_s = s.setup_s[:, :-1].mean(axis=(1, 2)) / 2
    work_s = s.pair_duration_s + setup_s[s.machine_group[s.pair_machine]]
    each = np.repeat(np.diff(s.op_pair), np.diff(s.op_pair))
    load_s = np.bincount(s.pair_machine, weights=work_s / each, minlength=s.n_machines)
    return float(max((load_s / open_share(s)).max(), flow_s(s).max()))
