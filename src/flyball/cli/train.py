# SPDX-License-Identifier: MIT
"""`flyball train`: from a plant's file to a policy."""

import shlex
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from flyball import experiments, worlds
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, show_json, span
from flyball.core.errors import ConfigError, Problem

USUAL = "90s"
"""The budget of a run where none was given."""


@guarded
def train(  # noqa: PLR0913
    world: Annotated[
        str | None, typer.Argument(help="A world, as `flyball worlds` lists them.")
    ] = None,
    plant: Annotated[
        Path | None, typer.Argument(help="The plant's file; without one: generated shops.")
    ] = None,
    *,
    budget: Annotated[
        str | None, typer.Option(help="Wall time: 90s, 2m, 1h.", show_default=USUAL)
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Iterations instead of a time: repeatable exactly.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="A TOML file; configs/jobshop/ holds examples.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Where the run's folder is made.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="A run that was stopped: go on from its last checkpoint.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a policy: tune the rules, imitate the best of them, then improve on it.

    Examples: flyball train jobshop orders.xlsx --budget 90s ·
    flyball train --resume runs/jobshop-20260101-080000
    """
    require_extra()
    if resume is not None:
        require_alone(
            {
                "WORLD": world,
                "PLANT": plant,
                "--budget": budget,
                "--iterations": iterations,
                "--settings": settings,
            }
        )
        experiments.asked_of(resume)
        folder = resume
    else:
        asked = experiments.Asked(
            world=known(world),
            plant=plant,
            seconds=None if iterations else seconds(budget or USUAL),
            iterations=iterations,
            command=shlex.join(["flyball", *sys.argv[1:]]),
        )
        folder = experiments.start_run(asked, settings, runs)
    say(f"run {folder}", quiet=as_json)
    warm(folder, quiet=as_json)
    result = trained(folder, folder)
    if as_json:
        figures = dict(result.figures)
        show_json({"run": str(folder), "elapsed_s": round(result.elapsed_s, 3)} | figures)
    else:
        say(summary(result))
        say(f"next: flyball evaluate {folder}")


def require_extra() -> None:
    """Refuse to train where the packages that only training needs are not installed.

    Raises
    ------
    ConfigError
        With what to install.
    """
    missing = [name for name in ("torch", "onnx") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            Problem(
                where="flyball train",
                found=f"{' and '.join(missing)} not installed",
                allowed="torch and onnx, which only training needs",
                fix="pip install 'flyball[train]'",
            )
        )


def require_alone(others: Mapping[str, object]) -> None:
    """Refuse arguments beside ``--resume``: a run goes on with what it was started with.

    Raises
    ------
    ConfigError
        With every argument that was given.
    """
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise ConfigError(
            Problem(
                where="--resume",
                found="given together with " + ", ".join(given),
                allowed="--resume with the run's folder alone; the run knows the rest",
                fix="leave them out, or leave --resume out to start a new run",
            )
        )


def known(world: str | None) -> str:
    """Return the name of a world that exists.

    Raises
    ------
    ConfigError
        When none was given or it is not known.
    """
    if world is None:
        raise ConfigError(
            Problem(
                where="world",
                found="none",
                allowed=", ".join(worlds.TITLES),
                fix="flyball train jobshop orders.xlsx",
            )
        )
    worlds.load(world)
    return world


def warm(folder: Path, *, quiet: bool) -> None:
    """Compile the simulator and what training needs, before the budget begins."""
    say("compiling (once on a machine, less than a minute; then seconds) ...", quiet=quiet)
    spent_s = experiments.warm_up() + experiments.warm_run(folder)
    say(f"ready after {span(spent_s)}", quiet=quiet)


def trained(folder: Path, shown: Path) -> Any:
    """Train a run under live progress; a stop by Ctrl-C is exit code 130 with how to go on."""
    with Shown() as watch:
        try:
            result = experiments.train_run(folder, watch)
        except KeyboardInterrupt:
            result = None
    if result is None or result.interrupted:
        typer.echo(f"Stopped. Go on with: flyball train --resume {shown}", err=True)
        raise typer.Exit(130)
    return result


def summary(result: Any) -> str:
    """Return how a run ended, in words."""
    own, rule = result.figures["validation_h"], result.figures["best_rule_h"]
    return (
        f"trained in {span(result.elapsed_s)}: on validation days {own:.1f} weighted hours late, "
        f"best tuned rule {rule:.1f} (the verdict on held-out days is for evaluate to give)"
    )
