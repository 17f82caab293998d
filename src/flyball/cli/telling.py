# SPDX-License-Identifier: MIT
"""How commands speak: errors in five parts, figures as JSON, durations, one exit code a kind.

Exit codes: 0 well, 1 a fault of ours, 2 something the user can mend, 130 stopped by Ctrl-C, 141
nobody reads what is printed.
"""

import functools
import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import typer

from flyball.core.errors import ConfigError, FlyballError, InvariantError, Problem, RunError

P = ParamSpec("P")
R = TypeVar("R")

UNREAD = 141
"""Exit code that shells know as a broken pipe."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|)\s*")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a user can mend into its message and exit code 2, without a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except FlyballError as error:
            typer.echo(describe(error), err=True)
            raise typer.Exit(2) from None
        except BrokenPipeError:
            # Who read what is printed, `head` say, has enough; nothing is left to be said or done.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(UNREAD) from None
        except OSError as error:
            problem = Problem(
                where=str(error.filename or "disk"),
                found=f"cannot be read or written ({error.strerror or error})",
                allowed="a place with room that can be written",
                fix="give another path, or make room",
            )
            typer.echo(describe(RunError(problem)), err=True)
            raise typer.Exit(2) from None
        except InvariantError as error:
            typer.echo(f"flyball: a fault of ours, please report it: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("\nStopped.", err=True)
            raise typer.Exit(130) from None

    return run


def describe(error: FlyballError) -> str:
    """Return every problem in five parts: where, found, allowed, fix, and how many more."""
    problems = error.problems
    lines = [f"flyball: {len(problems)} problem{'s' if len(problems) != 1 else ''}"]
    for problem in problems:
        more = f"  ({problem.more} more like it)" if problem.more else ""
        lines += [
            "",
            f"{problem.where}{more}",
            f"  found:   {problem.found}",
            f"  allowed: {problem.allowed}",
            f"  fix:     {problem.fix}",
        ]
    return "\n".join(lines)


def show_json(data: Any) -> None:
    """Print plain data as JSON on stdout; everything else a command says goes to stderr."""
    typer.echo(json.dumps(data, indent=1, allow_nan=False))


def say(text: str = "", *, quiet: bool = False) -> None:
    """Print a line on stdout, or on stderr while stdout belongs to JSON."""
    typer.echo(text, err=quiet)
    (sys.stderr if quiet else sys.stdout).flush()


def seconds(text: str) -> float:
    """Return the seconds of a duration such as ``90s``, ``2m`` or ``1.5h``.

    Raises
    ------
    ConfigError
        When it is no duration, or none above 0.
    """
    found = DURATION.fullmatch(text)
    value = float(found[1]) * UNITS[found[2]] if found else 0.0
    if value <= 0:
        raise ConfigError(
            Problem(
                where="duration",
                found=f"'{text}'",
                allowed="a number above 0 with s, m or h",
                fix="write 90s, 2m or 1h",
            )
        )
    return value


def span(value: float) -> str:
    """Return seconds as people say them: ``8 s``, ``2 min 05 s``, ``1 h 10 min``."""
    whole = round(value)
    if whole < 60:
        return f"{value:.1f} s" if value < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
