# SPDX-License-Identifier: MIT
"""How a training ends: live progress, the verdict first, and what to do next."""

from pathlib import Path
from typing import Any

import typer

from flyball import experiments
from flyball.cli.progress import Shown
from flyball.cli.telling import say, show_json, span

SHOP = "jobshop"
"""The world whose training is a pipeline of its own: rules, imitation, improvement."""


def warm(folder: Path, *, quiet: bool) -> None:
    """Compile the job shop's simulator and what training needs, before the budget begins."""
    say("compiling (once on a machine, less than a minute; then seconds) ...", quiet=quiet)
    spent_s = experiments.jobshop.warm_up() + experiments.jobshop.warm_run(folder)
    say(f"ready after {span(spent_s)}", quiet=quiet)


def trained(folder: Path, train_run: Any) -> Any:
    """Train a run under live progress; a stop by Ctrl-C is exit code 130 with how to go on."""
    with Shown() as watch:
        try:
            result = train_run(folder, watch)
        except KeyboardInterrupt:
            result = None
    if result is None or result.interrupted:
        typer.echo(f"Stopped. Go on with: flyball train --resume {folder}", err=True)
        raise typer.Exit(130)
    return result


def finish_shop(folder: Path, *, as_json: bool) -> None:
    """Train the job shop's pipeline to its end and say how it ended."""
    warm(folder, quiet=as_json)
    result = trained(folder, experiments.jobshop.train_run)
    if as_json:
        figures = dict(result.figures)
        show_json({"run": str(folder), "elapsed_s": round(result.elapsed_s, 3)} | figures)
    else:
        say(summary(result))
        say(f"next: flyball evaluate {folder}")


def summary(result: Any) -> str:
    """Return how a run of the job shop ended, in words."""
    own, rule = result.figures["validation_h"], result.figures["best_rule_h"]
    return (
        f"trained in {span(result.elapsed_s)}: on validation days {own:.1f} weighted hours late, "
        f"best tuned rule {rule:.1f} (the verdict on held-out days is for evaluate to give)"
    )


def finish_any(folder: Path, episodes: int, *, as_json: bool) -> None:
    """Train a run to its end, judge the exported policy on held-out episodes, and say it."""
    spent_s = experiments.train.warm_run(folder)
    say(f"ready after {span(spent_s)}", quiet=as_json)
    result = trained(folder, experiments.train.train_run)
    say(
        f"trained {result.steps:,} steps in {span(result.elapsed_s)}: mean {result.kpi} on "
        f"validation episodes {result.validation:.4g}",
        quiet=as_json,
    )
    judge_any(folder, episodes, as_json=as_json)


def judge_any(folder: Path, episodes: int, *, as_json: bool) -> None:
    """Put the policy of a run beside its rivals; print the verdict first."""
    with Shown() as watch:
        evaluation = experiments.evaluate_run(folder, watch, episodes=episodes)
    report = experiments.report.write_report(folder, evaluation)
    if as_json:
        show_json({"run": str(folder), "report": str(report)} | evaluation.as_json())
        return
    say(evaluation.sentence)
    for line in experiments.report.text(evaluation):
        say(line)
    say(f"report: {report}")
