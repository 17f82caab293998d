# SPDX-License-Identifier: MIT
"""The filter's own program on given problems: one by one from Python, and as a batch."""

import time
from collections.abc import Callable

import numpy as np

from filtering.problems import Doubles, Problems, cost
from flyball.core.limits import Linear
from flyball.core.spec import TanhGaussian
from flyball.safety.filtering import Asked, Filter
from flyball.safety.projection import Limits, allocate, project, project_all

Latencies = Doubles
"""(n,) us of one decision each, what calling it from Python takes included."""


def one_by_one(problems: Problems) -> Callable[[int], Latencies]:
    """Return what decides n times and says how long each decision took."""
    n, n_dims = problems.proposed.shape
    work, scale, out = allocate(len(problems.price), n_dims), np.ones(n_dims), np.empty(n_dims)
    refuge, price = np.zeros(n_dims), problems.price
    each = [
        (problems.low[b], problems.high[b], problems.rows[b], problems.bound[b], proposed)
        for b, proposed in enumerate(problems.proposed)
    ]

    def decide(amount: int) -> Latencies:
        took = np.empty(amount)
        for k in range(amount):
            low, high, rows, bound, proposed = each[k % n]
            began = time.perf_counter_ns()
            limits = Limits(low, high, scale, rows, bound, price)
            project(work, limits, proposed, refuge, out)
            took[k] = time.perf_counter_ns() - began
        return took / 1000.0

    decide(1)
    return decide


def whole(problems: Problems) -> Callable[[int], Latencies]:
    """Return what times whole decisions of a filter with one sum: its limits and its memory too."""
    n, n_dims = problems.proposed.shape
    values = [TanhGaussian(f"value {d}", "-", -1.0, 1.0) for d in range(n_dims)]
    weights = {each.name: float(problems.rows[0, 0, d]) for d, each in enumerate(values)}
    limit = Linear(name="sum", unit="-", values=weights, bound=float(problems.bound[0, 0]))
    made = Filter([limit], values, (), n_rows=1, decision_s=1.0)
    made.begin(np.zeros(1, np.int64), np.zeros((1, n_dims)), np.zeros(1))
    none, now_s = np.zeros((1, 0)), np.ones(1)
    known = np.zeros((1, 0), np.bool_)
    asked = [Asked(each[None].copy(), none, none, known, now_s) for each in problems.proposed]

    def decide(amount: int) -> Latencies:
        took = np.empty(amount)
        for k in range(amount):
            began = time.perf_counter_ns()
            made(asked[k % n])
            took[k] = time.perf_counter_ns() - began
        return took / 1000.0

    decide(1)
    return decide


def together(problems: Problems) -> Callable[[], Doubles]:
    """Return what decides all B at once and gives what is applied (B, D)."""
    n_dims = problems.proposed.shape[1]
    low, high, rows, bound, price, proposed = problems
    limits = Limits(low, high, np.ones(n_dims), rows, bound, price)
    refuge = np.full_like(proposed, np.nan)  # shows in every figure, should it ever be needed
    decide = lambda: project_all(limits, proposed, refuge)[0]  # noqa: E731
    decide()
    return decide


def worst_gap(problems: Problems) -> float:
    """Return the largest distance between what an action costs and what its multipliers prove.

    No action can cost less than the dual function at any multipliers between 0 and the prices, so
    a gap of 0 proves an optimum without another solver; it counts soft rows too.
    """
    applied, floor = np.empty_like(problems.proposed), np.empty(len(problems.proposed))
    n_dims = applied.shape[1]
    scale, refuge = np.ones(n_dims), np.full(n_dims, np.nan)
    work = allocate(len(problems.price), n_dims)
    for b, proposed in enumerate(problems.proposed):
        low, high, rows, bound = (part[b] for part in problems[:4])
        project(work, Limits(low, high, scale, rows, bound, problems.price), proposed, refuge,
                applied[b])  # fmt: skip
        sides = np.repeat(np.eye(n_dims), 2, axis=0) * np.tile([1.0, -1.0], n_dims)[:, None]
        length = np.linalg.norm(rows, axis=1)
        normal = np.concatenate((rows / length[:, None], sides))
        limit = np.concatenate((bound / length, np.stack((high, -low), axis=1).ravel()))
        multiplier = work.multiplier
        pull = normal.T @ multiplier
        floor[b] = multiplier @ (normal @ proposed - limit) - 0.5 * pull @ pull
    return float(np.abs(cost(problems, applied) - floor).max())
