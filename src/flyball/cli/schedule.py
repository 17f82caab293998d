# SPDX-License-Identifier: MIT
"""`flyball schedule`: a plan for a file of orders."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flyball import experiments
from flyball.cli.progress import Shown
from flyball.cli.telling import guarded, say, seconds, show_json, span


class Objective(StrEnum):
    """What a plan is for."""

    LATENESS = "lateness"
    MAKESPAN = "makespan"


@guarded
def schedule(  # noqa: PLR0913
    file: Annotated[Path, typer.Argument(help="A workbook, CSV folder or public text file.")],
    *,
    policy: Annotated[
        str | None,
        typer.Option(help="A run's folder or a rule; without: the best that is at hand."),
    ] = None,
    time: Annotated[str, typer.Option(help="Wall time for searching.")] = "10s",
    out: Annotated[Path, typer.Option(help="Folder for the plan.")] = Path("plan"),
    objective: Annotated[Objective, typer.Option(help="What counts.")] = Objective.LATENESS,
    seed: Annotated[int, typer.Option(min=0, help="Names the draws.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan the orders of a file; write workbook, CSV and Gantt.

    Example: flyball schedule orders.xlsx --policy runs/jobshop-20260101-080000 --time 10s
    """
    wish = experiments.jobshop.Wish(
        file=file,
        policy=policy,
        time_s=seconds(time),
        out=out,
        aim=objective.value,
        seed=seed,
    )
    with Shown() as watch:
        found = experiments.jobshop.plan_file(wish, watch)
    if as_json:
        show_json(found.as_json())
        return
    say(f"planned by {found.method}: {found.schedules} schedules in {span(found.elapsed_s)}")
    for name, value in found.kpi.items():
        say(f"  {name:<22} {value:,.1f}")
    for note in found.notes:
        say(f"  note: {note}")
    say("wrote " + ", ".join(str(path) for path in found.files))
