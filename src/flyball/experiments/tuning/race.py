# SPDX-License-Identifier: MIT
"""One trial: learners of several seeds, run side by side and measured at the same points."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from flyball import learning
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

    def run_to(self, share: float) -> float:
        """Learn until this share of the budget is spent; return the figure of the greedy policy."""
        while (spent := self.budget.share(self.iteration, 0.0)) < share:
            self.algorithm.iterate(self.iteration, spent)
            self.iteration += 1
        run, subject = self.experiment.run, self.experiment.subject
        found = outcomes(subject, self.algorithm.policy, Stream.VALIDATE, run.validation_episodes)
        return float(found[:, 0].mean())


def race(
    experiment: Experiment,
    seeds: Sequence[int],
    clock: Clock,
    report: Callable[[int, float, float], bool],
) -> float:
    """Return what some settings are worth: the mean over seeds of the last measurings.

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
    found: list[float] = []
    for point in range(n):
        found.append(float(np.mean([runner.run_to((point + 1) / n) for runner in runners])))
        if report(point, found[-1], clock.elapsed_s() - began_s):
            raise GivenUpError
    return float(np.mean(found[-math.ceil(n / LAST) :]))


def _with_seed(experiment: Experiment, seed: int) -> Experiment:
    return replace(experiment, run=replace(experiment.run, seed=seed))
