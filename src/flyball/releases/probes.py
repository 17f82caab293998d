# SPDX-License-Identifier: MIT
"""Made-up observations that a graph is tried on: the same on every machine and in every version.

Rows are r = b * N + n of N agents, as in `flyball.policies.bundle`. Ordinary probes come from the
counter-based generator of `core.random`, so that a seed and a number of rows name them; extreme
ones are what a broken sensor or a wrong unit sends.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flyball.core.random import uniform

Arrays = dict[str, NDArray[Any]]

INPUTS: Mapping[str, tuple[str, int]] = {
    "features": ("tensor(float)", 2),
    "row": ("tensor(int64)", 1),
    "count": ("tensor(float)", 2),
    "obs": ("tensor(float)", 2),
    "mask": ("tensor(bool)", 2),
    "memory_in": ("tensor(float)", 2),
    "start": ("tensor(bool)", 1),
}
"""What a policy's graph may be given: type and number of axes."""

OUTPUTS = frozenset({"score", "logits", "mean", "log_std", "value", "memory_out"})
"""What it may answer."""

WIDEST = 1 << 17
"""Columns of an input at most."""

SCALES = (0.1, 1.0, 10.0, 1000.0)
"""Largest numbers of ordinary rows, in turn."""

EXTREME = 1e12


class Axis(NamedTuple):
    """An input that a graph declares."""

    name: str
    type: str
    shape: Sequence[int | str]


def misfits(declared: Sequence[Axis], answered: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return what a graph declares that no policy has, each as where, found and allowed."""
    found = []
    for axis in declared:
        kind, n_axes = INPUTS.get(axis.name, ("", 0))
        if not kind:
            found.append((f"input '{axis.name}'", "an input", "one of " + ", ".join(INPUTS)))
        elif (axis.type, len(axis.shape)) != (kind, n_axes):
            what = f"{axis.type} of {len(axis.shape)} axes"
            found.append((f"input '{axis.name}'", what, f"{kind} of {n_axes} axes"))
        elif n_axes == 2 and not _fits(axis.shape[1]):
            allowed = f"a number of at most {WIDEST}"
            found.append((f"input '{axis.name}'", f"width {axis.shape[1]}", allowed))
    unknown = [name for name in answered if name not in OUTPUTS]
    found += [(f"output '{name}'", "an output", ", ".join(sorted(OUTPUTS))) for name in unknown]
    if not answered:
        found.append(("", "no output", ", ".join(sorted(OUTPUTS))))
    return found


def _fits(width: int | str) -> bool:
    return isinstance(width, int) and 0 < width <= WIDEST


def ordinary(declared: Sequence[Axis], n_rows: int, seed: int) -> Arrays:
    """Return made-up inputs.

    Parameters
    ----------
    declared
        Inputs without `misfits`.
    n_rows
        R, a multiple of the number of agents.
    seed
        Not negative.
    """
    counts = 1 + np.arange(n_rows) % 4
    given: Arrays = {}
    for axis in declared:
        number = list(INPUTS).index(axis.name)
        if axis.name == "row":
            given["row"] = np.repeat(np.arange(n_rows, dtype=np.int64), counts)
        elif axis.name == "count":
            given["count"] = counts[:, None].astype(np.float32)
        elif axis.name == "start":
            given["start"] = np.arange(n_rows) % 3 == 0
        else:
            n = int(counts.sum()) if axis.name == "features" else n_rows
            given[axis.name] = _drawn(axis, n, (seed, number))
    return given


def _drawn(axis: Axis, n: int, name: tuple[int, int]) -> NDArray[Any]:
    """Return (n, width) truth values with one true in each row, or numbers of several scales."""
    width = int(axis.shape[1])
    share = uniform(*name, np.arange(n)[:, None], np.arange(width)[None])
    if axis.type == "tensor(bool)":
        legal: NDArray[np.bool_] = share < 0.7
        legal[np.arange(n), np.arange(n) % width] = True
        return legal
    scale = np.array([1.0] if axis.name == "memory_in" else SCALES)
    numbers: NDArray[np.float32] = ((2.0 * share - 1.0) * np.resize(scale, n)[:, None]).astype(
        np.float32
    )
    return numbers


def extreme(given: Arrays) -> Iterator[tuple[str, Arrays]]:
    """Yield the same inputs with extreme observations, each set with its name; memory is empty."""
    for name, size in (
        ("all 0", 0.0),
        (f"all {EXTREME:g}", EXTREME),
        (f"all {-EXTREME:g}", -EXTREME),
        (f"{EXTREME:g} and {-EXTREME:g} in turn", np.nan),
    ):
        changed = dict(given)
        for key in ("obs", "features"):
            if key in changed:
                turn = np.where(np.arange(changed[key].size) % 2, -EXTREME, EXTREME)
                flat = turn if np.isnan(size) else np.full(changed[key].size, size)
                changed[key] = flat.reshape(changed[key].shape).astype(np.float32)
        if "memory_in" in changed:
            changed["memory_in"] = np.zeros_like(changed["memory_in"])
        yield name, changed


def fingerprint(given: Arrays) -> str:
    """Return the SHA-256 of made-up inputs: a difference in them is no difference of policies."""
    digest = hashlib.sha256()
    for name in sorted(given):
        array = np.ascontiguousarray(given[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def strays(answer: Arrays, given: Arrays) -> list[str]:
    """Return the outputs that are not finite; logits of illegal actions may be minus infinity."""
    found = []
    for name, array in answer.items():
        fine = np.isfinite(array)
        if name == "logits" and "mask" in given and array.shape == given["mask"].shape:
            fine |= np.isneginf(array) & ~given["mask"]
        if not fine.all():
            found.append(name)
    return found
