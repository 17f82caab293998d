# SPDX-License-Identifier: MIT
"""`flyball status`, `stop`, `advance`, `promote` and `rollback`: a server's API from a shell."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flyball.cli.telling import guarded, say, show_json
from flyball.core.errors import Problem, RunError

if TYPE_CHECKING:
    from urllib.error import HTTPError

FLAG = "STOP"
"""File in a server's folder that stops its plant while it lies there."""

ADDRESS = Annotated[str, typer.Option(help="Of the server.")]
KEY = Annotated[str, typer.Option(help="A key of the server.", envvar="FLYBALL_KEY")]
WHY = Annotated[str, typer.Option(help="Why, for the record.")]
AT = "http://127.0.0.1:8480"


@guarded
def status(
    *,
    address: ADDRESS = AT,
    key: KEY = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say who is in control of a plant, and what people should know.

    Example: flyball status
    """
    found = ask(address, key, "GET", "/v1/status")
    stage = ask(address, key, "GET", "/v1/stage")
    if as_json:
        show_json(found | {"stage": stage})
        return
    stop, staging = found["stop"], stage["staging"]
    why = f": {'; '.join(stop['reasons'])}" if stop["reasons"] else ""
    say(f"{found['plant']}: {found['control'][:24]} is in control; stop {stop['mode']}{why}")
    if staging["stage"] in ("shadow", "canary"):
        share = 1.0 - staging["shares"][staging["control"]]
        say(f"comparison {staging['number']}: {staging['stage']}, {share:.0%} of the blocks")
    if stage["verdict"]:
        say(f"verdict: {stage['verdict']['decision']}; {stage['verdict']['reason']}")
    for event in found["events"][-5:]:
        say(f"{event['at']} {event['kind']} {event['facts'].get('why', '')}")


@guarded
def stop(
    reason: Annotated[str, typer.Argument(help="Why.")],
    *,
    address: ADDRESS = AT,
    key: KEY = "",
    folder: Annotated[
        Path | None, typer.Option(help="Of a server that does not answer: a file stops it.")
    ] = None,
) -> None:
    """Stop a plant: each actuator does its safe action until two requests release it.

    Example: flyball stop "smoke at tank 2"
    """
    if folder is not None:
        (folder / FLAG).write_text(reason)
        say(f"{folder / FLAG} lies there: the plant is stopped within a second; delete it to go on")
        return
    found = ask(address, key, "POST", "/v1/stop", {"reason": reason})
    say(f"{found['mode']}: {'; '.join(found['reasons'])}")


@guarded
def advance(why: WHY, *, address: ADDRESS = AT, key: KEY = "") -> None:
    """Take a comparison from shadow to canary, or to its next share.

    Example: flyball advance --why "a week of shadow without a fault"
    """
    act(address, key, "advance", why)


@guarded
def promote(why: WHY, *, address: ADDRESS = AT, key: KEY = "") -> None:
    """Put a challenger in control that the verdict promotes; another person must have begun it.

    Example: flyball promote --why "40 % less spill, agreed with operations"
    """
    act(address, key, "promote", why)


@guarded
def rollback(why: WHY, *, address: ADDRESS = AT, key: KEY = "") -> None:
    """Go back: challengers leave the field, or the one before takes over; always allowed.

    Example: flyball rollback --why "the night shift does not trust it"
    """
    act(address, key, "roll_back", why)


def act(address: str, key: str, deed: str, why: str) -> None:
    """Ask for one deed and say where the comparison stands then."""
    found = ask(address, key, "POST", "/v1/stage", {"deed": deed, "why": why})["staging"]
    say(f"comparison {found['number']}: {found['stage']}; {found['control'][:24]} is in control")


def ask(address: str, key: str, method: str, path: str, body: Any = None) -> Any:
    """Return what a server answers.

    Raises
    ------
    RunError
        With its problems, or where it does not answer.
    """
    # They take a tenth of a second to import, which `flyball --help` does not have.
    import http.client
    import urllib.error
    import urllib.request

    if not address.startswith(("http://", "https://")):
        raise _unanswered(address, "no address of http or https")
    content = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(address + path, content, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10.0) as answer:  # noqa: S310 - checked above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise _refused(address + path, error) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unanswered(address, str(error)) from error


def _refused(where: str, error: "HTTPError") -> RunError:
    """Return the problems that a server tells; another server than Flyball's tells none."""
    try:
        return RunError([Problem(**problem) for problem in json.load(error)["problems"]])
    except (OSError, ValueError, KeyError, TypeError):
        return RunError(
            Problem(
                where=where,
                found=f"answer {error.code} ({error.reason})",
                allowed="what a Flyball server answers",
                fix="name its --address; flyball serve says where it listens",
            )
        )


def _unanswered(address: str, found: str) -> RunError:
    return RunError(
        Problem(
            where=address,
            found=f"no answer ({found})",
            allowed="a server that listens there",
            fix="flyball serve, or name its --address; to stop its plant: flyball stop --folder",
        )
    )
