# SPDX-License-Identifier: MIT
"""The arrays that kernels read and change.

`Shops` holds every Scenario of a pool, concatenated once and read only; `State` holds what changes,
one row per parallel env, padded to the largest shop of the pool.

N shops · B envs · J jobs · O operations · P pairs · M machines · K cells (deciding groups) ·
C calendars · W windows · V overtime windows · X fixed operations. Times are whole simulated
seconds since the episode began. In `Shops`, machines, cells and families are numbered within their
shop, all else across the pool; in `State`, jobs and operations too are numbered within their shop.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.worlds.jobshop.scenario import Scenario

NEVER_S = 2**60
"""Time of an event that will not come, s."""


class Shops(NamedTuple):
    """A pool of Scenarios, read only."""

    job: Longs  # (N + 1,) shop n owns jobs job[n]..job[n + 1]
    op: Longs  # (N + 1,)
    machine: Longs  # (N + 1,)
    cell: Longs  # (N + 1,)
    mean_s: Doubles  # (N,) mean working time of an operation, s
    mean_weight: Doubles  # (N,) mean full weight of a job, above 0
    setup_families: Longs  # (N,) number of families

    job_op: Longs  # (J + 1,)
    job_free_op: Longs  # (J,) first operation that is not fixed; == job_op[j + 1] when none is
    release_s: Longs  # (J,)
    due_s: Longs  # (J,)
    weight: Doubles  # (J,) full weight
    important: Bools  # (J,)

    op_pair: Longs  # (O + 1,)
    op_family: Ints  # (O,)
    op_cell: Ints  # (O,)
    interruptible: Bools  # (O,)
    mean_duration_s: Doubles  # (O,)
    min_duration_s: Longs  # (O,)
    tail_s: Doubles  # (O,) mean work of the operation and its successors
    min_tail_s: Longs  # (O,) least work of the successors only
    head_s: Doubles  # (O,) mean work up to and with the operation
    fixed_machine: Ints  # (O,) -1 where free
    fixed_start_s: Longs  # (O,)
    fixed_end_s: Longs  # (O,)

    pair_machine: Ints  # (P,)
    pair_duration_s: Longs  # (P,)

    machine_calendar: Longs  # (M,)
    machine_cell: Ints  # (M,)
    machine_family: Ints  # (M,) family at t = 0; -1 for none
    machine_setup: Longs  # (M,) start of the machine's set-up matrix in setup_s
    setup_interruptible: Bools  # (M,)
    machine_fixed: Longs  # (M + 1,) machine m owns fixed_op[machine_fixed[m]..], by start
    fixed_op: Longs  # (X,)
    cell_machines: Ints  # (K,) number of machines of the cell
    cell_load_s: Doubles  # (K,) mean work of the free operations at t = 0

    setup_s: Longs  # flat, row `from` (last: nothing), column `to`
    window: Longs  # (C + 1,)
    open_s: Longs  # (W,)
    close_s: Longs  # (W,)
    overtime: Longs  # (C + 1,)
    overtime_open_s: Longs  # (V,)
    overtime_close_s: Longs  # (V,)


class State(NamedTuple):
    """Everything that changes."""

    seed: Longs  # (B,)
    episode: Longs  # (B,)
    shop: Longs  # (B,) which shop of the pool the row plays
    now_s: Longs  # (B,)
    asked: Ints  # (B,) the deciding cell
    left: Ints  # (B,) free operations not yet assigned
    objective: Doubles  # (B, 4) so far: weighted tardiness, makespan, set-up, overtime; h
    unpaid: Doubles  # (B, 4) the start's share of `objective`, paid with the first decision

    next_op: Longs  # (B, J) next free operation, across the pool; the end of the job when none
    job_ready_s: Longs  # (B, J) when the next operation may start; NEVER_S when none is left
    job_queued: Bools  # (B, J)
    job_link: Ints  # (B, J) next job in the same queue; -1 at the end
    job_end_s: Longs  # (B, J) end of the last assigned operation, or the release

    machine_idle: Bools  # (B, M) free, open, and not in fixed work at now_s
    machine_ready_s: Longs  # (B, M) when it becomes idle; NEVER_S while it is
    machine_family: Ints  # (B, M)
    machine_fixed: Longs  # (B, M) next fixed operation, index into Shops.fixed_op
    machine_window: Longs  # (B, M) first window that closes after now_s
    machine_busy_s: Longs  # (B, M) work since t = 0

    cell_head: Ints  # (B, K) first job in the queue; -1 when empty
    cell_tail: Ints  # (B, K)
    cell_queue: Ints  # (B, K) jobs in the queue
    cell_incoming: Ints  # (B, K) jobs in transit to the queue
    cell_work_s: Doubles  # (B, K) mean work in the queue
    cell_load_s: Doubles  # (B, K) mean work of operations not yet assigned
    cell_waiting: Bools  # (B, K) it chose to wait for its next event

    plan_machine: Ints  # (B, O)
    plan_s: Longs  # (B, O, 4) set-up start, set-up end, start, end
    last_machine: Ints  # (B, O) the same of the episode that ended last
    last_s: Longs  # (B, O, 4)
    last_shop: Longs  # (B,) -1 before the first end


def starts(sizes: Sequence[int]) -> Longs:
    """Return where each of several concatenated blocks starts, and the end of the last."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, dtype=np.int64))]).astype(np.int64)


def pack(scenarios: Sequence[Scenario]) -> Shops:
    """Concatenate a pool of scenarios; the order is kept."""
    parts = [_flatten(scenario) for scenario in scenarios]
    op = starts([s.n_ops for s in scenarios])
    machine = starts([s.n_machines for s in scenarios])
    pair = starts([len(s.pair_machine) for s in scenarios])
    job = starts([s.n_jobs for s in scenarios])
    setup = starts([s.setup_s.size for s in scenarios])
    calendar = starts([len(s.calendars.name) for s in scenarios])
    window = starts([len(s.calendars.open_s) for s in scenarios])
    overtime = starts([len(s.calendars.overtime_open_s) for s in scenarios])
    fixed = starts([len(part["fixed_op"]) for part in parts])
    shift = {
        "job_op": op, "job_free_op": op, "fixed_op": op, "op_pair": pair, "machine_setup": setup,
        "machine_calendar": calendar, "machine_fixed": fixed, "window": window,
        "overtime": overtime,
    }  # fmt: skip
    ends = {"job_op", "op_pair", "machine_fixed", "window", "overtime"}
    joined: dict[str, np.ndarray] = {}
    for key in parts[0]:
        blocks = [part[key] for part in parts]
        if key in shift:
            blocks = [block + shift[key][n] for n, block in enumerate(blocks)]
        if key in ends:
            blocks = [block[:-1] for block in blocks[:-1]] + [blocks[-1]]
        joined[key] = np.ascontiguousarray(np.concatenate(blocks))
    cell = starts([len(part["cell_machines"]) for part in parts])
    weight = [float(s.full_weight.mean()) for s in scenarios]
    return Shops(
        job=job,
        op=op,
        machine=machine,
        cell=cell,
        mean_s=np.array([max(s.mean_duration_s.mean(), 1.0) for s in scenarios]),
        mean_weight=np.array([w if w > 0 else 1.0 for w in weight]),
        setup_families=np.array([len(s.family_name) for s in scenarios], dtype=np.int64),
        **joined,
    )


def _flatten(s: Scenario) -> dict[str, np.ndarray]:
    """Return the arrays of one scenario, by their name in `Shops`, numbered from 0."""
    op_cell = s.machine_cell[s.pair_machine[s.op_pair[:-1]]]
    fixed_op = np.flatnonzero(s.fixed_machine >= 0)
    order = np.lexsort((s.fixed_start_s[fixed_op], s.fixed_machine[fixed_op]))
    fixed_op = fixed_op[order].astype(np.int64)
    n_fixed = np.bincount(s.fixed_machine[fixed_op], minlength=s.n_machines)
    free = s.fixed_machine < 0
    n_cells = int(s.machine_cell.max()) + 1
    job_end = s.job_op[1:].astype(np.int64)
    free_op = np.array(
        [
            next((o for o in range(s.job_op[j], s.job_op[j + 1]) if free[o]), job_end[j])
            for j in range(s.n_jobs)
        ],
        dtype=np.int64,
    )
    total = np.cumsum(s.mean_duration_s)
    least = np.cumsum(s.min_duration_s)
    last = job_end[s.op_job] - 1
    before = (total - s.mean_duration_s)[s.job_op[:-1]][s.op_job]
    group_size = (len(s.family_name) + 1) * len(s.family_name)
    return {
        "job_op": s.job_op.astype(np.int64),
        "job_free_op": free_op,
        "release_s": s.release_s,
        "due_s": s.due_s,
        "weight": s.full_weight,
        "important": s.important,
        "op_pair": s.op_pair.astype(np.int64),
        "op_family": s.op_family,
        "op_cell": op_cell,
        "interruptible": s.interruptible,
        "mean_duration_s": s.mean_duration_s,
        "min_duration_s": s.min_duration_s,
        "tail_s": total[last] - total + s.mean_duration_s,
        "min_tail_s": least[last] - least,
        "head_s": total - before,
        "fixed_machine": s.fixed_machine,
        "fixed_start_s": s.fixed_start_s,
        "fixed_end_s": s.fixed_end_s,
        "pair_machine": s.pair_machine,
        "pair_duration_s": s.pair_duration_s,
        "machine_calendar": s.machine_calendar.astype(np.int64),
        "machine_cell": s.machine_cell,
        "machine_family": s.machine_family,
        "machine_setup": s.machine_group.astype(np.int64) * group_size,
        "setup_interruptible": s.setup_interruptible[s.machine_group],
        "machine_fixed": starts(n_fixed.tolist()),
        "fixed_op": fixed_op,
        "cell_machines": np.bincount(s.machine_cell, minlength=n_cells).astype(np.int32),
        "cell_load_s": np.bincount(
            op_cell[free], weights=s.mean_duration_s[free], minlength=n_cells
        ),
        "setup_s": s.setup_s.reshape(-1),
        "window": s.calendars.window.astype(np.int64),
        "open_s": s.calendars.open_s,
        "close_s": s.calendars.close_s,
        "overtime": s.calendars.overtime.astype(np.int64),
        "overtime_open_s": s.calendars.overtime_open_s,
        "overtime_close_s": s.calendars.overtime_close_s,
    }


def allocate(shops: Shops, n_envs: int) -> State:
    """Return the state of `n_envs` rows, all zero; `kernels.start` fills a row."""
    jobs, ops, machines, cells = (
        int(np.diff(each).max()) for each in (shops.job, shops.op, shops.machine, shops.cell)
    )

    def longs(*shape: int) -> Longs:
        return np.zeros((n_envs, *shape), dtype=np.int64)

    def ints(*shape: int) -> Ints:
        return np.zeros((n_envs, *shape), dtype=np.int32)

    def bools(*shape: int) -> Bools:
        return np.zeros((n_envs, *shape), dtype=np.bool_)

    def doubles(*shape: int) -> Doubles:
        return np.zeros((n_envs, *shape), dtype=np.float64)

    return State(
        seed=longs(),
        episode=longs(),
        shop=longs(),
        now_s=longs(),
        asked=ints(),
        left=ints(),
        objective=doubles(4),
        unpaid=doubles(4),
        next_op=longs(jobs),
        job_ready_s=longs(jobs),
        job_queued=bools(jobs),
        job_link=ints(jobs),
        job_end_s=longs(jobs),
        machine_idle=bools(machines),
        machine_ready_s=longs(machines),
        machine_family=ints(machines),
        machine_fixed=longs(machines),
        machine_window=longs(machines),
        machine_busy_s=longs(machines),
        cell_head=ints(cells),
        cell_tail=ints(cells),
        cell_queue=ints(cells),
        cell_incoming=ints(cells),
        cell_work_s=doubles(cells),
        cell_load_s=doubles(cells),
        cell_waiting=bools(cells),
        plan_machine=ints(ops),
        plan_s=longs(ops, 4),
        last_machine=ints(ops),
        last_s=longs(ops, 4),
        last_shop=np.full(n_envs, -1, dtype=np.int64),
    )
