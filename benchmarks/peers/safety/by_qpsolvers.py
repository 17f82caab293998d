# SPDX-License-Identifier: MIT
"""Solve the filter's programs by a solver of qpsolvers: ``python by_qpsolvers.py SOLVER FILE``.

FILE holds the programs; the answers go beside it as ``SOLVER.npy``, NaN where there is none. Then
it says ready, and for each number n that comes in it decides n times and answers with the processor
time that took, s, and the median and the 99th percentile of one decision, us.
"""

import sys
import time
from pathlib import Path

import numpy as np
from qpsolvers import solve_qp


def main() -> None:
    """Answer until there is nothing more to read."""
    solver, path = sys.argv[1], Path(sys.argv[2])
    low, high, rows, bound, proposed = (np.load(path)[key] for key in
                                        ("low", "high", "rows", "bound", "proposed"))  # fmt: skip
    n, n_dims = proposed.shape
    cost = np.eye(n_dims)
    if solver == "osqp":
        from scipy.sparse import csc_matrix, eye_array

        # Its own form, so that nothing is converted while it is timed.
        normals, cost = [csc_matrix(own) for own in rows], csc_matrix(eye_array(n_dims))
    else:
        normals = list(rows)
    pulls = [-own for own in proposed]

    def solve(b: int) -> np.ndarray | None:
        return solve_qp(cost, pulls[b], normals[b], bound[b], lb=low[b], ub=high[b], solver=solver)

    answers = [solve(b) for b in range(n)]
    none = np.full(n_dims, np.nan)
    np.save(path.with_name(f"{solver}.npy"), [none if each is None else each for each in answers])
    print("ready", flush=True)
    for line in sys.stdin:
        amount, began_s = int(line), time.process_time()
        took = np.empty(amount)
        for k in range(amount):
            began = time.perf_counter_ns()
            solve(k % n)
            took[k] = time.perf_counter_ns() - began
        middle, late = np.percentile(took / 1000.0, [50, 99])
        print(time.process_time() - began_s, middle, late, flush=True)


if __name__ == "__main__":
    main()
