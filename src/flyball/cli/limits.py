# SPDX-License-Identifier: MIT
"""`flyball limits`: what a file of limits says, in words, and whether a plant could keep it."""

from pathlib import Path
from typing import Annotated

import typer

from flyball.cli.telling import guarded, show_json
from flyball.core.errors import ConfigError, Problem


@guarded
def limits(
    file: Annotated[Path | None, typer.Argument(help="A TOML file of limits.")] = None,
    *,
    world: Annotated[
        str | None,
        typer.Option(
            "--world",
            help="Check them against a plant, and with its own.",
        ),
    ] = None,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="Print the limits as a file, to start from.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what limits keep; with a world, find what does not fit it, before anything runs.

    Example: flyball limits configs/limits/example.toml
    """
    # The records need NumPy and the check needs the compiler: `flyball --help` needs neither.
    from flyball import experiments
    from flyball.cli import stating

    site = experiments.site
    stated = site.read(file) if file is not None else ()
    where = str(file or world)
    unproved: tuple[Problem, ...] = ()
    if world is not None:
        known = site.surroundings(world)
        stated = site.together(stated, known.limits)
        site.check(stated, known, where)
        unproved = site.unproved(stated, known)
    elif file is None:
        raise ConfigError(
            Problem(
                where="flyball limits",
                found="no file and no world",
                allowed="a TOML file, --world, or both",
                fix="flyball limits configs/limits/example.toml",
            )
        )
    if as_json:
        show_json(
            {
                "where": where,
                "world": world,
                "limits": stating.as_data(stated),
                "gate": [str(problem) for problem in unproved],
            }
        )
    elif as_toml:
        typer.echo(stating.as_toml(stated), nl=False)
    else:
        for line in stating.in_words(stated, where, unproved):
            typer.echo(line)
