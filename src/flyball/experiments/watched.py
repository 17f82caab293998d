# SPDX-License-Identifier: MIT
"""An algorithm under watch: its figures are kept, its greedy policy measured, the best weights too.

What is measured and kept depends on the steps or iterations only where the budget is stated in
them, so that a run that was killed and resumed ends in the same weights.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from flyball.core.clock import Clock
from flyball.core.protocols import Policy
from flyball.experiments import runs, weights
from flyball.experiments.board import Write
from flyball.experiments.experiment import Experiment
from flyball.experiments.measure import outcomes, over
from flyball.experiments.runs import TRAIN, VALIDATE
from flyball.experiments.streams import Stream, Streamed
from flyball.experiments.weights import Arrays

BEST, SCORE = "best.safetensors", "score"

LINES = 200
"""Lines of training figures that a whole budget leaves behind."""

COUNTS = ("episodes", "decisions", "illegal")
"""Figures of an iteration that add up; of others the mean counts."""


CHANGED = "changed"
"""Share of decisions in which the Shield applied something else, among the figures."""


class Place(NamedTuple):
    """How good weights are; whatever earns more comes after whatever keeps limits better."""

    kept: float
    """How far mean costs are above their limits, with a minus."""

    score: float
    """The figure that counts, with a minus where less of it is better."""


class Algorithm(Protocol):
    """What is watched."""

    name: str

    @property
    def policy(self) -> Policy:
        """What has been learned so far; greedy without a key."""
        ...

    @property
    def net(self) -> Any:
        """What was learned; has ``state_dict()``, as torch's modules do."""
        ...

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Improve once."""
        ...

    def state(self) -> Arrays:
        """Return what the next iteration depends on."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Go back to a state."""
        ...


class Tally:
    """Figures of the iterations since the last line."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._times: dict[str, int] = {}

    def add(self, figures: Mapping[str, float]) -> None:
        """Count one iteration; a figure that it lacks is not counted for it."""
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
            self._times[name] = self._times.get(name, 0) + 1

    def taken(self) -> dict[str, float]:
        """Return sums of counts and means of everything else, and start anew."""
        found = {
            name: total if name in COUNTS else total / self._times[name]
            for name, total in self._sums.items()
        }
        self._sums, self._times = {}, {}
        return {name: value for name, value in found.items() if math.isfinite(value)}


class Watched:
    """Runs an algorithm, writes its figures, measures its policy, keeps the best weights."""

    def __init__(  # noqa: PLR0913
        self,
        folder: Path,
        algorithm: Algorithm,
        env: Streamed,
        experiment: Experiment,
        *,
        share: Callable[[int, float], float],
        clock: Clock,
        write: Write,
    ) -> None:
        self.name = algorithm.name
        self._folder, self._own, self._env = folder, algorithm, env
        self._experiment, self._share, self._clock = experiment, share, clock
        self._write, self._tally = write, Tally()
        self._kpi = experiment.subject.spec.kpis[0]
        lines = runs.read_lines(folder / runs.METRICS)
        # A resumed run goes on where its curve ended.
        spent_s = max((float(line["elapsed_s"]) for line in lines), default=0.0)
        self._began_s = clock.elapsed_s() - spent_s
        # Share of the budget that was spent when it was last looked whether anything is due; time
        # goes on between iterations too.
        self._behind: float | None = None
        self._measured = -1
        self._best = self._load_best()
        self.figures: dict[str, float] = {}
        """The latest of every figure, for those who watch."""

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Improve once; write and measure if it is time."""
        if self._behind is None:
            runs.forget_after(self._folder / runs.METRICS, iteration)
            self._behind = share
        figures = self._own.iterate(iteration, share)
        self._tally.add(figures)
        self.figures |= figures | {"steps": float(self._env.steps)}
        finished = iteration + 1
        now = self._share(finished, self._clock.elapsed_s() - self._began_s)
        if math.floor(now * LINES) > math.floor(self._behind * LINES):
            self._line(TRAIN, finished, self._tally.taken())
        n = self._experiment.run.validations
        if math.floor(now * n) > math.floor(self._behind * n):
            self.measure(finished)
        self._behind = now
        return self.figures

    @property
    def net(self) -> Any:
        """What is learned."""
        return self._own.net

    def state(self) -> Arrays:
        """Return what the next iteration depends on."""
        return self._own.state()

    def restore(self, arrays: Arrays) -> None:
        """Go back to a state."""
        self._own.restore(arrays)

    def measure(self, iteration: int) -> None:
        """Measure the greedy policy on validation episodes, once an iteration."""
        if iteration == self._measured:
            return
        self._measured = iteration
        run, subject = self._experiment.run, self._experiment.subject
        found = outcomes(subject, self._own.policy, Stream.VALIDATE, run.validation_episodes)
        spec, n = subject.spec, len(found.kpi)
        kpi = {each.name: float(found.kpi[:, q].mean()) for q, each in enumerate(spec.kpis)}
        error = float(found.kpi[:, 0].std() / math.sqrt(n))
        costs = {each.name: float(found.cost[:, c].mean()) for c, each in enumerate(spec.costs)}
        more = costs | ({CHANGED: float(found.changed.mean())} if subject.shield else {})
        self._line(VALIDATE, iteration, kpi | {f"{self._kpi.name}{runs.ERROR}": error} | more)
        self.figures["validation"] = kpi[self._kpi.name]
        score = kpi[self._kpi.name] if self._kpi.sense == "max" else -kpi[self._kpi.name]
        place = Place(-over(spec, found), score)
        if place >= self._best:  # of equals the later one has seen more
            self._best = place
            self._save_best(place)

    def best_into(self, net: Any) -> float:
        """Put the best weights into the network where the run keeps those; return their figure."""
        path = self._folder / BEST
        if self._experiment.run.keep == "best" and path.is_file():
            weights.put(net, weights.load(path))
            return self._best.score if self._kpi.sense == "max" else -self._best.score
        return self.figures.get("validation", math.nan)

    def _line(self, stage: str, iteration: int, figures: Mapping[str, float]) -> None:
        """Write figures down, and hand them to the board."""
        place = {"stage": stage, "iteration": iteration, "steps": self._env.steps}
        spent = {"elapsed_s": round(self._clock.elapsed_s() - self._began_s, 3)}
        runs.append_line(self._folder / runs.METRICS, place | spent | {"figures": dict(figures)})
        self._write(self._env.steps, {f"{stage}/{name}": v for name, v in figures.items()})

    def _save_best(self, place: Place) -> None:
        arrays = weights.arrays_of(self._own.net)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            return  # what is watched breaks down, which `train` says
        weights.save(self._folder / BEST, arrays | {SCORE: np.array(place)})

    def _load_best(self) -> Place:
        path = self._folder / BEST
        kept = weights.load(path)[SCORE] if path.is_file() else (-math.inf, -math.inf)
        return Place(float(kept[0]), float(kept[1]))
