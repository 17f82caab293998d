# SPDX-License-Identifier: MIT
"""`flyball demo`: the whole main job on the shipped workbook, in one folder."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from flyball import experiments, worlds
from flyball.cli.asking import require_extra
from flyball.cli.check import counted
from flyball.cli.ending import summary, trained, warm
from flyball.cli.evaluate import judged
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, show_json, span
from flyball.core.clock import SystemClock


@guarded
def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder for everything.")] = Path("demo"),
    budget: Annotated[str, typer.Option(help="Training time.")] = "80s",
    days: Annotated[int, typer.Option(min=2, max=10_000, help="Held-out days.")] = 60,
    timed_days: Annotated[int, typer.Option(min=0, help="Days of methods with time.")] = 5,
    time: Annotated[str, typer.Option(help="Time for each of their schedules.")] = "2s",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do the whole main job: workbook, check, train, evaluate, schedule, report.

    Example: flyball demo
    """
    require_extra()
    phases = Phases(quiet=as_json)
    budget_s, time_s = seconds(budget), seconds(time)
    orders = out / "orders.xlsx"
    read_orders(orders, phases)
    asked = experiments.jobshop.Asked(
        world="jobshop",
        plant=orders,
        seconds=budget_s,
        iterations=None,
        command=shlex.join(["flyball", *sys.argv[1:]]),
    )
    run = experiments.jobshop.start_run(asked, None, out / "runs")
    phases.begin("compile: the simulator, once on a machine")
    warm(run, quiet=as_json)
    phases.begin(f"train: at most {span(budget_s)}")
    phases.tell(summary(trained(run, experiments.jobshop.train_run)))
    phases.begin(f"evaluate and report: {days} days nobody trained on")
    config = experiments.jobshop.EvaluateConfig(days=days, timed_days=timed_days, time_s=time_s)
    compared, report = judged(run, config)
    phases.begin("schedule: today's orders with the policy")
    wish = experiments.jobshop.Wish(file=orders, policy=str(run), time_s=5.0, out=out / "plan")
    with Shown() as watch:
        planned = experiments.jobshop.plan_file(wish, watch)
    phases.begin("result")
    phases.tell(compared.evaluation.sentence)
    if compared.second:
        phases.tell(compared.second)
    phases.tell(f"report:   {report}")
    others = ", ".join(path.name for path in planned.files[1:])
    phases.tell(f"schedule: {planned.files[0]} (and {others})")
    spent_s = phases.spent_s()
    times = ", ".join(f"{name} {span(each_s)}" for name, each_s in spent_s.items())
    phases.tell(f"time:     {span(sum(spent_s.values()))} in all: {times}")
    if as_json:
        evaluation = compared.evaluation
        show_json(
            {
                "run": str(run),
                "verdict": evaluation.verdict,
                "sentence": evaluation.sentence,
                "report": str(report),
                "schedule": planned.as_json(),
                "spent_s": {name: round(each_s, 3) for name, each_s in spent_s.items()},
            }
        )


class Phases:
    """The headings of the demo, with the time that each phase took."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._clock = quiet, SystemClock()
        self._began: list[tuple[str, float]] = []

    def begin(self, heading: str) -> None:
        """Print the heading of the next phase."""
        self._began.append((heading.split(":")[0], self._clock.elapsed_s()))
        self.tell(f"== {len(self._began)}. {heading}")

    def tell(self, text: str) -> None:
        """Print a line where it belongs."""
        say(text, quiet=self._quiet)

    def spent_s(self) -> dict[str, float]:
        """Return the wall time of every phase that is over, s."""
        ends = [at_s for _, at_s in self._began[1:]]
        return {
            name: end_s - at_s for (name, at_s), end_s in zip(self._began[:-1], ends, strict=True)
        }


def read_orders(orders: Path, phases: Phases) -> None:
    """Write the example workbook, unless there is one that older runs may stand on; read it."""
    world = worlds.load("jobshop").WORLD
    phases.begin("workbook: an example shop, as a planner would fill it in")
    orders.parent.mkdir(parents=True, exist_ok=True)
    if orders.exists():
        phases.tell(f"{orders}: is there already and is kept")
    else:
        world.template(orders)
    phases.begin("check: read every sheet")
    found = counted(world.read(orders))
    phases.tell(
        f"{orders}: good; {found['jobs']} jobs, {found['operations']} operations, "
        f"{found['machines']} machines, {found['calendars']} calendars"
    )
