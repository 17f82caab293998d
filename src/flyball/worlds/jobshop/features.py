# SPDX-License-Identifier: MIT
"""What a policy sees of each candidate: ratios that do not depend on the size of the shop.

Times are divided by the shop's mean working time of an operation (here: *means*), weights by the
mean weight. Values are raw; a policy carries its own normaliser. The choice follows
`reference/scheduling.md` 6.2 and the rules of `baselines`, each of which is a function of these.
"""

from math import inf, log

from flyball.core.batch import Floats, Ints, Longs
from flyball.core.spec import Feature
from flyball.worlds.jobshop.hours import OK, inlined, overtime
from flyball.worlds.jobshop.kernels import Place, place, wait_allowed
from flyball.worlds.jobshop.state import NEVER_S, Shops, State

FAR = 1e4
"""Bound of features that may be endless, such as the slack of a job without due date."""

FLOOR = -20.0
"""Bound of the logarithmic gaps."""

FEATURES = (
    Feature("wait", "-", 0, 1, "1 for the candidate that waits for the cell's next event"),
    Feature("duration", "means", 0, FAR, "working time on this machine"),
    Feature("speed_loss", "-", 0, FAR, "working time over the fastest machine's, minus 1"),
    Feature("setup", "means", 0, FAR, "set-up that the machine needs now"),
    Feature("same_family", "-", 0, 1, "share of the queue that has the candidate's family"),
    Feature("work_left", "means", 0, FAR, "mean work of this and the job's later operations"),
    Feature("ops_left", "operations", 0, FAR, "this and the job's later operations"),
    Feature("slack", "means", -FAR, FAR, "due time minus now minus work left"),
    Feature("weight", "mean weights", 0, FAR, "cost of an hour late, importance counted in"),
    Feature("important", "-", 0, 1, "1 for an important job"),
    Feature("waited", "means", 0, FAR, "time since the operation could have started"),
    Feature("flow_due", "means", -FAR, FAR, "release plus mean work up to and with this operation"),
    Feature("start_delay", "means", 0, FAR, "time from now to processing, set-up work left out"),
    Feature("pause", "means", 0, FAR, "closed time between start and end of processing"),
    Feature("room", "means", 0, FAR, "time until the machine next closes"),
    Feature("next_queue", "means", 0, FAR, "work queued per machine where the job goes next"),
    Feature("next_starving", "-", 0, 1, "1 if no work is queued where the job goes next"),
    Feature("load", "-", 0, 1, "work left per machine here, over that of the fullest cell"),
    Feature("next_load", "-", 0, 1, "the same where the job goes next"),
    Feature("crowd", "jobs", 0, FAR, "queue length per machine of the cell"),
    Feature("queue_mean", "means", 0, FAR, "mean working time of the queue"),
    Feature("atc_gap", "ln", FLOOR, 0, "logarithm of the ATC index over the best candidate's"),
    Feature("atcs_gap", "ln", FLOOR, 0, "the same for ATCS"),
    Feature("overtime", "means", 0, FAR, "work in windows that cost extra"),
    Feature("next_event", "means", 0, FAR, "wait only: time until the cell's next event"),
    Feature(
        "arriving_gap", "ln", FLOOR, -FLOOR, "wait only: best ATC in transit over the best here"
    ),
)
"""Columns of the options features, in order."""

N_FEATURES = len(FEATURES)
(
    WAIT, DURATION, SPEED_LOSS, SETUP, SAME_FAMILY, WORK_LEFT, OPS_LEFT, SLACK, WEIGHT, IMPORTANT,
    WAITED, FLOW_DUE, START_DELAY, PAUSE, ROOM, NEXT_QUEUE, NEXT_STARVING, LOAD, NEXT_LOAD, CROWD,
    QUEUE_MEAN, ATC_GAP, ATCS_GAP, OVERTIME, NEXT_EVENT, ARRIVING_GAP,
) = range(N_FEATURES)  # fmt: skip

OF_JOB = (
    SAME_FAMILY, WORK_LEFT, OPS_LEFT, SLACK, WEIGHT, IMPORTANT, WAITED, FLOW_DUE, NEXT_QUEUE,
    NEXT_STARVING, LOAD, NEXT_LOAD, CROWD, QUEUE_MEAN,
)  # fmt: skip
"""Columns that all machines of one operation share."""

# Settings of the two indices among the features: those that the search for the best rule found on
# training days of the shipped plant, so that a policy can begin as that rule.
LEAD = 2.0  # expected time of the work that is left, in multiples of it
LOOK_AHEAD = 4.0  # k of ATC, in mean working times of the queue
SETUP_LOOK_AHEAD = 0.5  # k2 of ATCS, in the shop's mean working time

FULL = -1
NO_SPOT = -2


@inlined
def log_atc(weight: float, duration: float, slack: float, later: float, queue_mean: float) -> float:
    """Return ln of the apparent tardiness cost of Vepsalainen and Morton (1987).

    `later` is the mean work of the job's later operations, which is expected to take LEAD times as
    long; all times in means.
    """
    spare = max(slack - (LEAD - 1.0) * max(later, 0.0), 0.0)
    reach = LOOK_AHEAD * max(queue_mean, 1e-6)
    return log(max(weight, 1e-6) / max(duration, 1e-6)) - spare / reach


@inlined
def slack_of(shops: Shops, state: State, row: int, n: int, job: int, op: int) -> float:
    """Return due time minus now minus mean work left, in means, within +-FAR."""
    due_s = shops.due_s[shops.job[n] + job]
    slack = (due_s - state.now_s[row] - shops.tail_s[op]) / shops.mean_s[n]
    return float(min(max(slack, -FAR), FAR))


@inlined
def busiest(shops: Shops, state: State, row: int) -> float:
    """Return the largest work left per machine of any cell, s; above 0."""
    n = state.shop[row]
    most_s = 1.0
    for cell in range(shops.cell[n + 1] - shops.cell[n]):
        most_s = max(
            most_s, state.cell_load_s[row, cell] / shops.cell_machines[shops.cell[n] + cell]
        )
    return most_s


@inlined
def observe(
    shops: Shops, state: State, row: int, features: Floats, ids: Ints, at: int, families: Longs
) -> int:
    """Write the candidates of the asked cell from row `at` on; return the row after the last.

    Parameters
    ----------
    features, ids
        Buffers (L, G) and (L,), written from `at`.
    families
        Scratch of at least as many zeros as the shop has families; zeros again afterwards.

    Returns
    -------
    int
        Row after the last candidate; FULL when the buffers are too short (call again with longer
        ones), NO_SPOT when a calendar ends before the work does.
    """
    n = state.shop[row]
    cell = state.asked[row]
    queue_mean = state.cell_work_s[row, cell] / state.cell_queue[row, cell] / shops.mean_s[n]
    most_s = busiest(shops, state, row)
    count_families(shops, state, row, families, 1)
    first = at
    job = state.cell_head[row, cell]
    while job >= 0 and at >= 0:
        own_at = at
        at = of_machines(shops, state, row, job, features, ids, at)
        if at > own_at:
            op = state.next_op[row, job]
            share = families[shops.op_family[op]] / state.cell_queue[row, cell]
            of_job(shops, state, row, job, op, most_s, features[own_at])
            features[own_at, SAME_FAMILY] = share
            features[own_at, QUEUE_MEAN] = queue_mean
            for other in range(own_at + 1, at):
                for column in OF_JOB:
                    features[other, column] = features[own_at, column]
        job = state.job_link[row, job]
    count_families(shops, state, row, families, -1)
    if at < 0:
        return at
    best = gaps(features, first, at)
    if wait_allowed(shops, state, row):
        if at == len(ids):
            return FULL
        ids[at] = -1
        of_wait(shops, state, row, best, most_s, queue_mean, features[at])
        at += 1
    return at


@inlined
def count_families(shops: Shops, state: State, row: int, families: Longs, by: int) -> None:
    """Add `by` to the count of the set-up family of each operation in the asked queue."""
    job = state.cell_head[row, state.asked[row]]
    while job >= 0:
        families[shops.op_family[state.next_op[row, job]]] += by
        job = state.job_link[row, job]


@inlined
def of_machines(
    shops: Shops, state: State, row: int, job: int, features: Floats, ids: Ints, at: int
) -> int:
    """Write the job's candidates with what differs by machine; return as `observe` does."""
    n = state.shop[row]
    op = state.next_op[row, job]
    for pair in range(shops.op_pair[op], shops.op_pair[op + 1]):
        if not state.machine_idle[row, shops.pair_machine[pair]]:
            continue
        if at == len(ids):
            return FULL
        spot = place(shops, state, row, op, pair)
        if spot.code != OK:
            return NO_SPOT
        ids[at] = pair - shops.op_pair[shops.op[n]]
        of_pair(shops, state, row, op, pair, spot, features[at])
        at += 1
    return at


@inlined
def of_job(
    shops: Shops, state: State, row: int, job: int, op: int, most_s: float, out: Floats
) -> None:
    """Write the features that all candidates of one job share."""
    n = state.shop[row]
    wide = shops.job[n] + job
    mean_s = shops.mean_s[n]
    cell = shops.op_cell[op]
    out[WORK_LEFT] = shops.tail_s[op] / mean_s
    out[OPS_LEFT] = shops.job_op[wide + 1] - op
    out[SLACK] = slack_of(shops, state, row, n, job, op)
    out[WEIGHT] = shops.weight[wide] / shops.mean_weight[n]
    out[IMPORTANT] = 1.0 if shops.important[wide] else 0.0
    out[WAITED] = (state.now_s[row] - state.job_ready_s[row, job]) / mean_s
    out[FLOW_DUE] = (shops.release_s[wide] + shops.head_s[op]) / mean_s
    out[LOAD] = load(shops, state, row, cell, most_s)
    out[CROWD] = state.cell_queue[row, cell] / shops.cell_machines[shops.cell[n] + cell]
    out[NEXT_QUEUE] = 0.0
    out[NEXT_STARVING] = 0.0
    out[NEXT_LOAD] = 0.0
    if op + 1 < shops.job_op[wide + 1]:
        after = shops.op_cell[op + 1]
        machines = shops.cell_machines[shops.cell[n] + after]
        out[NEXT_QUEUE] = state.cell_work_s[row, after] / machines / mean_s
        out[NEXT_STARVING] = 1.0 if state.cell_queue[row, after] == 0 else 0.0
        out[NEXT_LOAD] = load(shops, state, row, after, most_s)


@inlined
def load(shops: Shops, state: State, row: int, cell: int, most_s: float) -> float:
    """Return the cell's work left per machine over that of the fullest cell, in [0, 1]."""
    machines = shops.cell_machines[shops.cell[state.shop[row]] + cell]
    return float(max(0.0, state.cell_load_s[row, cell]) / machines / most_s)


@inlined
def of_pair(
    shops: Shops, state: State, row: int, op: int, pair: int, spot: Place, out: Floats
) -> None:
    """Write the features that differ by machine."""
    n = state.shop[row]
    mean_s = shops.mean_s[n]
    machine = shops.pair_machine[pair]
    wide = shops.machine[n] + machine
    duration_s = shops.pair_duration_s[pair]
    out[WAIT] = 0.0
    out[NEXT_EVENT] = 0.0
    out[ARRIVING_GAP] = 0.0
    out[DURATION] = duration_s / mean_s
    out[SPEED_LOSS] = duration_s / max(1, shops.min_duration_s[op]) - 1.0
    out[SETUP] = spot.setup_s / mean_s
    out[START_DELAY] = (spot.start_s - state.now_s[row] - spot.setup_s) / mean_s
    out[PAUSE] = (spot.end_s - spot.start_s - duration_s) / mean_s
    closes_s = shops.close_s[state.machine_window[row, machine]]
    out[ROOM] = min((closes_s - state.now_s[row]) / mean_s, FAR)
    calendar = shops.machine_calendar[wide]
    extra_s = 0
    if shops.overtime[calendar] < shops.overtime[calendar + 1]:
        extra_s = overtime(shops, calendar, spot.start_s, spot.end_s)
        if spot.setup_s > 0:
            extra_s += overtime(shops, calendar, spot.setup_start_s, spot.setup_end_s)
    out[OVERTIME] = extra_s / mean_s


@inlined
def gaps(features: Floats, first: int, last: int) -> float:
    """Write the gaps of the ATC and ATCS indices; return the best ATC index."""
    best = -inf
    best_setup = -inf
    for at in range(first, last):
        own = features[at]
        later = own[WORK_LEFT] - own[DURATION]
        own[ATC_GAP] = log_atc(own[WEIGHT], own[DURATION], own[SLACK], later, own[QUEUE_MEAN])
        own[ATCS_GAP] = own[ATC_GAP] - own[SETUP] / SETUP_LOOK_AHEAD
        best = max(best, features[at, ATC_GAP])
        best_setup = max(best_setup, features[at, ATCS_GAP])
    for at in range(first, last):
        features[at, ATC_GAP] = max(features[at, ATC_GAP] - best, FLOOR)
        features[at, ATCS_GAP] = max(features[at, ATCS_GAP] - best_setup, FLOOR)
    return best


@inlined
def of_wait(
    shops: Shops, state: State, row: int, best: float, most_s: float, queue_mean: float, out: Floats
) -> None:
    """Write the features of waiting for the asked cell's next event."""
    n = state.shop[row]
    cell = state.asked[row]
    mean_s = shops.mean_s[n]
    now_s = state.now_s[row]
    soonest_s = NEVER_S
    first_machine = shops.machine[n]
    for machine in range(shops.machine[n + 1] - first_machine):
        if shops.machine_cell[first_machine + machine] == cell:
            soonest_s = min(soonest_s, state.machine_ready_s[row, machine])
    arriving = best + FLOOR
    for job in range(shops.job[n + 1] - shops.job[n]):
        if state.job_queued[row, job] or state.job_ready_s[row, job] == NEVER_S:
            continue
        op = state.next_op[row, job]
        if shops.op_cell[op] != cell:
            continue
        soonest_s = min(soonest_s, state.job_ready_s[row, job])
        index = log_atc(
            shops.weight[shops.job[n] + job] / shops.mean_weight[n],
            shops.mean_duration_s[op] / mean_s,
            slack_of(shops, state, row, n, job, op),
            (shops.tail_s[op] - shops.mean_duration_s[op]) / mean_s,
            queue_mean,
        )
        arriving = max(arriving, index)
    out[:] = 0.0
    out[WAIT] = 1.0
    out[LOAD] = load(shops, state, row, cell, most_s)
    out[CROWD] = state.cell_queue[row, cell] / shops.cell_machines[shops.cell[n] + cell]
    out[QUEUE_MEAN] = queue_mean
    out[NEXT_EVENT] = min((soonest_s - now_s) / mean_s, FAR)
    out[ARRIVING_GAP] = min(max(arriving - best, FLOOR), -FLOOR)
