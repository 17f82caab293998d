# SPDX-License-Identifier: MIT
"""Train a policy for a plant: tune the rules, imitate the best of them, then improve on it.

Everything that the result depends on stands in the run folder. With a budget in iterations a run
that was killed and resumed ends in exactly the same weights; with one in seconds it uses the
seconds that are left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flyball import learning
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import ConfigError, Problem
from flyball.experiments import runs
from flyball.experiments.board import Write, board, require_board
from flyball.experiments.jobshop.config import TrainConfig
from flyball.experiments.jobshop.pool import Pool, plant_of, read_plant, training_pool
from flyball.experiments.jobshop.rules import tuned_rules
from flyball.experiments.jobshop.stages import improver, stages
from flyball.experiments.jobshop.watched import Watched
from flyball.experiments.overrides import read, sources_of
from flyball.experiments.runs import Watch
from flyball.experiments.settings import build, read_toml, to_toml
from flyball.worlds.jobshop import RULES, WORLD, Scenario, outcomes


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


def start_run(
    asked: Asked,
    settings: Path | None,
    root: Path,
    clock: Clock | None = None,
    *,
    changes: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Path:
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
    changes
        ``table.key=value`` texts, laid over the file.
    options
        Settings by their key, laid over both; None: not given.

    Raises
    ------
    ScenarioError
        When the plant's file has problems; no folder is made then.
    ConfigError
        When a setting is wrong.
    """
    config = read(
        sources_of(settings, changes, options or {}),
        lambda tables, where: build(TrainConfig, tables, where),
    )
    if config.tensorboard:
        require_board()
    plant = read_plant(asked.plant)
    _require_one_aim(plant, config.objective)
    if config.trainer != "ppo":  # which would compile the simulator, and asks nothing of the copies
        improver(config, learning.Net(WORLD.spec, config.net, 0), [WORLD.generated(0, 0)])
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
    manifest = runs.read_manifest(folder, "plant", "plant_hash", "seconds", "iterations")
    plant = plant_of(manifest)
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
    plan = stages(config, net, pool, rules)
    spent_s = clock.elapsed_s() - began_s + EXPORT_S
    interrupted = False
    with board(folder / runs.BOARD if config.tensorboard else None, clock) as write:
        for stage, algorithm in plan.items():
            watched.take(stage, algorithm)
            ended = learning.train(
                watched,
                _budget(asked, config, stage, spent_s),
                clock,
                folder=folder / runs.CHECKPOINT / stage,
                on_progress=_report(stage, watch, write),
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
        algorithm=" then ".join(plan),
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
    for algorithm in stages(tiny, net, pool, [RULES["ATCS"]]).values():
        algorithm.iterate(0, 0.0)
    outcomes(pool.validation, learning.NetPolicy(net))
    return clock.elapsed_s() - began_s


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


def _report(stage: str, watch: Watch, write: Write) -> Callable[[learning.Progress], None]:
    def on_progress(progress: learning.Progress) -> None:
        write(progress.iteration, {f"{stage}/{name}": x for name, x in progress.figures.items()})
        watch(stage, progress.share, {**progress.figures, "iteration": progress.iteration})

    return on_progress
