# SPDX-License-Identifier: MIT
"""Random programs with an answer: a box, rows, and what a policy proposed.

Values are unit-scaled: the box is [-1, 1], normals have entries of size 1, a bound leaves room of
0.05 to 0.5 at a point that lies inside everything. So every program has an answer, and a stated
share of the proposals is admissible already, as in a plant that is well run.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

SIZES = ((3, 1), (6, 8), (20, 40))
"""Values and rows."""

ADMISSIBLE = 0.3
"""Share of the proposals that keep every limit."""

SEED = 0


class Problems(NamedTuple):
    """B programs of D values and R rows: the nearest to `proposed` with rows · u <= bound."""

    low: Doubles  # (B, D)
    high: Doubles  # (B, D)
    rows: Doubles  # (B, R, D)
    bound: Doubles  # (B, R)
    price: Doubles  # (R,) inf: hard
    proposed: Doubles  # (B, D)


def random_problems(n: int, n_dims: int, n_rows: int, soft: float = 0.0) -> Problems:
    """Return n programs, the same for the same size.

    Parameters
    ----------
    soft
        Share of the rows, the first ones, that are soft with prices of 0.01 to 10.
    """
    rng = np.random.default_rng((SEED, n_dims, n_rows))
    rows = rng.normal(size=(n, n_rows, n_dims))
    inside = rng.uniform(-0.8, 0.8, (n, n_dims))
    bound = np.einsum("brd,bd->br", rows, inside) + rng.uniform(0.05, 0.5, (n, n_rows))
    low, high = np.full((n, n_dims), -1.0), np.full((n, n_dims), 1.0)
    price = np.full(n_rows, np.inf)
    price[: round(soft * n_rows)] = 10.0 ** rng.uniform(-2.0, 1.0, round(soft * n_rows))
    found = Problems(low, high, rows, bound, price, inside.copy())
    for b in np.flatnonzero(rng.random(n) >= ADMISSIBLE):
        while kept(found, found.proposed)[b]:
            found.proposed[b] = rng.normal(size=n_dims)
    return found


def kept(problems: Problems, value: Doubles) -> NDArray[np.bool_]:
    """Return (B,) whether values (B, D) keep box and rows."""
    inside = (problems.low <= value) & (value <= problems.high)
    return inside.all(axis=1) & (excess(problems, value) <= 0.0).all(axis=1)


def excess(problems: Problems, value: Doubles) -> Doubles:
    """Return (B, R) by how much values break each row; negative where they keep it."""
    found: Doubles = np.einsum("brd,bd->br", problems.rows, value) - problems.bound
    return found


def violation(problems: Problems, value: Doubles) -> float:
    """Return the worst by which values (B, D) break a hard row or the box; NaN breaks all."""
    hard = excess(problems, value)[:, np.isinf(problems.price)]
    worst = [(problems.low - value).max(), (value - problems.high).max(), hard.max(initial=-np.inf)]
    return float(max(0.0, *worst)) if np.isfinite(value).all() else float("inf")


def cost(problems: Problems, value: Doubles) -> Doubles:
    """Return (B,) what values cost: half the squared distance, and the price of soft rows."""
    soft = np.isfinite(problems.price)
    paid = np.maximum(excess(problems, value)[:, soft], 0.0) @ problems.price[soft]
    found: Doubles = 0.5 * ((value - problems.proposed) ** 2).sum(axis=1) + paid
    return found
