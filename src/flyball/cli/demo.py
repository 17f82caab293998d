# SPDX-License-Identifier: MIT
"""`flyball demo`: the whole main job on the shipped workbook, in one folder."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from flyball import experiments, worlds
from flyball.cli.check import counted
from flyball.cli.evaluate import judged
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, span
from flyball.cli.train import summary, trained, warm
from flyball.core.clock import SystemClock


@guarded
def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("demo"),
    budget: Annotated[str, typer.Option(help="Training time.")] = "90s",
    days: Annotated[int, typer.Option(min=2, help="Held-out days.")] = 30,
    timed_days: Annotated[int, typer.Option(min=0, help="Days of methods with time.")] = 3,
    time: Annotated[str, typer.Option(help="Time for each of their schedules.")] = "4s",
) -> None:
    """Do the whole main job: workbook, check, train, evaluate, schedule, report.

    Example: flyball demo
    """
    clock = SystemClock()
    began_s = clock.elapsed_s()
    phases: list[tuple[str, float]] = []

    def phase(name: str) -> None:
        phases.append((name, clock.elapsed_s()))
        say(f"== {len(phases)}. {name}")

    budget_s, time_s = seconds(budget), seconds(time)
    world = worlds.load("jobshop").WORLD
    orders = out / "orders.xlsx"
    phase("workbook: an example shop, as a planner would fill it in")
    out.mkdir(parents=True, exist_ok=True)
    world.template(orders)
    phase("check: read every sheet")
    found = counted(world.read(orders))
    say(
        f"{orders}: good; {found['jobs']} jobs, {found['operations']} operations, "
        f"{found['machines']} machines, {found['calendars']} calendars"
    )
    asked = experiments.Asked(
        world="jobshop",
        plant=orders,
        seconds=budget_s,
        iterations=None,
        command=shlex.join(["flyball", *sys.argv[1:]]),
    )
    run = experiments.start_run(asked, None, out / "runs")
    phase("compile: the simulator, once on a machine")
    warm(run, quiet=False)
    phase(f"train: at most {span(budget_s)}")
    say(summary(trained(run, run)))
    phase(f"evaluate and report: {days} days nobody trained on")
    config = experiments.EvaluateConfig(days=days, timed_days=timed_days, time_s=time_s)
    compared, report = judged(run, config)
    phase("schedule: today's orders with the policy")
    wish = experiments.Wish(file=orders, policy=str(run), time_s=5.0, out=out / "plan")
    with Shown() as watch:
        planned = experiments.plan_file(wish, watch)
    phase("result")
    say(compared.evaluation.sentence)
    say(compared.second)
    say(f"report:   {report}")
    say(f"schedule: {planned.files[0]} (and {', '.join(p.name for p in planned.files[1:])})")
    ends = [at_s for _, at_s in phases[1:]]
    spent = zip(phases[:-1], ends, strict=True)
    times = ", ".join(f"{name.split(':')[0]} {span(end - at_s)}" for (name, at_s), end in spent)
    say(f"time:     {span(clock.elapsed_s() - began_s)} in all: {times}")
