# SPDX-License-Identifier: MIT
"""The list of commands. A command's file imports what it needs when it runs, so help is quick."""

from typing import Annotated

import typer

from flyball import __version__
from flyball.cli.algorithms import algorithms
from flyball.cli.certify import certify
from flyball.cli.check import check
from flyball.cli.control import advance, promote, rollback, status, stop
from flyball.cli.demo import demo
from flyball.cli.doctor import doctor
from flyball.cli.evaluate import evaluate
from flyball.cli.limits import limits
from flyball.cli.release import release
from flyball.cli.schedule import schedule
from flyball.cli.serve import keys, serve
from flyball.cli.template import template
from flyball.cli.train import train
from flyball.cli.tune import tune
from flyball.cli.worlds import worlds

app = typer.Typer(
    name="flyball",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train policies that run operations, and prove what they are worth.",
    epilog="Start with: flyball demo   (or: flyball template jobshop orders.xlsx)",
)


def show_version(wanted: bool) -> None:  # noqa: FBT001 - typer's form
    """Print the version and leave."""
    if wanted:
        typer.echo(f"flyball {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=show_version, is_eager=True),
    ] = False,
) -> None:
    """Train policies that run operations, and prove what they are worth."""
    del version


for command in (
    template, check, train, tune, evaluate, schedule, demo, limits, certify,
    serve, keys, release, advance, promote, rollback, stop, status,
    worlds, algorithms, doctor,
):  # fmt: skip
    app.command()(command)
