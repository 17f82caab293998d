# SPDX-License-Identifier: MIT
"""`flyball worlds`: what there is."""

from typing import Annotated

import typer

from flyball import worlds as registry
from flyball.cli.telling import guarded, show_json


@guarded
def worlds(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the worlds: the problems that Flyball can train for.

    Example: flyball worlds
    """
    if as_json:
        show_json(registry.TITLES)
        return
    for name, title in registry.TITLES.items():
        typer.echo(f"{name:<10} {title}")
