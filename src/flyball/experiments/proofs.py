# SPDX-License-Identifier: MIT
"""How certificates are made and found: what is looked for of each plant, and the shipped files.

`safety` proves anything and knows no plant; a plant states its model and knows no proof. Here the
two meet.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from flyball import safety
from flyball.core.batch import Doubles
from flyball.core.certificate import Certificate, damaged, from_text, to_text
from flyball.core.envelope import Envelope, Finite
from flyball.core.errors import ConfigError, InvariantError, Problem, nearest
from flyball.core.limits import Box, Clamp, Constraint, Linear
from flyball.core.spec import TanhGaussian
from flyball.worlds import classics

ROOM = "classics/"

FOLDER = Path(classics.__file__).parent / "guarded" / "certificates"
"""Where the shipped certificates lie."""

Watch = Callable[[str, float, Mapping[str, float | str]], None]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What is looked for of one plant."""

    kind: str
    """Of the certificate."""

    holds_s: tuple[float, ...] = (0.0,)
    """How long values are held in the shipped proofs, s."""

    span: Callable[[Mapping[str, float]], tuple[list[float], list[float]]] = lambda _: ([], [])
    """From the model's parameters to the lowest and highest states that are looked at."""

    coarse: tuple[int, ...] = ()
    """Cells along each state to begin with."""

    halvings: int = 4
    """How often a cell may be cut into halves."""

    n_values: int = 9
    """Tried of each value, evenly spread over its range."""


def both_sides(*names: str) -> Callable[[Mapping[str, float]], tuple[list[float], list[float]]]:
    """Return a span from minus to plus some parameters."""
    return lambda own: ([-own[name] for name in names], [own[name] for name in names])


AIMS: Mapping[str, Aim] = {
    "double-integrator": Aim(kind="polytope", holds_s=(0.1, 0.5), span=both_sides("wall", "speed")),
    "inverted-pendulum": Aim(
        kind="cells",
        holds_s=(0.1, 0.5),
        # Whoever spins faster crosses the whole range of angles in half a second.
        span=lambda own: ([-own["angle"], -6 * own["angle"]], [own["angle"], 6 * own["angle"]]),
        coarse=(16, 16),
    ),
    "two-tanks": Aim(
        kind="cells",
        # In less time a level moves by less than the error of its measurement.
        holds_s=(2.0,),
        span=lambda own: ([own["low"]] * 2, [own["high"]] * 2),
        coarse=(8, 8),
        n_values=3,
    ),
    "forbidden-grid": Aim(kind="finite"),
}
"""Every plant that something is proved of, by its name."""

CONTRACTION, DEPTH, SWAY, MOST_FACETS = 0.998, 0.0003, 0.03, 120
"""Of the search for a polytope: see `safety.certificates.Search`; sway as a share of the range."""

PARTS = 5
"""Of a hold, at whose ends a linear plant keeps its limits."""

SHORTEST_S, LONGEST_S = 0.02, 0.5
"""Range of the step that a plant can state, s."""


def shipped() -> list[Path]:
    """Return the files of the shipped certificates."""
    return sorted(FOLDER.glob("*.json"))


def name_of(certificate: Certificate) -> str:
    """Return the file name of a certificate."""
    hold = f"-{certificate.hold_s:g}s" if certificate.hold_s else ""
    return f"{certificate.plant}{hold}.json"


def read(path: Path) -> Certificate:
    """Return the certificate in a file.

    Raises
    ------
    ScenarioError
        When it cannot be read or is not as it was written.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise damaged(str(path), f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise damaged(str(path), "no text") from None
    return from_text(text, str(path))


def write(path: Path, certificate: Certificate) -> None:
    """Write a certificate whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    half.write_text(to_text(certificate))
    half.replace(path)


def proved(
    path: Path, *, limits: Sequence[Constraint] = (), **settings: Any
) -> tuple[Certificate, Envelope]:
    """Read a certificate and prove it again.

    Parameters
    ----------
    path
        Of the file.
    limits
        Of the site, kept beside the plant's own.
    settings
        Of the plant; its step too.

    Returns
    -------
    certificate : Certificate
    envelope : Envelope
        Of the plant with these settings, with the safe set and the backup.

    Raises
    ------
    ScenarioError
        When the file is damaged, or does not hold for the plant.
    """
    certificate = read(path)
    if certificate.kind == "polytope":
        settings = {"step_s": step_of(certificate.hold_s)} | settings
    stated = stated_of(certificate.plant, limits=limits, **settings)
    return certificate, safety.certificates.armed(certificate, stated, str(path))


def safe(plant: str, *, limits: Sequence[Constraint] = (), **settings: Any) -> Envelope:
    """Return the envelope of a plant with the safe set and backup of a shipped certificate.

    It takes the shortest hold that the plant's step divides.

    Parameters
    ----------
    plant
        Its name.
    limits
        Of the site, kept beside the plant's own.
    settings
        Of the plant.

    Raises
    ------
    ConfigError
        Where there is none.
    ScenarioError
        Where it does not hold for these settings, or does not keep a hard limit.
    """
    step_s = classics.scenario(plant, **settings).step_s
    fitting = []
    for path in shipped():
        certificate = read(path)
        steps = certificate.hold_s / step_s
        if certificate.plant == plant and abs(steps - round(steps)) <= 1e-9 * max(steps, 1.0):
            fitting.append((certificate.hold_s, path))
    if not fitting:
        raise ConfigError(
            Problem(
                where=f"{plant}.step_s",
                found=f"{step_s:g} s",
                allowed="a step that divides the hold of a shipped certificate",
                fix=f"prove it for this step: flyball certify --make {plant} --hold {step_s:g}",
            )
        )
    return proved(min(fitting)[1], limits=limits, **settings)[1]


def stated_of(
    plant: str, *, limits: Sequence[Constraint] = (), **settings: Any
) -> safety.certificates.Stated:
    """Return what a plant states of its safety, with the limits of its site beside its own.

    Raises
    ------
    ConfigError
        When nothing can be proved of a plant of that name.
    """
    aim_of(plant)
    scenario = classics.scenario(plant, **settings)
    own = classics.envelope(plant, **settings)
    own = replace(own, limits=(*limits, *(each for each in own.limits if each not in limits)))
    kinds = scenario.spec.kinds
    values = tuple(h.name for k in kinds for h in k.heads if isinstance(h, TanhGaussian))
    parameters: Mapping[str, float] = getattr(own.model, "parameters", {})
    if own.finite is not None:
        parameters = table_of(own.finite)
    return safety.certificates.Stated(plant, parameters, values, own)


def table_of(finite: Finite) -> dict[str, float]:
    """Return numbers that tell one table of states from another; a proof looks at all of it."""
    names = ("states", "choices", "outcomes")
    sizes = dict(zip(names, map(float, finite.following.shape), strict=True))
    parts = (finite.following.astype(np.int64), finite.legal, finite.forbidden)
    return sizes | {"crc32": float(zlib.crc32(b"".join(part.tobytes() for part in parts)))}


def make(
    plant: str, hold_s: float, watch: Watch, *, limits: Sequence[Constraint] = (), **settings: Any
) -> Certificate:
    """Prove a plant anew.

    Parameters
    ----------
    plant
        Its name.
    hold_s
        How long values are held, s; without meaning for a finite plant.
    watch
        Told how far it is.
    limits
        Of the site, beside the plant's own: the backup keeps hard ranges, and on cells hard sums of
        values. Others are for `proved` to judge.
    settings
        Of the plant.

    Raises
    ------
    ConfigError
        When nothing can be proved of a plant of that name, or limits leave no value to try.
    SolverError
        When no safe set is found.
    """
    aim = aim_of(plant)
    if aim.kind == "finite":
        return safety.certificates.prove_finite(stated_of(plant, **settings))
    if aim.kind == "polytope":
        settings = settings | {"step_s": step_of(hold_s)}
    stated = stated_of(plant, limits=limits, **settings)
    low, high = (np.array(side) for side in aim.span(stated.parameters))
    if aim.kind == "polytope":
        return safety.certificates.prove_polytope(stated, search_of(stated, low, high, hold_s))
    lowest, highest = range_of(stated)
    steps = [np.linspace(a, b, aim.n_values) for a, b in zip(lowest, highest, strict=True)]
    raster = safety.certificates.Raster(
        low, high, np.array(aim.coarse), aim.halvings, allowed(stated, list(product(*steps))),
        np.array(stated.envelope.error), hold_s,
    )  # fmt: skip
    return safety.certificates.prove_cells(stated, raster, watch)


def search_of(
    stated: safety.certificates.Stated, low: Doubles, high: Doubles, hold_s: float
) -> safety.certificates.Search:
    """Return the search for a polytope between the lowest and the highest states (X,)."""
    affine = stated.envelope.affine
    if affine is None:
        msg = f"{stated.plant} is aimed at as linear and is not"
        raise InvariantError(msg)
    n = round(hold_s / affine.step_s)
    within = [safety.certificates.repeated(affine, hold_s * ((k + 1) / n)) for k in range(n)]
    facets = np.concatenate((np.eye(len(low)), -np.eye(len(low))))
    bounds = np.concatenate((high, -low))
    error = np.array(stated.envelope.error)
    lowest, highest = range_of(stated)
    return safety.certificates.Search(
        tuple(within), facets, bounds, lowest, highest, error,
        contraction=CONTRACTION, depth=DEPTH, sway=SWAY * (highest - lowest),
        most_facets=MOST_FACETS,
    )  # fmt: skip


def range_of(stated: safety.certificates.Stated) -> tuple[Doubles, Doubles]:
    """Return lowest and highest of the values (D,), as hard limits say; clamps bind no backup."""
    low, high = np.full(len(stated.values), -np.inf), np.full(len(stated.values), np.inf)
    for limit in stated.envelope.limits:
        if isinstance(limit, Box) and not isinstance(limit, Clamp) and limit.severity == "hard":
            d = stated.values.index(limit.value)
            low[d], high[d] = max(low[d], limit.low), min(high[d], limit.high)
    return low, high


def allowed(stated: safety.certificates.Stated, values: list[tuple[float, ...]]) -> Doubles:
    """Return those of the values (V, D) that keep every hard sum.

    Raises
    ------
    ConfigError
        When none does.
    """
    found = np.array(values)
    for limit in stated.envelope.limits:
        if isinstance(limit, Linear) and limit.severity == "hard":
            weight = np.array([limit.values.get(name, 0.0) for name in stated.values])
            found = found[found @ weight <= limit.bound]
    if not len(found):
        raise ConfigError(
            Problem(
                where=f"{stated.plant} limits",
                found="none of the values that are tried keeps every hard sum",
                allowed="limits that leave some value",
                fix="correct the sums: flyball limits FILE --world classics/" + stated.plant,
            )
        )
    return found


def step_of(hold_s: float) -> float:
    """Return the step for which a linear plant is asked to speak of a hold."""
    parts = max(1, min(PARTS, int(hold_s / SHORTEST_S + 1e-9)))
    return hold_s / max(parts, int(np.ceil(hold_s / LONGEST_S - 1e-9)))


def aim_of(plant: str) -> Aim:
    """Return what is looked for of a plant; raise ConfigError for another name."""
    name = plant.removeprefix(ROOM)
    if name not in AIMS:
        raise ConfigError(
            Problem(
                where="--make",
                found=f"'{plant}'",
                allowed=", ".join(AIMS),
                fix=nearest(name, list(AIMS)),
            )
        )
    return AIMS[name]
