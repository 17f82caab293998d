# SPDX-License-Identifier: MIT
"""The study: propose, race, remember; goes on from its SQLite file whatever ended it before.

Where costs have limits, settings that keep them come before all that do not, whatever those earn;
and nothing is given up early, since breaking a limit is what looks good early.

The first trial has the settings as they are without tuning, so that what is found is never worse
than that on the validation episodes. One process at a time works on a study.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem, RunError
from flyball.experiments import runs
from flyball.experiments.describe import values_of
from flyball.experiments.experiment import Experiment, with_changes
from flyball.experiments.runs import Watch
from flyball.experiments.tuning.found import Trial, TuneConfig, Tuned
from flyball.experiments.tuning.race import GivenUpError, race
from flyball.experiments.tuning.spaces import Choice, Range, Real, space_of, usual_in

FIRST_SEED = 1_000_000
"""Seeds of trials count up from here: no run by hand is likely to have one of them."""

BASE = "base"
"""What the study was started with, among its attributes."""


def tune(
    experiment: Experiment,
    config: TuneConfig,
    study_file: Path,
    watch: Watch,
    clock: Clock | None = None,
) -> Tuned:
    """Search until the study has its trials or the time is over; write the best settings as TOML.

    Parameters
    ----------
    experiment
        What is tuned: problem, algorithm, budget of a trial, and settings that stay as they are.
    config
        How long and how thoroughly.
    study_file
        SQLite; goes on where there is one.
    watch
        Called with ("trial", share of the trials, figures).
    clock
        Source of the time.

    Raises
    ------
    ConfigError
        When the budget is in wall time: trials would not be alike.
    RunError
        When the study was started with something else, or another process works on it.
    """
    if experiment.run.budget[0] == "budget_s":
        raise ConfigError(
            Problem(
                where="the budget of a trial",
                found=f"{experiment.run.budget[1]:g} s",
                allowed="--steps or --iterations: wall time is not the same in every trial",
                fix="give --steps, and --timeout for the whole",
            )
        )
    study_file.parent.mkdir(parents=True, exist_ok=True)
    with runs.held(study_file.parent, f".{study_file.name}.lock"):
        search = Search(experiment, config, study_file, watch, clock or SystemClock())
        interrupted = search.run()
        return search.result(interrupted=interrupted)


class Search:
    """One sitting at a study."""

    def __init__(
        self, experiment: Experiment, config: TuneConfig, file: Path, watch: Watch, clock: Clock
    ) -> None:
        self.experiment, self.config, self.file = experiment, config, file
        self.watch, self.clock = watch, clock
        self.kpi = experiment.subject.spec.kpis[0]
        own = values_of(experiment.own, experiment.algorithm)
        self.usual = own | values_of(experiment.net, "net")
        self.space = space_of(experiment.algorithm, self.usual, config.fixed)
        self.study = self._study()

    def _study(self) -> optuna.Study:
        """Open the study or begin it; trials that a kill left open are closed as failed."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        storage = f"sqlite:///{self.file.resolve()}"
        study = optuna.create_study(
            storage=storage,
            study_name=f"{self.experiment.subject.name} {self.experiment.algorithm}",
            direction="maximize" if self.kpi.sense == "max" else "minimize",
            load_if_exists=True,
            pruner=_pruner(
                "none" if self.experiment.subject.spec.costs else self.config.pruner,
                self.experiment.run.validations,
            ),
        )
        base = _base(self.experiment, self.space, self.config.seeds)
        if study.user_attrs.setdefault(BASE, base) != base:
            raise RunError(
                Problem(
                    where=str(self.file),
                    found="a study of other settings, budget, seeds or search space",
                    allowed="the very same, so that its trials can be compared",
                    fix="give another file with --study, or the options it was started with",
                )
            )
        study.set_user_attr(BASE, base)
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        if not study.get_trials(deepcopy=False):
            study.enqueue_trial(usual_in(self.space, self.usual))
        # A later sitting must not propose again what the first one began with.
        seed = self.experiment.run.seed * 100_003 + len(study.get_trials(deepcopy=False))
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=10)
        return study

    def run(self) -> bool:
        """Run trials until there are enough or the time is over; return whether Ctrl-C ended it."""
        began_s, limit_s = self.clock.elapsed_s(), self.config.timeout_s
        while self._finished() < self.config.trials:
            if limit_s is not None and self.clock.elapsed_s() - began_s >= limit_s:
                break
            trial = self.study.ask({key: _distribution(each) for key, each in self.space.items()})
            try:
                self._one(trial)
            except KeyboardInterrupt:
                self.study.tell(trial, state=TrialState.FAIL)
                return True
        return False

    def _finished(self) -> int:
        closed = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return len(self.study.get_trials(deepcopy=False, states=closed))

    def _one(self, trial: optuna.Trial) -> None:
        """Race one trial and tell the study how it ended."""
        seeds = [FIRST_SEED + k for k in range(self.config.seeds)]
        try:
            proposed = with_changes(self.experiment, changes_of(trial.params))
            found = race(proposed, seeds, self.clock, self._reporter(trial))
        except GivenUpError:
            self.study.tell(trial, state=TrialState.PRUNED)
        except ConfigError as error:  # settings that do not fit together
            trial.set_user_attr("problem", str(error))
            self.study.tell(trial, state=TrialState.FAIL)
        else:
            for cost, over in zip(self.experiment.subject.spec.costs, found.over, strict=True):
                trial.set_constraint(cost.name, over)
            self.study.tell(trial, found.value)

    def _reporter(self, trial: optuna.Trial) -> Callable[[int, float, float], bool]:
        n, total = self.experiment.run.validations, self.config.trials

        def report(point: int, value: float, elapsed_s: float) -> bool:
            trial.report(value, point)
            share = (self._finished() + (point + 1) / n) / total
            figures = {"trial": trial.number, "validation": value, "elapsed_s": elapsed_s}
            best = self._best()
            self.watch(
                "trial",
                min(1.0, share),
                figures | ({"best": best.value} if best else {}),  # type: ignore[dict-item]
            )
            return trial.should_prune()

        return report

    def _best(self) -> FrozenTrial | None:
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        sign = 1.0 if self.kpi.sense == "max" else -1.0
        # Trials without a value are none that are complete.
        return max(complete, key=lambda t: (-_beyond(t), sign * (t.value or 0.0)), default=None)

    def result(self, *, interrupted: bool) -> Tuned:
        """Write the best settings and return everything that came of the study."""
        best = self._best()
        trials = tuple(_plain(each) for each in self.study.get_trials(deepcopy=False))
        file = None
        if best is not None:
            file = self.file.with_suffix(".best.toml")
            runs.write_text(file, with_changes(self.experiment, changes_of(best.params)).to_toml())
        return Tuned(
            trials=trials,
            best=_plain(best) if best else None,
            usual=trials[0] if trials and trials[0].state == "complete" else None,
            kpi=self.kpi.name,
            sense=self.kpi.sense,
            study=self.file,
            file=file,
            interrupted=interrupted,
        )


def changes_of(params: Mapping[str, Any]) -> list[str]:
    """Return a trial's parameters as ``--set`` texts."""
    return [f"{key}={value}" for key, value in params.items()]


def _beyond(trial: FrozenTrial) -> float:
    """Return how far mean costs were above their limits, added up over those that were."""
    return float(sum(max(each, 0.0) for each in trial.constraints.values()))


def open_study(file: Path) -> optuna.Study:
    """Return the one study of a file, to be read."""
    return optuna.load_study(study_name=None, storage=f"sqlite:///{file.resolve()}")


def _plain(trial: FrozenTrial) -> Trial:
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "given up"}
    value = trial.value if trial.state == TrialState.COMPLETE else None
    if trial.state == TrialState.PRUNED and trial.intermediate_values:
        value = trial.intermediate_values[max(trial.intermediate_values)]
    return Trial(
        number=trial.number,
        state=names.get(trial.state, "failed"),
        value=value,
        over=_beyond(trial),
        settings=dict(trial.params),
    )


def _distribution(each: Range) -> BaseDistribution:
    if isinstance(each, Choice):
        return CategoricalDistribution(each.values)
    kind = FloatDistribution if isinstance(each, Real) else IntDistribution
    return kind(each.low, each.high, log=each.log)  # type: ignore[arg-type]


def _pruner(name: str, points: int) -> optuna.pruners.BasePruner:
    """Return what gives trials up; none before a quarter of the points, where all is still luck."""
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=points // 4)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=max(1, points // 9), max_resource=points)
    return optuna.pruners.NopPruner()


def _base(experiment: Experiment, space: Mapping[str, Range], seeds: int) -> str:
    """Return a hash of everything that makes trials comparable."""
    run = replace(experiment.run, tensorboard=False)
    text = f"{replace(experiment, run=run).to_toml()}\n{sorted(space.items())}\n{seeds}"
    return hashlib.sha256(text.encode()).hexdigest()
