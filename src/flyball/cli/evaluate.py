# SPDX-License-Identifier: MIT
"""`flyball evaluate`: the policy of a run beside every rival, on what nobody trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from flyball import experiments
from flyball.cli.ending import SHOP, judge_any
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, show_json
from flyball.core.errors import ConfigError, Problem


@guarded
def evaluate(  # noqa: PLR0913
    run: Annotated[Path, typer.Argument(help="A run's folder: runs/<id>.")],
    *,
    days: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=10_000,
            help="jobshop: days of one-pass methods.",
            show_default="40",
        ),
    ] = None,
    timed_days: Annotated[
        int | None,
        typer.Option(
            min=0, help="jobshop: how many of them methods with time meet.", show_default="6"
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="jobshop: wall time for each of their schedules.", show_default="5s"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="jobshop: threads of CP-SAT.", show_default="1")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="jobshop: names the held-out days.", show_default="1")
    ] = None,
    episodes: Annotated[
        int | None,
        typer.Option(min=2, help="Other worlds: held-out episodes.", show_default="100"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the policy of a run with its rivals on what nobody trained on; write the report.

    The job shop's rivals are tuned rules, random restarts and CP-SAT on held-out days; elsewhere
    they are the world's baselines and its known optimum.

    Example: flyball evaluate runs/jobshop-20260101-080000 --days 40
    """
    shop = experiments.world_of(run) == SHOP
    options: dict[str, Any] = {
        "days": days,
        "timed_days": timed_days,
        "time_s": seconds(time) if time else None,
        "threads": threads,
        "seed": seed,
    }
    refuse({"episodes": episodes} if shop else options, shop=shop)
    if not shop:
        judge_any(run, episodes or 100, as_json=as_json)
        return
    given = {name: value for name, value in options.items() if value is not None}
    compared, report = judged(run, experiments.jobshop.EvaluateConfig(**given))
    if as_json:
        show_json(compared.evaluation.as_json() | {"report": str(report)})
        return
    say(compared.evaluation.sentence)
    if compared.second:
        say(compared.second)
    say(f"report: {report}")


def refuse(options: Mapping[str, object], *, shop: bool) -> None:
    """Refuse options that mean nothing for the world of a run.

    Raises
    ------
    ConfigError
        With those that were given.
    """
    given = [f"--{name.removesuffix('_s')}" for name, value in options.items() if value is not None]
    if given:
        raise ConfigError(
            Problem(
                where=" and ".join(given).replace("_", "-"),
                found=f"given for a run of {'the job shop' if shop else 'another world'}",
                allowed="--days, --timed-days, --time, --threads, --seed" if shop else "--episodes",
                fix="leave it out",
            )
        )


def judged(run: Path, config: Any) -> tuple[Any, Path]:
    """Compare a run's policy under live progress and write the report; return both."""
    with Shown() as watch:
        compared = experiments.jobshop.evaluate_run(run, config, watch)
    return compared, experiments.jobshop.write_report(run, compared)
