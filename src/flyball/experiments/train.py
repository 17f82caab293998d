# SPDX-License-Identifier: MIT
"""Train a policy for a plant: tune the rules, imitate the best of them, then improve on it.

Everything that the result depends on stands in the run folder. With a budget in iterations a run
that was killed and resumed ends in exactly the same weights; with one in seconds it uses the
seconds that are left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from flyball import learning
from flyball.core.batch import Doubles
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem
from flyball.experiments import runs
from flyball.experiments.config import TrainConfig
from flyball.experiments.pool import Pool, read_plant, training_pool
from flyball.experiments.rules import (
    Tuning,
    append_trials,
    load_rules,
    read_trials,
    save_rules,
)
from flyball.experiments.settings import build, read_toml, to_toml
from flyball.experiments.watched import Algorithm, Watch, Watched
from flyball.worlds.jobshop import RULES, WORLD, Rule, Scenario, Trial, outcomes, tune


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person asked for, beside the settings."""

    world: str
    plant: Path | None
    seconds: float | None
    """Wall time of the whole run, s; or None for a budget in iterations."""

    iterations: int | None
    """Iterations of improvement; or None for a budget in seconds."""

    command: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """How a run ended."""

    folder: Path
    interrupted: bool
    figures: Mapping[str, float]
    """Mean weighted tardiness on the validation days, h: of the policy and of the best rule."""

    elapsed_s: float


def start_run(asked: Asked, settings: Path | None, root: Path, clock: Clock | None = None) -> Path:
    """Make the folder of a new run and write down what was asked for; return the folder.

    Parameters
    ----------
    asked
        World, plant and budget.
    settings
        A TOML file; None: every default.
    root
        Where runs lie.
    clock
        Source of the time.

    Raises
    ------
    ScenarioError
        When the plant's file has problems; no folder is made then.
    ConfigError
        When a setting is wrong.
    """
    config = TrainConfig()
    if settings is not None:
        config = build(TrainConfig, read_toml(settings), settings.name)
    plant = read_plant(asked.plant)
    _require_one_aim(plant, config.objective)
    clock = clock or SystemClock()
    folder = runs.new_folder(root, asked.world, clock)
    manifest = {
        "world": asked.world,
        "plant": str(asked.plant.resolve()) if asked.plant else None,
        "plant_hash": runs.hash_of(asked.plant) if asked.plant else None,
        "scenario_hash": runs.hash_of_arrays(plant.arrays) if plant else None,
        "seconds": asked.seconds,
        "iterations": asked.iterations,
        "seed": config.seed,
        "started": clock.now().isoformat(timespec="seconds"),
    } | runs.environment(asked.command, config.threads)
    runs.write_json(folder / runs.MANIFEST, manifest)
    runs.write_text(folder / runs.SETTINGS, to_toml(config))
    return folder


def _require_one_aim(plant: Scenario | None, objective: Mapping[str, float]) -> None:
    """Refuse to train for one thing what is tuned, searched and judged for another."""
    dated = plant is None or WORLD.has_dues(plant)
    late = objective.get("weighted_tardiness_h", 0.0)
    if dated and (late <= 0 or late < max(objective.values())):
        raise ConfigError(
            Problem(
                where="[objective]",
                found=", ".join(f"{name} = {weight:g}" for name, weight in objective.items()),
                allowed="weighted_tardiness_h above 0 and the largest: jobs here have due times, "
                "and rules, search and verdict go by hours late",
                fix="write weighted_tardiness_h = 1.0, or take the due times out of the plant",
            )
        )


def asked_of(folder: Path) -> tuple[Asked, TrainConfig]:
    """Return what a run was asked for.

    Raises
    ------
    RunError
        When the plant's file is gone or was changed since the run began.
    """
    manifest = runs.read_manifest(folder)
    plant = runs.plant_of(manifest)
    asked = Asked(
        world=manifest["world"],
        plant=plant,
        seconds=manifest["seconds"],
        iterations=manifest["iterations"],
        command=manifest["command"],
    )
    settings = folder / runs.SETTINGS
    return asked, build(TrainConfig, read_toml(settings), str(settings))


def train_run(folder: Path, watch: Watch, clock: Clock | None = None) -> TrainedRun:
    """Do what a run was asked for, from wherever it stands; return how it ended.

    Parameters
    ----------
    folder
        Made by `start_run`; one that was stopped or killed goes on from its latest checkpoint.
    watch
        Called after every iteration.
    clock
        Source of the time.

    Raises
    ------
    RunError
        When there is no run, its plant's file was changed, or another process is training it.
    """
    runs.require_run(folder)
    with runs.held(folder):
        return _train(folder, watch, clock or SystemClock())


def _train(folder: Path, watch: Watch, clock: Clock) -> TrainedRun:
    began_s = clock.elapsed_s()
    asked, config = asked_of(folder)
    learning.set_threads(config.threads)
    plant = read_plant(asked.plant)
    pool = training_pool(plant, config)
    rules = tuned_rules(folder, pool, config.objective, config.phase.tune_s(asked.seconds), watch)
    net = learning.Net(WORLD.spec, config.net, config.seed)
    watched = Watched(
        folder,
        net,
        pool,
        rules,
        objective=config.objective,
        phase=config.phase,
        clock=clock,
        watch=watch,
        by_iterations=asked.seconds is None,
    )
    stages = _stages(config, net, pool, rules)
    spent_s = clock.elapsed_s() - began_s + EXPORT_S
    interrupted = False
    for stage, algorithm in stages.items():
        watched.take(stage, algorithm)
        ended = learning.train(
            watched,
            _budget(asked, config, stage, spent_s),
            clock,
            folder=folder / runs.CHECKPOINT / stage,
            on_progress=_report(stage, watch),
        )
        spent_s += ended.elapsed_s
        watched.measure(ended.iterations)
        if ended.interrupted:
            interrupted = True
            break
    figures = watched.best_into(net)
    facts = dict(figures) | {"elapsed_s": clock.elapsed_s() - began_s}
    learning.export(
        net,
        WORLD.spec,
        folder / runs.BUNDLE,
        algorithm=" then ".join(stages),
        settings={"file": runs.SETTINGS, "seed": config.seed},
        facts=facts,
    )
    return TrainedRun(
        folder=folder,
        interrupted=interrupted,
        figures=figures,
        elapsed_s=clock.elapsed_s() - began_s,
    )


def warm_run(folder: Path, clock: Clock | None = None) -> float:
    """Compile what training needs on a small shop, outside the budget; return the wall time, s.

    The first time on a machine takes some tens of seconds, later ones a few.
    """
    clock = clock or SystemClock()
    began_s = clock.elapsed_s()
    _, config = asked_of(folder)
    learning.set_threads(config.threads)
    tiny = replace(
        config,
        envs=4,
        improve=replace(config.improve, group=2),
        es=replace(config.es, pairs=1),
        ppo=replace(config.ppo, n_steps=8),
    )
    shop = min((WORLD.generated(0, k) for k in range(8)), key=lambda shop: shop.n_ops)
    pool = Pool((shop,), (shop,), (shop,), (shop,))
    net = learning.Net(WORLD.spec, config.net, config.seed)
    for algorithm in _stages(tiny, net, pool, [RULES["ATCS"]]).values():
        algorithm.iterate(0, 0.0)
    outcomes(pool.validation, learning.NetPolicy(net))
    return clock.elapsed_s() - began_s


def tuned_rules(
    folder: Path, pool: Pool, objective: Mapping[str, float], seconds: float, watch: Watch
) -> list[Rule]:
    """Return every rule at its best setting on the pool, the best rule first; once a run.

    Finished trials are kept, so a run that is killed meanwhile loses one round of them at most.
    """
    path = folder / runs.RULES
    if not path.is_file():

        def progress(share: float, trial: Trial) -> None:
            watch("tune", share, {"best_rule": trial.rule.name, "hours": trial.score})

        trials = folder / runs.TRIALS
        found = tune(
            pool.tuning,
            seconds,
            progress=progress,
            known=read_trials(trials),
            keep=lambda fresh: append_trials(trials, fresh),
        )
        tuned = [trial.rule for trial in found.best]
        # Which of them is best is settled on many more days than a setting can be tried on.
        days = (*pool.own[:N_RANKING], *pool.validation)
        leading, others = tuned[:N_LEADING], tuned[N_LEADING:]
        mean = [float((outcomes(days, rule) @ cost_weights(objective)).mean()) for rule in leading]
        order = np.argsort(mean, kind="stable")
        tuning = Tuning(converged=found.converged, trials=found.tried, shops=len(pool.tuning))
        save_rules(path, [*(leading[k] for k in order), *others], tuning)
    return load_rules(path)


N_RANKING = 40
"""Own days on which, with the validation days, the leading rules are ranked."""

N_LEADING = 4
"""Rules that are measured on every day of the pool: one of them is the best rule of each shop."""


def _stages(
    config: TrainConfig, net: learning.Net, pool: Pool, rules: Sequence[Rule]
) -> dict[str, Algorithm]:
    """Return the algorithms of a run in order, by stage."""
    rules = rules[:N_LEADING]
    teachers = {rule.name: rule for rule in rules}
    table = np.stack([_cost(pool, rule, config) for rule in rules])  # (rule, scenario)
    best = [rules[k].name for k in table.argmin(axis=0)]
    n = len(pool.training)
    imitation = replace(config.imitate, seed=config.seed, scenarios=None)
    stages: dict[str, Algorithm] = {
        "imitate": learning.imitate.Imitate(
            WORLD.make_env(pool.training, max(1, config.envs // 4)),
            net,
            imitation,
            teachers,
            lambda seeds: [best[int(seed) % n] for seed in seeds],
        )
    }
    env = WORLD.make_env(pool.own, config.envs) if config.trainer != "none" else None
    weights = dict(config.objective)
    if env is not None and config.trainer == "improve":
        relative = replace(config.improve, seed=config.seed, weights=weights)
        stages["improve"] = learning.improve.Improve(env, net, relative)
    if env is not None and config.trainer == "es":
        evolution = replace(config.es, seed=config.seed, weights=weights)
        parts = config.threads if config.envs % config.threads == 0 else 1
        rows = config.envs // parts
        envs = [WORLD.make_env(pool.own, rows) for _ in range(parts)]
        stages["es"] = learning.es.ES(envs, net, evolution)
    if env is not None and config.trainer == "ppo":
        proximal = replace(config.ppo, seed=config.seed, weights=weights)
        stages["ppo"] = learning.ppo.PPO(env, net, proximal)
    return stages


def _cost(pool: Pool, rule: Rule, config: TrainConfig) -> Doubles:
    """Return what a rule's schedule of each training shop costs, shape (N,)."""
    cost: Doubles = outcomes(pool.training, rule) @ cost_weights(config.objective)
    return cost


def cost_weights(objective: Mapping[str, float]) -> Doubles:
    """Return what each KPI of an outcome costs, shape (Q,)."""
    return np.array([objective.get(kpi.name, 0.0) for kpi in WORLD.spec.kpis])


def _budget(asked: Asked, config: TrainConfig, stage: str, spent_s: float) -> learning.Budget:
    """Return the budget of a stage; `spent_s` of the whole is gone or kept for the end."""
    if asked.iterations is not None:
        first = config.phase.imitate_iterations
        return learning.Budget(iterations=first if stage == "imitate" else asked.iterations)
    share = config.phase.imitate_share
    if stage != "imitate" or config.trainer == "none":
        share = 1.0
    return learning.Budget(seconds=max(1.0, share * ((asked.seconds or 0.0) - spent_s)))


EXPORT_S = 8.0
"""Wall time that is kept for the last measuring and for writing the bundle, s."""


def _report(stage: str, watch: Watch) -> Callable[[learning.Progress], None]:
    def on_progress(progress: learning.Progress) -> None:
        watch(stage, progress.share, {**progress.figures, "iteration": progress.iteration})

    return on_progress
