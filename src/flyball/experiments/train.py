# SPDX-License-Identifier: MIT
"""Train any algorithm on any problem: a run folder, a budget, measuring, and the best weights out.

With a budget in steps or iterations a run that was killed and resumed ends in exactly the same
weights; with one in seconds it uses the seconds that are left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flyball import learning
from flyball.core.clock import Clock, SystemClock
from flyball.experiments import runs
from flyball.experiments.board import board, require_board
from flyball.experiments.experiment import Experiment, experiment_of
from flyball.experiments.runs import TRAIN, Watch
from flyball.experiments.streams import Stream, Streamed
from flyball.experiments.watched import Algorithm, Watched


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a run ended."""

    folder: Path
    interrupted: bool
    kpi: str
    """Name of the figure that the best weights were chosen by."""

    validation: float
    """Its mean over the validation episodes with the weights that are exported."""

    steps: int
    """Steps of the world in training, all copies together."""

    elapsed_s: float
    """Wall time of this sitting, s."""


@dataclass(frozen=True, kw_only=True)
class StepBudget(learning.Budget):
    """A budget in steps of the world, which the Env counts."""

    env: Streamed
    steps: int

    def __post_init__(self) -> None:
        """Nothing to check: the experiment's settings did."""

    def share(self, iterations: int, elapsed_s: float) -> float:
        """Return the share in [0, 1] that is spent."""
        del iterations, elapsed_s
        return min(1.0, self.env.steps / self.steps)


def start_run(
    experiment: Experiment, root: Path, command: str = "", clock: Clock | None = None
) -> Path:
    """Make the folder of a new run and write down what was asked for; return the folder.

    Raises
    ------
    ConfigError
        When settings do not fit together, or something that they need is missing; no folder is
        made then.
    """
    learner(experiment, experiment.subject.env(experiment.run.envs, Stream.TRAIN))
    if experiment.run.tensorboard:
        require_board()
    clock = clock or SystemClock()
    folder = runs.new_folder(root, experiment.subject.name, clock)
    manifest = {
        "world": experiment.subject.name,
        "scenario": dict(experiment.subject.settings),
        "algorithm": experiment.algorithm,
        "seed": experiment.run.seed,
        "started": clock.now().isoformat(timespec="seconds"),
    } | runs.environment(command, experiment.run.threads)
    runs.write_json(folder / runs.MANIFEST, manifest)
    runs.write_text(folder / runs.SETTINGS, with_its_limits(experiment, folder).to_toml())
    return folder


def with_its_limits(experiment: Experiment, folder: Path) -> Experiment:
    """Return an experiment whose Shield's limits are a copy in its run: a file may change."""
    shield = experiment.subject.shield
    if shield is None or not shield.limits:
        return experiment
    runs.write_text(folder / runs.LIMITS, Path(shield.limits).read_text("utf-8-sig"))
    own = replace(shield, limits=runs.LIMITS)
    return replace(experiment, subject=replace(experiment.subject, shield=own))


def asked_of(folder: Path) -> Experiment:
    """Return the experiment of a run.

    Raises
    ------
    RunError
        When there is no run.
    """
    path = runs.require_run(folder) / runs.SETTINGS
    return experiment_of(path)


def train_run(folder: Path, watch: Watch, clock: Clock | None = None) -> Trained:
    """Do what a run was asked for, from wherever it stands; return how it ended.

    Parameters
    ----------
    folder
        Made by `start_run`; one that was stopped or killed goes on from its latest checkpoint.
    watch
        Called after every iteration with the stage "train".
    clock
        Source of the time.

    Raises
    ------
    RunError
        When there is no run, or another process is training it.
    """
    runs.require_run(folder)
    with runs.held(folder):
        return _train(folder, watch, clock or SystemClock())


def _train(folder: Path, watch: Watch, clock: Clock) -> Trained:
    began_s = clock.elapsed_s()
    experiment = asked_of(folder)
    run, subject = experiment.run, experiment.subject
    learning.set_threads(run.threads)
    env = subject.env(run.envs, Stream.TRAIN)
    algorithm = learner(experiment, env, folder)
    name, size = run.budget
    budget = budget_of(name, size, env)
    with board(folder / runs.BOARD if run.tensorboard else None, clock) as write:
        watched = Watched(
            folder,
            algorithm,
            env,
            experiment,
            share=budget.share,
            clock=clock,
            write=write,
        )
        ended = learning.train(
            watched, budget, clock, folder=folder / runs.CHECKPOINT, on_progress=_report(watch)
        )
        watched.measure(ended.iterations)
    validation = watched.best_into(algorithm.net)
    kpi = subject.spec.kpis[0].name
    elapsed_s = clock.elapsed_s() - began_s
    facts = {"validation": validation, "kpi": kpi, "steps": env.steps, "elapsed_s": elapsed_s}
    # Algorithms that learn from rewards as they are have no scale.
    facts["reward_scale"] = getattr(algorithm, "reward_scale", 1.0)
    learning.export(
        algorithm.net,
        subject.spec,
        folder / runs.BUNDLE,
        algorithm=experiment.algorithm,
        settings={"file": runs.SETTINGS, "seed": run.seed},
        facts=facts,
    )
    return Trained(
        folder=folder,
        interrupted=ended.interrupted,
        kpi=kpi,
        validation=validation,
        steps=env.steps,
        elapsed_s=elapsed_s,
    )


def learner(experiment: Experiment, env: Streamed, folder: Path | None = None) -> Algorithm:
    """Return a fresh run of the experiment's algorithm on an Env, with a network of its own.

    Parameters
    ----------
    experiment
        What is learned, and how.
    env
        Is reset.
    folder
        Of the run, for a replay that is too large for memory; None: it lies in memory all the same.
    """
    recipe = learning.recipe(experiment.algorithm, experiment.subject.spec)
    made: Algorithm = recipe.make(env, experiment.net, experiment.settings, folder)
    return made


def budget_of(name: str, size: float, env: Streamed) -> learning.Budget:
    """Return the budget of a name in `RunConfig` and its size."""
    if name == "steps":
        return StepBudget(env=env, steps=int(size))
    if name == "iterations":
        return learning.Budget(iterations=int(size))
    return learning.Budget(seconds=size)


def warm_run(folder: Path, clock: Clock | None = None) -> float:
    """Compile what a run needs, outside of its budget; return the wall time, s."""
    clock = clock or SystemClock()
    began_s = clock.elapsed_s()
    experiment = asked_of(folder)
    learning.set_threads(experiment.run.threads)
    env = experiment.subject.env(experiment.run.envs, Stream.TRAIN)
    learner(experiment, env).iterate(0, 0.0)
    return clock.elapsed_s() - began_s


def _report(watch: Watch) -> Callable[[learning.Progress], None]:
    def on_progress(progress: learning.Progress) -> None:
        figures: Mapping[str, Any] = progress.figures
        watch(TRAIN, progress.share, {**figures, "iteration": progress.iteration})

    return on_progress
