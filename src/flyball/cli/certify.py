# SPDX-License-Identifier: MIT
"""`flyball certify`: prove again that plants can be held safe for ever, or prove one anew."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from flyball.cli.progress import Shown
from flyball.cli.telling import describe, guarded, say, seconds, show_json, span
from flyball.core.clock import SystemClock
from flyball.core.errors import ConfigError, FlyballError, Problem


@guarded
def certify(  # noqa: PLR0913
    file: Annotated[Path | None, typer.Argument(help="A certificate; none: all shipped.")] = None,
    *,
    make: Annotated[str | None, typer.Option(help="Prove this plant anew and write it.")] = None,
    hold: Annotated[
        str | None, typer.Option(help="How long the backup holds a value: 100ms, 0.5s.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for what is made.")] = Path(),
    limits: Annotated[
        Path | None, typer.Option(help="A site's limits, which the backup has to keep too.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the plant: disturbance_nm=0.4."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check proofs that plants can be held safe, by machine; exit code 1 where one fails.

    Example: flyball certify
    """
    # Everything below needs the compiler; `flyball --help` does not.
    from flyball import experiments

    proofs = experiments.proofs

    chosen = settings_in(settings or [])
    if limits is not None:
        chosen["limits"] = experiments.site.read(limits)
    if make is not None:
        plant = make.removeprefix(proofs.ROOM)
        holds_s = (seconds(hold),) if hold else proofs.aim_of(plant).holds_s
        with Shown() as watch:
            made = [proofs.make(plant, hold_s, watch, **chosen) for hold_s in holds_s]
        for certificate in made:
            proofs.write(out / proofs.name_of(certificate), certificate)
        paths = [out / proofs.name_of(certificate) for certificate in made]
    else:
        paths = [file] if file is not None else proofs.shipped()
    told: list[dict[str, Any]] = []
    with Shown() as watch:
        for one in checked(paths, chosen):
            told.append(one)
            watch("proving", len(told) / len(paths), {})
            say(one["line"], quiet=as_json)
            if one["error"] is not None:
                say(describe(one["error"]), quiet=True)
    if as_json:
        show_json([{k: v for k, v in one.items() if k not in ("line", "error")} for one in told])
    if not all(one["good"] for one in told):
        raise typer.Exit(1)


def checked(paths: list[Path], settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what came of proving each certificate again."""
    from flyball import experiments

    proofs = experiments.proofs

    clock = SystemClock()
    for path in paths:
        began_s = clock.elapsed_s()
        try:
            certificate, _ = proofs.proved(path, **settings)
        except FlyballError as error:
            line = f"{path.name}: NOT PROVED"
            yield {"file": str(path), "good": False, "problems": [str(p) for p in error.problems],
                   "line": line, "error": error}  # fmt: skip
            continue
        spent_s = clock.elapsed_s() - began_s
        yield {
            "file": str(path),
            "good": True,
            "kind": certificate.kind,
            "plant": certificate.plant,
            "claim": certificate.claim,
            "hold_s": certificate.hold_s,
            "error": None,
            "hash": certificate.hash,
            "model": certificate.model,
            "seconds": round(spent_s, 3),
            "line": f"{path.name}: proved again in {span(spent_s)}. {certificate.claim}",
        }


def settings_in(texts: list[str]) -> dict[str, Any]:
    """Return settings that are given as ``key=value``.

    Raises
    ------
    ConfigError
        For each that is none.
    """
    found, problems = {}, []
    for text in texts:
        key, _, value = text.partition("=")
        try:
            found[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            problems.append(
                Problem(
                    where="--set",
                    found=f"'{text}'",
                    allowed="key=value with a number",
                    fix="write for example --set disturbance_nm=0.4",
                )
            )
    if problems:
        raise ConfigError(problems)
    return found
