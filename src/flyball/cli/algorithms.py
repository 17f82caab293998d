# SPDX-License-Identifier: MIT
"""`flyball algorithms`: what there is to learn with, and what each of them can be told."""

from dataclasses import asdict
from textwrap import wrap
from typing import Annotated

import typer

from flyball import experiments
from flyball.cli.telling import guarded, show_json

WIDTH = 100


@guarded
def algorithms(
    name: Annotated[
        str | None, typer.Argument(help="One of them: every setting with type and default.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the algorithms, or every setting of one.

    Examples: flyball algorithms · flyball algorithms ppo
    """
    if name is not None:
        show_settings(name, as_json=as_json)
        return
    found = experiments.algorithms.entries()
    if as_json:
        show_json([asdict(each) for each in found])
        return
    for each in found:
        memory = "may remember" if each.memory else "no memory"
        agents = "several agents" if each.many else "one agent or several"
        typer.echo(f"{each.name:<9} {each.title}")
        typer.echo(f"{'':<9} {', '.join(each.heads)} · {memory} · {agents} · {each.paper}")


def show_settings(name: str, *, as_json: bool) -> None:
    """Print the settings of an algorithm and of its networks."""
    found = experiments.algorithms.settings(name)
    if as_json:
        show_json([each._asdict() for each in found])
        return
    for each in found:
        typer.echo(f"{each.key} = {each.default}    ({each.kind})")
        for line in wrap(each.sentence, WIDTH - 4):
            typer.echo(f"    {line}")
