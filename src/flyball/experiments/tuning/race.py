# SPDX-License-Identifier: MIT
"""One trial: learners of several seeds, run side by side and measured at the same points."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flyball import learning
from flyball.core.batch import Doubles
from flyball.core.clock import Clock
from flyball.experiments.experiment import Experiment
from flyball.experiments.measure import outcomes
from flyball.experiments.streams import Stream
from flyball.experiments.train import budget_of, learner

LAST = 4
"""The last quarter of the measurings counts: one alone is luck."""


class GivenUpError(Exception):
    """The trial fell behind and was not run to its end."""


class Runner:
    """A learner of one seed, run from point to point of its budget."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.env = experiment.subject.env(experiment.run.envs, Stream.TUNE)
        self.algorithm = learner(experiment, self.env)
        self.budget = budget_of(*experiment.run.budget, self.env)
        self.iteration = 0

    def run_to(self, share: float) -> Doubles:
        """Learn until this share of the budget is spent; return what the greedy policy does.

        Returns
        -------
        Doubles
            (1 + C,) mean of the figure that counts, and of every cost.
        """
        while (spent := self.budget.share(self.iteration, 0.0)) < share:
            self.algorithm.iterate(self.iteration, spent)
            self.iteration += 1
        run, subject = self.experiment.run, self.experiment.subject
        found = outcomes(subject, self.algorithm.policy, Stream.VALIDATE, run.validation_episodes)
        return np.append(found.kpi[:, 0].mean(), found.cost.mean(0))


class Raced(NamedTuple):
    """What came of a trial."""

    value: float
    """Of the figure that counts."""

    over: tuple[float, ...]
    """How far each mean cost is above its limit; 0 or below where it keeps it."""


def race(
    experiment: Experiment,
    seeds: Sequence[int],
    clock: Clock,
    report: Callable[[int, float, float], bool],
) -> Raced:
    """Return what some settings are worth: means over seeds of the last measurings.

    Parameters
    ----------
    experiment
        With the settings of the trial; its budget is in steps or iterations.
    seeds
        Of the learners.
    clock
        Source of the time that is handed to `report`.
    report
        Called at every point with its number, the mean figure over seeds and the wall time so far;
        returns whether to give the trial up.

    Raises
    ------
    GivenUpError
        When `report` says so.
    ConfigError
        When the settings do not fit together.
    """
    learning.set_threads(experiment.run.threads)
    began_s = clock.elapsed_s()
    runners = [Runner(_with_seed(experiment, seed)) for seed in seeds]
    n = experiment.run.validations
    found: list[Doubles] = []
    for point in range(n):
        found.append(np.mean([runner.run_to((point + 1) / n) for runner in runners], axis=0))
        if report(point, float(found[-1][0]), clock.elapsed_s() - began_s):
            raise GivenUpError
    value, *costs = np.mean(found[-math.ceil(n / LAST) :], axis=0).tolist()
    limits = [cost.limit for cost in experiment.subject.spec.costs]
    return Raced(value, tuple(cost - limit for cost, limit in zip(costs, limits, strict=True)))


def _with_seed(experiment: Experiment, seed: int) -> Experiment:
    return replace(experiment, run=replace(experiment.run, seed=seed))
