# SPDX-License-Identifier: MIT
"""`flyball check`: every problem of a file at once, or what was read."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flyball import worlds
from flyball.cli.telling import guarded, show_json


@guarded
def check(
    file: Annotated[Path, typer.Argument(help="A workbook, CSV folder or public text file.")],
    *,
    world: Annotated[str, typer.Option(help="The world that the file is for.")] = "jobshop",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a file and name every problem at once: cell, found, allowed, fix.

    Example: flyball check orders.xlsx
    """
    reading = worlds.load(world).WORLD.examine(file)
    found = counted(reading.scenario)
    if as_json:
        show_json({"file": str(file), "notes": list(reading.notes)} | found)
        return
    typer.echo(f"{file}: good")
    for name, value in found.items():
        typer.echo(f"  {name.replace('_', ' '):<22} {value}")
    for note in reading.notes:
        typer.echo(f"  note: {note}")


def counted(shop: Any) -> dict[str, Any]:
    """Return what a shop holds, as plain data."""
    fixed = int((shop.fixed_machine >= 0).sum())
    return {
        "shop": shop.name,
        "start": None if shop.start is None else shop.start.isoformat(sep=" "),
        "jobs": shop.n_jobs,
        "important_jobs": int(shop.important.sum()),
        "operations": shop.n_ops,
        "fixed_operations": fixed,
        "machines": shop.n_machines,
        "machine_groups": len(shop.group_name),
        "alternatives": len(shop.pair_machine),
        "families": len(shop.family_name),
        "calendars": len(shop.calendars.name),
        "work_h": round(float(shop.mean_duration_s.sum()) / 3600, 1),
    }
