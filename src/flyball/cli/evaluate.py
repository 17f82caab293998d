# SPDX-License-Identifier: MIT
"""`flyball evaluate`: the policy of a run beside every rival, on days nobody trained on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flyball import experiments
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, show_json


@guarded
def evaluate(  # noqa: PLR0913
    run: Annotated[Path, typer.Argument(help="A run's folder: runs/<id>.")],
    *,
    days: Annotated[
        int, typer.Option(min=2, max=10_000, help="Held-out days for methods of one pass.")
    ] = 40,
    timed_days: Annotated[
        int, typer.Option(min=0, help="How many of them the methods with time meet.")
    ] = 6,
    time: Annotated[str, typer.Option(help="Wall time for each of their schedules.")] = "5s",
    threads: Annotated[int, typer.Option(min=1, help="Threads of CP-SAT; search uses one.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Names the held-out days.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a policy with tuned rules, random restarts and CP-SAT; write the report.

    Example: flyball evaluate runs/jobshop-20260101-080000 --days 40
    """
    config = experiments.EvaluateConfig(
        days=days, timed_days=timed_days, time_s=seconds(time), threads=threads, seed=seed
    )
    compared, report = judged(run, config)
    if as_json:
        show_json(compared.evaluation.as_json() | {"report": str(report)})
        return
    say(compared.evaluation.sentence)
    if compared.second:
        say(compared.second)
    say(f"report: {report}")


def judged(run: Path, config: Any) -> tuple[Any, Path]:
    """Compare a run's policy under live progress and write the report; return both."""
    with Shown() as watch:
        compared = experiments.evaluate_run(run, config, watch)
    return compared, experiments.write_report(run, compared)
