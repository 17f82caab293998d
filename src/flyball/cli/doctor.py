# SPDX-License-Identifier: MIT
"""`flyball doctor`: tell whether everything is there that the main job needs."""

import os
from pathlib import Path
from typing import Annotated

import typer

from flyball import experiments
from flyball.cli import THREADS
from flyball.cli.telling import guarded, show_json

ADVICE_ONLY = {"torch", "onnx", "ortools", "optuna", "tensorboard"}
"""What a machine that only plans can do without."""


@guarded
def doctor(
    *,
    runs: Annotated[Path, typer.Option(help="Where runs are written.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at Python, packages, threads, disk and compiler cache; say how to mend what is wrong.

    Example: flyball doctor
    """
    threads = {name: os.environ.get(name, "") for name in THREADS}
    found = experiments.diagnose(threads, runs)
    if as_json:
        show_json([vars(each) for each in found])
    else:
        for each in found:
            fix = f"  fix: {each.fix}" if each.fix else ""
            typer.echo(f"{each.state:<8} {each.name:<22} {each.found}{fix}")
    bad = [each for each in found if each.state != "ok" and each.name not in ADVICE_ONLY]
    if bad:
        raise typer.Exit(2)
