# SPDX-License-Identifier: MIT
"""The loop around every algorithm: budget, progress, checkpoints, and a clean stop.

The result depends on the number of iterations, the batch size and the threads, not on when a run
was stopped: a run that was killed and resumed ends in exactly the same weights. With a budget in
seconds the number of iterations is the machine's; state it as iterations to repeat a run exactly.

A run that breaks down, with figures or weights that are NaN or infinite, ends with an error, and
what broke is never written over the last good checkpoint.
"""

import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flyball.core.clock import Clock
from flyball.core.errors import Problem, RunError
from flyball.core.protocols import Policy
from flyball.learning import checkpoint
from flyball.learning.checkpoint import Arrays, module_arrays
from flyball.learning.settings import require


class Algorithm(Protocol):
    """A procedure that improves a Policy from experience, one iteration at a time."""

    name: str

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Improve once and return figures by name; `share` in [0, 1] of the budget is spent."""
        ...

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        ...


class Learner(Algorithm, Protocol):
    """An Algorithm whose Policy can be watched while it learns."""

    @property
    def policy(self) -> Policy:
        """Acts greedily without a key."""
        ...

    @property
    def net(self) -> Any:
        """What `export` turns into a bundle."""
        ...


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long to train: `iterations` or `seconds`, exactly one of them."""

    iterations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.iterations, self.seconds) if limit is not None]
        ok = len(given) == 1 and given[0] > 0
        found = f"iterations {self.iterations}, seconds {self.seconds}"
        require("budget", found, "one of the two, above 0", ok=ok, usual="90 seconds")

    def share(self, iterations: int, elapsed_s: float) -> float:
        """Return the share in [0, 1] that is spent."""
        if self.iterations is not None:
            return min(1.0, iterations / self.iterations)
        return min(1.0, elapsed_s / (self.seconds or 1.0))


@dataclass(frozen=True)
class Progress:
    """One iteration, for those who watch."""

    algorithm: str
    iteration: int
    """Iterations that are complete."""

    share: float
    """Share of the budget that is spent, in [0, 1]."""

    elapsed_s: float
    """Training time so far, earlier parts of a resumed run included, s."""

    figures: Mapping[str, float]
    """Figures of the iteration in native units, by name."""


@dataclass(frozen=True)
class Trained:
    """How a run ended."""

    iterations: int
    elapsed_s: float
    interrupted: bool
    """Ctrl-C ended it before its budget; it can be resumed."""


CHECKPOINT_EVERY_S = 20.0

LOOK_EVERY_S = 0.1
"""Weights are looked at after every iteration, but in short ones not more often than this."""

LEARNED = frozenset((
    "actor_loss", "alpha", "clipped", "critic_loss", "cross_entropy_nats", "entropy_nats", "error",
    "gradient_norm", "kl", "loss", "moved_sigmas", "policy_loss", "reward_scale",
    "teacher_probability", "temperature", "value", "value_loss",
))  # fmt: skip
"""Figures that must be finite; the others, a world's KPIs among them, may be NaN."""

EXPERIENCE = ("env.", "replay.", "episodes.", "priorities.")
"""Arrays of a state that were lived through, not learned; finite or refused when they came."""


def train(
    algorithm: Algorithm,
    budget: Budget,
    clock: Clock,
    *,
    folder: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Run an algorithm until its budget is spent.

    Parameters
    ----------
    algorithm
        Is changed in place. If `folder` holds a checkpoint, it goes on from the latest.
    budget
        Time spent in earlier parts of a resumed run counts.
    clock
        Source of the elapsed time.
    folder
        Where checkpoints lie; None writes none. One is written at least every 20 s, between
        iterations, and at the end.
    on_progress
        Called after every iteration.

    Raises
    ------
    RunError
        When the checkpoint belongs to another algorithm, other settings or another network; when a
        figure in `LEARNED`, a weight or a statistic is not finite after an iteration, in which case
        nothing is saved any more.
    """
    iteration, before_s = _resume(algorithm, folder)
    began_s = saved_s = looked_s = clock.elapsed_s()
    with stopping_on_ctrl_c() as stop:
        while True:
            elapsed_s = before_s + clock.elapsed_s() - began_s
            share = budget.share(iteration, elapsed_s)
            if share >= 1.0 or stop.is_set():
                break
            figures = algorithm.iterate(iteration, share)
            iteration += 1
            now_s = clock.elapsed_s()
            elapsed_s = before_s + now_s - began_s
            _require_finite(algorithm, iteration, figures)
            if now_s - looked_s >= LOOK_EVERY_S:
                _require_finite(algorithm, iteration, _net_arrays(algorithm))
                looked_s = now_s
            if folder is not None and now_s - saved_s >= CHECKPOINT_EVERY_S:
                _save(algorithm, folder, iteration, elapsed_s)
                saved_s = now_s
            if on_progress is not None:
                share = budget.share(iteration, elapsed_s)
                on_progress(Progress(algorithm.name, iteration, share, elapsed_s, figures))
    if folder is not None:
        _save(algorithm, folder, iteration, elapsed_s)
    else:
        _require_finite(algorithm, iteration, _net_arrays(algorithm))
    return Trained(iteration, elapsed_s, stop.is_set())


def _save(algorithm: Algorithm, folder: Path, iteration: int, elapsed_s: float) -> None:
    facts = {"algorithm": algorithm.name, "settings": _settings(algorithm), "elapsed_s": elapsed_s}
    arrays = algorithm.state()
    learned = {name: a for name, a in arrays.items() if not name.startswith(EXPERIENCE)}
    _require_finite(algorithm, iteration, learned)
    checkpoint.save(folder, iteration, arrays, facts)


def _settings(algorithm: Algorithm) -> str:
    """Return an algorithm's settings in words; nothing where it has none of its own."""
    return repr(getattr(algorithm, "config", None))


def _net_arrays(algorithm: Algorithm) -> Arrays:
    """Return weights and statistics of what is learned; nothing where an algorithm has no net."""
    net = getattr(algorithm, "net", None)
    return {} if net is None else module_arrays(net)


def _require_finite(
    algorithm: Algorithm, iteration: int, seen: Mapping[str, float] | Arrays
) -> None:
    """Raise RunError unless figures in `LEARNED`, or all arrays, are finite."""
    broken = [name for name, value in seen.items() if not _finite(name, value)]
    if not broken:
        return
    found = np.asarray(seen[broken[0]]).ravel()
    value = found[~np.isfinite(found)][0]
    raise RunError(
        Problem(
            where=f"{algorithm.name}, iteration {iteration}",
            found=f"{broken[0]} is {value}",
            allowed="finite figures, weights and statistics",
            fix="lower the learning rate, check the size of rewards and observations, and resume; "
            "the last good checkpoint stands",
            more=len(broken) - 1,
        )
    )


def _finite(name: str, value: float | NDArray[Any]) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    return name not in LEARNED or math.isfinite(value)


def _resume(algorithm: Algorithm, folder: Path | None) -> tuple[int, float]:
    """Return iterations and seconds behind the latest checkpoint, and go back to it."""
    path = checkpoint.latest(folder) if folder is not None else None
    if path is None:
        return 0, 0.0
    arrays, facts = checkpoint.load(path)
    settings = _settings(algorithm)
    pairs = [
        (f"'{facts['algorithm']}'", f"'{algorithm.name}'"),
        (facts.get("settings", settings), settings),
    ]
    for name, array in _net_arrays(algorithm).items():
        shape = arrays[name].shape if name in arrays else "nothing"
        pairs.append((f"{name} of {shape}", f"{name} of {array.shape}"))
    for found, allowed in pairs:
        if found != allowed:
            raise RunError(
                Problem(
                    where=str(path),
                    found=f"a checkpoint of {found}",
                    allowed=f"one of {allowed}",
                    fix="resume with the settings of the run, or train into a new folder",
                )
            )
    algorithm.restore(arrays)
    return int(facts["iteration"]), float(facts["elapsed_s"])


@contextmanager
def stopping_on_ctrl_c() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that an iteration can end; the second one raises."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
