# SPDX-License-Identifier: MIT
"""`flyball tune`: search for good settings of an algorithm on a problem."""

from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from flyball import experiments
from flyball.cli.asking import known, require_extra, require_one
from flyball.cli.ending import SHOP
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, show_json
from flyball.core.errors import ConfigError, Problem


class Pruner(StrEnum):
    """What gives up trials that fall behind."""

    MEDIAN = "median"
    HYPERBAND = "hyperband"
    NONE = "none"


@guarded
def tune(  # noqa: PLR0913
    world: Annotated[
        str | None, typer.Argument(help="A problem, as `flyball worlds` lists them.")
    ] = None,
    *,
    algorithm: Annotated[
        str | None, typer.Option(help="As `flyball algorithms` lists them.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Trials of the whole study.")] = 50,
    timeout: Annotated[str | None, typer.Option(help="Wall time of this sitting: 10m, 2h.")] = None,
    study: Annotated[
        Path | None, typer.Option(help="The study's file; goes on where there is one.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Learners of a trial; their mean counts.")] = 1,
    pruner: Annotated[Pruner, typer.Option(help="What gives up trials early.")] = Pruner.MEDIAN,
    config: Annotated[Path | None, typer.Option(help="A TOML file to begin with.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting that stays as it is: net.norm=none. Repeatable."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Budget of a trial in steps of the world.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Budget of a trial in rounds.")
    ] = None,
    envs: Annotated[int | None, typer.Option(min=1, help="Parallel copies of the world.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search for good settings; write the best as TOML that `flyball train --config` takes.

    Example: flyball tune classics/cartpole --algorithm ppo --trials 20 --steps 20000
    """
    require_extra()
    require_one({"--steps": steps, "--iterations": iterations})
    require_optuna()
    if world == SHOP:
        raise ConfigError(
            Problem(
                where="world",
                found=SHOP,
                allowed=", ".join(experiments.problems()),
                fix="flyball train jobshop tunes its rules by itself",
            )
        )
    experiment = experiments.experiment_of(
        config,
        changes or [],
        world=known(world) if config is None else world,
        algorithm=algorithm,
        steps=steps,
        iterations=iterations,
        envs=envs,
    )
    stem = f"{experiment.subject.name.replace('/', '-')}-{experiment.algorithm}"
    how = experiments.tuning.TuneConfig(
        trials=trials,
        timeout_s=seconds(timeout) if timeout else None,
        seeds=seeds,
        pruner=pruner.value,
        fixed=tuple(change.partition("=")[0].strip() for change in changes or ()),
    )
    with Shown() as watch:
        found = experiments.tuning.tune(
            experiment, how, study or Path("tuning") / f"{stem}.db", watch
        )
    tell(found, as_json=as_json)
    if found.interrupted:
        typer.echo("Stopped. Go on with the same command; the study keeps its trials.", err=True)
        raise typer.Exit(130)


def require_optuna() -> None:
    """Refuse to tune where Optuna is missing.

    Raises
    ------
    ConfigError
        With what to install.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            Problem(
                where="flyball tune",
                found="the package optuna is not installed",
                allowed="an installation with the extra tune",
                fix="pip install 'flyball[tune]'",
            )
        )


SHOWN = 10
"""Trials that the table shows, the best first."""


def tell(found: Any, *, as_json: bool) -> None:
    """Print what came of a study."""
    shares = experiments.tuning.importances(found)
    picture = experiments.tuning.write_picture(found)
    if as_json:
        show_json(
            {
                "study": str(found.study),
                "file": str(found.file) if found.file else None,
                "picture": str(picture) if picture else None,
                "importance": shares,
                "trials": [vars(each) | {"settings": dict(each.settings)} for each in found.trials],
            }
        )
        return
    states = [each.state for each in found.trials]
    counts = ", ".join(f"{states.count(name)} {name}" for name in dict.fromkeys(states))
    say(f"{len(states)} trials: {counts}")
    sign = -1.0 if found.sense == "max" else 1.0
    complete = [each for each in found.trials if each.state == "complete"]
    for each in sorted(complete, key=lambda trial: (trial.over, sign * trial.value))[:SHOWN]:
        settings = " ".join(f"{key}={_short(value)}" for key, value in each.settings.items())
        over = f"  over limits by {each.over:.3g}" if each.over else ""
        say(f"  {found.kpi} {each.value:10.4g}  trial {each.number:<4} {settings}{over}")
    if found.usual is not None:
        say(f"  {found.kpi} {found.usual.value:10.4g}  without tuning (trial 0)")
    if shares:
        say("what mattered: " + ", ".join(f"{key} {share:.0%}" for key, share in shares.items()))
    for path in (found.file, picture):
        if path is not None:
            say(f"wrote {path}")
    if found.file is not None:
        say(f"next: flyball train --config {found.file}")


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace(" ", "")
