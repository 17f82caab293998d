# SPDX-License-Identifier: MIT
"""An algorithm under watch: measured on validation days now and then, and the best is kept.

What is kept depends on iterations only, so a run that was killed and resumed keeps the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from flyball import learning
from flyball.core.clock import Clock
from flyball.core.errors import InvariantError
from flyball.experiments import runs
from flyball.experiments.jobshop.config import PhaseConfig
from flyball.experiments.jobshop.pool import Pool
from flyball.experiments.runs import Watch
from flyball.worlds.jobshop import WORLD, Rule, outcomes

Arrays = dict[str, NDArray[Any]]

BEST, SCORE = "best.safetensors", "score"


class Algorithm(Protocol):
    """What is watched."""

    name: str

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Improve once."""
        ...

    def state(self) -> Arrays:
        """Return what the next iteration depends on."""
        ...

    def restore(self, arrays: Arrays) -> None:
        """Go back to a state."""
        ...


class Watched:
    """Runs an algorithm, measures its greedy policy, keeps the best weights in the run folder."""

    def __init__(  # noqa: PLR0913
        self,
        folder: Path,
        net: learning.Net,
        pool: Pool,
        rules: Sequence[Rule],
        *,
        objective: Mapping[str, float],
        phase: PhaseConfig,
        clock: Clock,
        watch: Watch,
        by_iterations: bool,
    ) -> None:
        self.name = ""
        self._folder, self._net, self._pool = folder, net, pool
        self._objective, self._phase, self._clock = objective, phase, clock
        self._watch, self._by_iterations = watch, by_iterations
        self._stage = ""
        self._algorithm: Algorithm | None = None
        self._measured_s = clock.elapsed_s()
        # A resumed run goes on where its curve ended.
        lines = runs.read_lines(folder / runs.METRICS)
        self._began_s = self._measured_s - max((line["elapsed_s"] for line in lines), default=0.0)
        self._measured = -1
        self._last_h = float("nan")
        self.rules = measured_rules(folder / runs.BASELINES, pool, rules)
        self._best = self._load_best()

    def take(self, stage: str, algorithm: Algorithm) -> None:
        """Go on with this algorithm; the network is the same."""
        self._stage, self._algorithm = stage, algorithm
        self.name = algorithm.name
        self._measured = -1

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Improve once; measure if it is time."""
        figures = self._own.iterate(iteration, share)
        finished = iteration + 1
        if self._by_iterations:
            due = finished % self._phase.validate_every == 0
        else:
            due = self._clock.elapsed_s() - self._measured_s >= self._phase.validate_every_s
        if due:
            figures["validation_h"] = self.measure(finished)
        return figures

    @property
    def net(self) -> learning.Net:
        """What is learned."""
        return self._net

    def state(self) -> Arrays:
        """Return what the next iteration depends on."""
        return self._own.state()

    def restore(self, arrays: Arrays) -> None:
        """Go back to a state."""
        self._own.restore(arrays)

    def measure(self, iteration: int) -> float:
        """Measure the greedy policy on the validation days; return weighted tardiness, h."""
        if iteration == self._measured:
            return self._last_h
        found = outcomes(self._pool.validation, learning.NetPolicy(self._net)).mean(axis=0)
        kpi = {each.name: float(found[q]) for q, each in enumerate(WORLD.spec.kpis)}
        now_s = self._clock.elapsed_s()
        record = {
            "stage": self._stage,
            "iteration": iteration,
            "elapsed_s": round(now_s - self._began_s, 3),
            "kpi": kpi,
        }
        runs.append_line(self._folder / runs.METRICS, record)
        cost = cost_of(kpi, self._objective)
        if cost < self._best:
            self._best = cost
            self._save_best(cost)
        self._measured, self._measured_s = iteration, now_s
        self._last_h = kpi["weighted_tardiness_h"]
        share = {"validation_h": self._last_h, "best_rule_h": self.best_rule_h}
        self._watch("measure", 0.0, share)
        return self._last_h

    @property
    def best_rule_h(self) -> float:
        """Weighted tardiness of the best rule on the validation days, h."""
        costs = [cost_of(kpi, self._objective) for kpi in self.rules.values()]
        name = list(self.rules)[int(np.argmin(costs))]
        return self.rules[name]["weighted_tardiness_h"]

    def best_into(self, net: learning.Net) -> dict[str, float]:
        """Put the best weights into the network; return policy's and best rule's mean hours."""
        path = self._folder / BEST
        if path.is_file():
            arrays = load_file(path)
            for name, tensor in net.state_dict().items():
                tensor.detach().numpy()[...] = arrays[name]
        found = outcomes(self._pool.validation, learning.NetPolicy(net))[:, 0].mean()
        return {"validation_h": float(found), "best_rule_h": self.best_rule_h}

    @property
    def _own(self) -> Algorithm:
        if self._algorithm is None:
            msg = "nothing to run: call take first"
            raise InvariantError(msg)
        return self._algorithm

    def _save_best(self, cost: float) -> None:
        arrays = {
            name: np.array(tensor.detach().numpy())
            for name, tensor in self._net.state_dict().items()
        }
        if not all(np.isfinite(array).all() for array in arrays.values()):
            return  # what is watched breaks down, which `train` says
        with runs.replacing(self._folder / BEST) as draft:
            save_file(arrays | {SCORE: np.array([cost])}, draft)

    def _load_best(self) -> float:
        path = self._folder / BEST
        return float(load_file(path)[SCORE][0]) if path.is_file() else float("inf")


def measured_rules(path: Path, pool: Pool, rules: Sequence[Rule]) -> dict[str, dict[str, float]]:
    """Return the mean KPIs of every rule on the validation days, by name; measured once a run."""
    if not path.is_file():
        kpis = WORLD.spec.kpis
        found = {}
        for rule in rules:
            met = outcomes(pool.validation, rule)
            mean, error = met.mean(axis=0), met.std(axis=0, ddof=1) / len(met) ** 0.5
            found[rule.name] = {kpi.name: float(mean[q]) for q, kpi in enumerate(kpis)}
            found[rule.name] |= {
                f"{kpi.name}{runs.ERROR}": float(error[q]) for q, kpi in enumerate(kpis)
            }
        runs.write_json(path, found)
    read: dict[str, dict[str, float]] = runs.read_json(path)
    return read


def cost_of(kpi: Mapping[str, float], objective: Mapping[str, float]) -> float:
    """Return the weighted sum of the figures that the objective names."""
    return sum(weight * kpi[name] for name, weight in objective.items())
