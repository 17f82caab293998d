# SPDX-License-Identifier: MIT
"""How benchmarks measure and say it: one JSON line a figure, rivals alternating on one core."""

import json
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numba import njit

from flyball.core.evaluation import t_95

ROOT = Path(__file__).parents[2]

Better = Literal["more", "less"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure; its fields are the keys of the line that is printed."""

    metric: str
    ours: float
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    n: int
    target: float | None = None
    met: bool | None = None
    note: str

    def print(self) -> None:
        """Print the figure as one line, numbers to six digits."""
        record = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }
        print(json.dumps(record), flush=True)


def one_core() -> str:
    """Keep this process and its children on one core; return what was pinned, in words."""
    if not hasattr(os, "sched_setaffinity"):
        return "core not pinned, "
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}, "


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by Student's t; both ends the value where n is 1."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, mean
    half = t_95(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


def abba(
    ours: Callable[[], float], peer: Callable[[], float], pairs: int
) -> tuple[list[float], list[float]]:
    """Measure both `pairs` times in the order ours, peer, peer, ours, so that a drift cancels."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            found[which].append((ours, peer)[which]())
    return found


def against(
    metric: str,
    both: tuple[list[float], list[float]],
    *,
    peer_name: str,
    target: float | None,
    note: str,
) -> Figure:
    """Return the geometric mean of paired ratios; the target is met when `low` reaches it."""
    logs = [math.log(our / their) for our, their in zip(*both, strict=True)]
    low, high = (math.exp(end) for end in interval(logs))
    return Figure(
        metric=metric,
        ours=statistics.fmean(both[0]),
        peer=statistics.fmean(both[1]),
        peer_name=peer_name,
        ratio=math.exp(statistics.fmean(logs)),
        low=low,
        high=high,
        n=len(logs),
        target=target,
        met=None if target is None else low >= target,
        note=note,
    )


def absolute(
    metric: str, values: Sequence[float], *, better: Better, target: float | None, note: str
) -> Figure:
    """Return a mean with its 95 % interval; the target is met when the whole interval meets it."""
    low, high = interval(values)
    met = None
    if target is not None:
        met = low >= target if better == "more" else high <= target
    return Figure(
        metric=metric,
        ours=statistics.fmean(values),
        low=low,
        high=high,
        n=len(values),
        target=target,
        met=met,
        note=note,
    )


@njit
def _mixed(words: int) -> np.uint64:
    word = np.uint64(0)
    for _ in range(words):
        word += np.uint64(0x9E3779B97F4A7C15)
        word ^= word >> np.uint64(30)
        word *= np.uint64(0xBF58476D1CE4E5B9)
    return word


def yardstick() -> float:
    """Return how fast this core is now: millions of steps a second of a fixed compiled loop."""
    _mixed(1)
    words = 20_000_000
    began = time.process_time()
    _mixed(words)
    return words / (time.process_time() - began) / 1e6
