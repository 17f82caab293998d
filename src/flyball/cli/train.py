# SPDX-License-Identifier: MIT
"""`flyball train`: from a world, or a plant's file, to a policy."""

import shlex
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from flyball import experiments
from flyball.cli.asking import known, require_alone, require_extra, require_one
from flyball.cli.ending import SHOP, finish_any, finish_shop
from flyball.cli.telling import guarded, say, seconds
from flyball.core.errors import ConfigError, Problem

USUAL = "90s"
"""The budget of the job shop where none was given."""


class Device(StrEnum):
    """Where the learner computes."""

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"


@guarded
def train(  # noqa: PLR0913
    world: Annotated[
        str | None, typer.Argument(help="A world, as `flyball worlds` lists them.")
    ] = None,
    plant: Annotated[
        Path | None, typer.Argument(help="jobshop: the plant's file; without: generated shops.")
    ] = None,
    *,
    algorithm: Annotated[
        str | None,
        typer.Option(help="As `flyball algorithms` lists them; jobshop: es, improve, ppo, none."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file; configs/ holds examples.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting over the file: ppo.clip=0.1. May be repeated."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Budget in steps of the world: repeatable exactly.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Budget in rounds: repeatable exactly.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Budget in wall time: 90s, 2m, 1h.")] = None,
    envs: Annotated[int | None, typer.Option(min=1, help="Parallel copies of the world.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Names every random draw.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where the learner computes.")] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard scalars too.")
    ] = False,
    episodes: Annotated[
        int | None,
        typer.Option(min=2, help="Held-out episodes of the verdict.", show_default="100"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the run's folder is made.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="A run that was stopped: go on from its last checkpoint.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a policy for a world by an algorithm, then put it beside its rivals.

    Examples: flyball train classics/cartpole --algorithm ppo --steps 50000 ·
    flyball train jobshop orders.xlsx --budget 90s ·
    flyball train --resume runs/jobshop-20260101-080000
    """
    require_extra()
    require_one({"--steps": steps, "--iterations": iterations, "--budget": budget})
    options = {
        "steps": steps,
        "iterations": iterations,
        "budget_s": seconds(budget) if budget else None,
        "envs": envs,
        "seed": seed,
        "device": device.value if device else None,
        "tensorboard": tensorboard or None,
    }
    if resume is not None:
        others = {"WORLD": world, "PLANT": plant, "--algorithm": algorithm, "--config": config}
        require_alone(
            others | {"--set": changes or None} | {f"--{k}": v for k, v in options.items()}
        )
        folder, shop = resume, experiments.world_of(resume) == SHOP
        if shop:
            refuse_for_shop({"--episodes": episodes})
            experiments.jobshop.asked_of(folder)
    elif shop := (world == SHOP):
        refuse_for_shop({"--steps": steps, "--device": device, "--episodes": episodes})
        folder = start_shop(plant, algorithm, config, changes or [], options, out)
    else:
        named = world if config else known(world)  # a file may name the world itself
        asked = {"world": named, "algorithm": algorithm, **options}
        folder = start_any(plant, config, changes or [], asked, out)
    say(f"run {folder}", quiet=as_json)
    if shop:
        finish_shop(folder, as_json=as_json)
    else:
        finish_any(folder, episodes or 100, as_json=as_json)


def start_any(
    plant: Path | None, config: Path | None, changes: list[str], asked: dict[str, Any], out: Path
) -> Path:
    """Make the folder of a run of any algorithm on any problem."""
    if plant is not None:
        raise ConfigError(
            Problem(
                where="PLANT",
                found=f"{plant}, for {asked['world']}",
                allowed="a plant's file for jobshop only",
                fix="leave it out; settings of the problem are given by --set scenario.key=value",
            )
        )
    experiment = experiments.experiment_of(config, changes, **asked)
    say("compiling (once on a machine; then seconds) ...", quiet=True)
    return experiments.train.start_run(experiment, out, command())


def refuse_for_shop(options: Mapping[str, object]) -> None:
    """Refuse options that mean nothing for the job shop.

    Raises
    ------
    ConfigError
        With those that were given.
    """
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(
            Problem(
                where=" and ".join(given),
                found=f"given for {SHOP}",
                allowed="--budget or --iterations, on the CPU; flyball evaluate gives the verdict",
                fix="leave it out; an iteration there plays whole days of the plant",
            )
        )


def start_shop(
    plant: Path | None,
    algorithm: str | None,
    config: Path | None,
    changes: list[str],
    options: Mapping[str, Any],
    out: Path,
) -> Path:
    """Make the folder of a run of the job shop's pipeline; `algorithm` names its last stage."""
    limit_s = None if options["iterations"] else options["budget_s"] or seconds(USUAL)
    asked = experiments.jobshop.Asked(
        world=SHOP,
        plant=plant,
        seconds=limit_s,
        iterations=options["iterations"],
        command=command(),
    )
    own = {key: options[key] for key in ("envs", "seed", "tensorboard")}
    return experiments.jobshop.start_run(
        asked, config, out, changes=changes, options=own | {"trainer": algorithm}
    )


def command() -> str:
    """Return the command line as it was typed."""
    return shlex.join(["flyball", *sys.argv[1:]])
