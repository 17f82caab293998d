# SPDX-License-Identifier: MIT
"""The dynamics of the shop: working time, placing an operation, and the passing of events.

Plain-Python twin: ``tests/worlds/jobshop/reference.py``. Nothing here allocates, draws random
numbers or raises; faults come back as codes. `row` is a row of `State`; `job`, `machine` and `cell`
count within the row's shop, `op`, `pair` and `calendar` across the pool.
"""

from typing import NamedTuple

from flyball.core.batch import Doubles
from flyball.worlds.jobshop.hours import CALENDAR_OVER, OK, inlined, open_time, overtime, work
from flyball.worlds.jobshop.state import NEVER_S, Shops, State

ENDED = 2

HOUR_S = 3600.0


class Place(NamedTuple):
    """Where an operation would run on one machine; whole seconds."""

    code: int  # OK or CALENDAR_OVER
    setup_start_s: int
    setup_end_s: int
    start_s: int
    end_s: int
    fixed: int  # next fixed operation of the machine after this one
    setup_s: int  # working time of the set-up


@inlined
def setup_length(shops: Shops, n: int, machine: int, family: int, op: int) -> int:
    """Return the working time (s) to set `machine` up from `family` (-1: nothing) for `op`."""
    families = shops.setup_families[n]
    row = families if family < 0 else family
    at = shops.machine_setup[shops.machine[n] + machine]
    return int(shops.setup_s[at + row * families + shops.op_family[op]])


@inlined
def place(shops: Shops, state: State, row: int, op: int, pair: int) -> Place:
    """Return the `Place` of `op` by `pair` from now on, around the machine's fixed work."""
    n = state.shop[row]
    machine = shops.pair_machine[pair]
    wide = shops.machine[n] + machine
    calendar = shops.machine_calendar[wide]
    pauses = shops.setup_interruptible[wide]
    fixed = state.machine_fixed[row, machine]
    last_fixed = shops.machine_fixed[wide + 1]
    family = state.machine_family[row, machine]
    at_s = state.now_s[row]
    while True:
        setup_s = setup_length(shops, n, machine, family, op)
        # From now's window each time: a set-up that had to wait for a long window must not hide
        # the windows before it from the next try, whose set-up may be shorter.
        code, setup_start_s, setup_end_s, window = work(
            shops, calendar, state.machine_window[row, machine], at_s, setup_s, pauses
        )
        if code != OK:
            return Place(code, 0, 0, 0, 0, fixed, setup_s)
        code, start_s, end_s, after = work(
            shops, calendar, window, setup_end_s, shops.pair_duration_s[pair],
            shops.interruptible[op],
        )  # fmt: skip
        if code != OK:
            return Place(code, 0, 0, 0, 0, fixed, setup_s)
        if setup_s == 0:
            setup_start_s = start_s
            setup_end_s = start_s
        if fixed == last_fixed:
            return Place(OK, setup_start_s, setup_end_s, start_s, end_s, fixed, setup_s)
        fixed_op = shops.fixed_op[fixed]
        change_s = setup_length(shops, n, machine, shops.op_family[op], fixed_op)
        code, _, ready_s, _ = work(shops, calendar, after, end_s, change_s, pauses)
        if code == OK and ready_s <= shops.fixed_start_s[fixed_op]:
            return Place(OK, setup_start_s, setup_end_s, start_s, end_s, fixed, setup_s)
        at_s = max(at_s, shops.fixed_end_s[fixed_op])
        family = shops.op_family[fixed_op]
        fixed += 1


@inlined
def settle_machine(shops: Shops, state: State, row: int, machine: int) -> None:
    """Bring one machine that is free of dispatched work up to `now_s`: idle, fixed or closed."""
    wide = shops.machine[state.shop[row]] + machine
    calendar = shops.machine_calendar[wide]
    now_s = state.now_s[row]
    free_s = now_s
    fixed = state.machine_fixed[row, machine]
    while fixed < shops.machine_fixed[wide + 1]:
        op = shops.fixed_op[fixed]
        if shops.fixed_start_s[op] > now_s:
            break
        free_s = max(free_s, shops.fixed_end_s[op])
        state.machine_family[row, machine] = shops.op_family[op]
        fixed += 1
    state.machine_fixed[row, machine] = fixed
    window = state.machine_window[row, machine]
    last = shops.window[calendar + 1]
    while window < last and shops.close_s[window] <= now_s:
        window += 1
    state.machine_window[row, machine] = window
    ready_s = available_s(shops, state, row, machine, free_s)
    state.machine_idle[row, machine] = ready_s == now_s
    state.machine_ready_s[row, machine] = NEVER_S if ready_s == now_s else ready_s


@inlined
def arrive(shops: Shops, state: State, row: int, job: int) -> None:
    """Put a job at the end of the queue of its next operation's cell."""
    op = state.next_op[row, job]
    cell = shops.op_cell[op]
    state.job_queued[row, job] = True
    state.job_link[row, job] = -1
    if state.cell_head[row, cell] < 0:
        state.cell_head[row, cell] = job
    else:
        state.job_link[row, state.cell_tail[row, cell]] = job
    state.cell_tail[row, cell] = job
    state.cell_queue[row, cell] += 1
    state.cell_incoming[row, cell] -= 1
    state.cell_work_s[row, cell] += shops.mean_duration_s[op]
    state.cell_waiting[row, cell] = False


@inlined
def leave_queue(shops: Shops, state: State, row: int, job: int) -> None:
    """Take a job out of its queue."""
    op = state.next_op[row, job]
    cell = shops.op_cell[op]
    before = -1
    at = state.cell_head[row, cell]
    while at != job:
        before = at
        at = state.job_link[row, at]
    after = state.job_link[row, job]
    if before < 0:
        state.cell_head[row, cell] = after
    else:
        state.job_link[row, before] = after
    if state.cell_tail[row, cell] == job:
        state.cell_tail[row, cell] = before
    state.job_queued[row, job] = False
    state.cell_queue[row, cell] -= 1
    state.cell_work_s[row, cell] -= shops.mean_duration_s[op]


@inlined
def askable(shops: Shops, state: State, row: int, cell: int) -> bool:
    """Return whether the cell has a queued operation that an idle machine of it can do."""
    if state.cell_waiting[row, cell]:
        return False
    job = state.cell_head[row, cell]
    while job >= 0:
        op = state.next_op[row, job]
        for pair in range(shops.op_pair[op], shops.op_pair[op + 1]):
            if state.machine_idle[row, shops.pair_machine[pair]]:
                return True
        job = state.job_link[row, job]
    return False


@inlined
def next_event_s(shops: Shops, state: State, row: int) -> int:
    """Return the time of the next arrival or availability after now; NEVER_S if there is none."""
    n = state.shop[row]
    soonest_s = NEVER_S
    for job in range(shops.job[n + 1] - shops.job[n]):
        if not state.job_queued[row, job]:
            soonest_s = min(soonest_s, state.job_ready_s[row, job])
    for machine in range(shops.machine[n + 1] - shops.machine[n]):
        soonest_s = min(soonest_s, state.machine_ready_s[row, machine])
    return soonest_s


@inlined
def pass_events(shops: Shops, state: State, row: int) -> None:
    """Let everything happen that happens at `now_s`: arrivals, and machines becoming idle."""
    n = state.shop[row]
    now_s = state.now_s[row]
    for machine in range(shops.machine[n + 1] - shops.machine[n]):
        idle = state.machine_idle[row, machine]
        if idle or state.machine_ready_s[row, machine] <= now_s:
            settle_machine(shops, state, row, machine)
            if not idle and state.machine_idle[row, machine]:
                cell = shops.machine_cell[shops.machine[n] + machine]
                state.cell_waiting[row, cell] = False
    for job in range(shops.job[n + 1] - shops.job[n]):
        if not state.job_queued[row, job] and state.job_ready_s[row, job] <= now_s:
            arrive(shops, state, row, job)


@inlined
def seek(shops: Shops, state: State, row: int) -> int:
    """Find the next cell to ask, letting time pass where none can be; return a code.

    OK: `asked` names the cell. ENDED: every free operation is assigned. CALENDAR_OVER: work is
    left but no event is to come.
    """
    if state.left[row] == 0:
        return ENDED
    n = state.shop[row]
    cell = state.asked[row]
    while True:
        while cell < shops.cell[n + 1] - shops.cell[n]:
            if state.cell_queue[row, cell] > 0 and askable(shops, state, row, cell):
                state.asked[row] = cell
                return OK
            cell += 1
        event_s = next_event_s(shops, state, row)
        if event_s == NEVER_S:
            return CALENDAR_OVER
        state.now_s[row] = event_s
        pass_events(shops, state, row)
        cell = 0


@inlined
def wait_allowed(shops: Shops, state: State, row: int) -> bool:
    """Return whether an event of the asked cell is known to come, so that it may wait for it."""
    cell = state.asked[row]
    if state.cell_incoming[row, cell] > 0:
        return True
    n = state.shop[row]
    first = shops.machine[n]
    for machine in range(shops.machine[n + 1] - first):
        if (
            shops.machine_cell[first + machine] == cell
            and state.machine_ready_s[row, machine] < NEVER_S
        ):
            return True
    return False


@inlined
def assign(shops: Shops, state: State, row: int, pair: int, reward: Doubles) -> int:
    """Give the operation of `pair` to its machine; add to `reward` (4,) in native units.

    Returns a code. The state is untouched unless it is OK. The rise of the bound of weighted
    tardiness, summed over an episode with the bound at its start, is the weighted tardiness.
    """
    n = state.shop[row]
    machine = shops.pair_machine[pair]
    job = state.cell_head[row, state.asked[row]]
    op = state.next_op[row, job]
    while not shops.op_pair[op] <= pair < shops.op_pair[op + 1]:
        job = state.job_link[row, job]
        op = state.next_op[row, job]
    spot = place(shops, state, row, op, pair)
    if spot.code != OK:
        return spot.code
    wide_job = shops.job[n] + job
    calendar = shops.machine_calendar[shops.machine[n] + machine]
    cell = shops.op_cell[op]

    leave_queue(shops, state, row, job)
    local = op - shops.op[n]
    state.plan_machine[row, local] = machine
    state.plan_s[row, local, 0] = spot.setup_start_s
    state.plan_s[row, local, 1] = spot.setup_end_s
    state.plan_s[row, local, 2] = spot.start_s
    state.plan_s[row, local, 3] = spot.end_s
    state.machine_busy_s[row, machine] += spot.setup_s + shops.pair_duration_s[pair]
    state.machine_family[row, machine] = shops.op_family[op]
    state.machine_fixed[row, machine] = spot.fixed
    state.machine_idle[row, machine] = False
    state.machine_ready_s[row, machine] = available_s(shops, state, row, machine, spot.end_s)
    state.cell_load_s[row, cell] -= shops.mean_duration_s[op]
    state.left[row] -= 1

    due_s = shops.due_s[wide_job]
    before_s = max(0, state.job_end_s[row, job] + shops.min_duration_s[op]
                   + shops.min_tail_s[op] - due_s)  # fmt: skip
    late_s = max(0, spot.end_s + shops.min_tail_s[op] - due_s)
    extra_s = overtime(shops, calendar, spot.start_s, spot.end_s)
    extra_s += overtime(shops, calendar, spot.setup_start_s, spot.setup_end_s)
    objective = state.objective[row]
    late_h = shops.weight[wide_job] * (late_s - before_s) / HOUR_S
    longer_h = max(0.0, spot.end_s / HOUR_S - objective[1])
    reward[0] += late_h
    reward[1] += longer_h
    reward[2] += spot.setup_s / HOUR_S
    reward[3] += extra_s / HOUR_S
    objective[0] += late_h
    objective[1] = max(objective[1], spot.end_s / HOUR_S)
    objective[2] += spot.setup_s / HOUR_S
    objective[3] += extra_s / HOUR_S

    state.job_end_s[row, job] = spot.end_s
    state.next_op[row, job] = op + 1
    if op + 1 == shops.job_op[wide_job + 1]:
        state.job_ready_s[row, job] = NEVER_S
    else:
        state.job_ready_s[row, job] = spot.end_s
        state.cell_incoming[row, shops.op_cell[op + 1]] += 1
    return OK


@inlined
def available_s(shops: Shops, state: State, row: int, machine: int, free_s: int) -> int:
    """Return when a machine that is busy until `free_s` becomes idle; NEVER_S if it never does."""
    wide = shops.machine[state.shop[row]] + machine
    fixed = state.machine_fixed[row, machine]
    calendar = shops.machine_calendar[wide]
    last = shops.window[calendar + 1]
    window = state.machine_window[row, machine]
    while True:
        while window < last and shops.close_s[window] <= free_s:
            window += 1
        if window == last:
            return NEVER_S
        free_s = max(free_s, shops.open_s[window])
        if fixed == shops.machine_fixed[wide + 1]:
            return free_s
        op = shops.fixed_op[fixed]
        if shops.fixed_start_s[op] > free_s:
            return free_s
        free_s = max(free_s, shops.fixed_end_s[op])
        fixed += 1


@inlined
def start(shops: Shops, state: State, row: int, n: int) -> int:
    """Put shop `n` into a row, at its first decision; return a code as `seek` does."""
    state.shop[row] = n
    state.now_s[row] = 0
    state.asked[row] = 0
    state.left[row] = 0
    state.objective[row, :] = 0.0
    n_cells = shops.cell[n + 1] - shops.cell[n]
    for cell in range(n_cells):
        state.cell_head[row, cell] = -1
        state.cell_tail[row, cell] = -1
        state.cell_queue[row, cell] = 0
        state.cell_incoming[row, cell] = 0
        state.cell_work_s[row, cell] = 0.0
        state.cell_load_s[row, cell] = shops.cell_load_s[shops.cell[n] + cell]
        state.cell_waiting[row, cell] = False
    for machine in range(shops.machine[n + 1] - shops.machine[n]):
        wide = shops.machine[n] + machine
        state.machine_family[row, machine] = shops.machine_family[wide]
        state.machine_fixed[row, machine] = shops.machine_fixed[wide]
        state.machine_window[row, machine] = shops.window[shops.machine_calendar[wide]]
        state.machine_busy_s[row, machine] = 0
        settle_machine(shops, state, row, machine)
    for job in range(shops.job[n + 1] - shops.job[n]):
        start_job(shops, state, row, job)
    start_fixed(shops, state, row)
    for k in range(state.objective.shape[1]):
        state.unpaid[row, k] = state.objective[row, k]
    pass_events(shops, state, row)
    return seek(shops, state, row)


@inlined
def start_job(shops: Shops, state: State, row: int, job: int) -> None:
    """Put one job before its first free operation, with its bound of weighted tardiness."""
    wide = shops.job[state.shop[row]] + job
    op = shops.job_free_op[wide]
    last = shops.job_op[wide + 1]
    end_s = max(0, shops.release_s[wide])
    if op > shops.job_op[wide]:
        end_s = max(end_s, shops.fixed_end_s[op - 1])
    state.next_op[row, job] = op
    state.job_queued[row, job] = False
    state.job_end_s[row, job] = end_s
    state.job_ready_s[row, job] = NEVER_S
    bound_s = shops.fixed_end_s[last - 1] - shops.due_s[wide]
    if op < last:
        state.job_ready_s[row, job] = end_s
        state.cell_incoming[row, shops.op_cell[op]] += 1
        state.left[row] += last - op
        bound_s = end_s + shops.min_duration_s[op] + shops.min_tail_s[op] - shops.due_s[wide]
    state.objective[row, 0] += shops.weight[wide] * max(0, bound_s) / HOUR_S


@inlined
def start_fixed(shops: Shops, state: State, row: int) -> None:
    """Enter the fixed work into the plan and the totals."""
    n = state.shop[row]
    for op in range(shops.op[n], shops.op[n + 1]):
        machine = shops.fixed_machine[op]
        if machine < 0:
            continue
        local = op - shops.op[n]
        begin_s = shops.fixed_start_s[op]
        end_s = shops.fixed_end_s[op]
        state.plan_machine[row, local] = machine
        state.plan_s[row, local, 0] = begin_s
        state.plan_s[row, local, 1] = begin_s
        state.plan_s[row, local, 2] = begin_s
        state.plan_s[row, local, 3] = end_s
        state.objective[row, 1] = max(state.objective[row, 1], end_s / HOUR_S)
        calendar = shops.machine_calendar[shops.machine[n] + machine]
        extra_s = overtime(shops, calendar, max(0, begin_s), max(0, end_s))
        state.objective[row, 3] += extra_s / HOUR_S
        state.machine_busy_s[row, machine] += open_time(
            shops, calendar, max(0, begin_s), max(0, end_s)
        )
