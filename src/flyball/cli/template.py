# SPDX-License-Identifier: MIT
"""`flyball template`: an example workbook that is itself valid input."""

from pathlib import Path
from typing import Annotated

import typer

from flyball import worlds
from flyball.cli.telling import guarded
from flyball.core.errors import ConfigError, Problem


@guarded
def template(
    world: Annotated[str, typer.Argument(help="A world, as `flyball worlds` lists them.")],
    file: Annotated[Path, typer.Argument(help="The workbook to write, ending in .xlsx.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write an example workbook: replace its rows by your own.

    Example: flyball template jobshop orders.xlsx
    """
    face = worlds.load(world)
    if file.suffix.lower() != ".xlsx":
        raise ConfigError(
            Problem(
                where="file",
                found=f"'{file.name}'",
                allowed="a name that ends in .xlsx",
                fix=f"write {file.stem or 'orders'}.xlsx",
            )
        )
    if file.exists() and not force:
        raise ConfigError(
            Problem(
                where=str(file),
                found="exists already",
                allowed="a new file",
                fix="give another name, or --force to replace it",
            )
        )
    try:
        face.WORLD.template(file)
    except OSError as error:
        raise ConfigError(
            Problem(
                where=str(file),
                found=f"cannot be written ({error.strerror})",
                allowed="a folder that exists and can be written",
                fix="give another path",
            )
        ) from error
    typer.echo(f"wrote {file}; next: flyball check {file}")
