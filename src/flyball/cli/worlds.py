# SPDX-License-Identifier: MIT
"""`flyball worlds`: what there is."""

from typing import Annotated

import typer

from flyball import experiments
from flyball import worlds as registry
from flyball.cli.telling import guarded, show_json


@guarded
def worlds(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the worlds and their problems: what Flyball can train for.

    Example: flyball worlds
    """
    found = registry.TITLES | experiments.problems()
    if as_json:
        show_json(found)
        return
    width = max(len(name) for name in found)
    for name, title in found.items():
        typer.echo(f"{name:<{width}} {title}")
