# SPDX-License-Identifier: MIT
"""What `safety` is told about each guarded plant: its limits, its signals, its one-step model.

A wall is never only a bound on a position: its barriers look ahead by a lead time, so that speed
counts as the distance that braking takes. They are stricter than the wall and soft: they bend
actions early. The hard limits themselves, at every time between samples too, are judged by the
model's margin.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.core.envelope import Bodies, Envelope, Finite
from flyball.core.limits import Barrier, Box, Constraint
from flyball.worlds.classics.guarded import rail, rod, tanks
from flyball.worlds.classics.guarded.board import FORBIDDEN
from flyball.worlds.classics.guarded.models import (
    Model,
    affine_rail,
    affine_rod,
    affine_tanks,
)
from flyball.worlds.classics.guarded.scenario import Scenario

OWNER = "the designer of the plant"

EARLY = 10.0
"""Price of a barrier that only bends early: squared ranges of the value per unit."""


def envelope(problem: Scenario) -> Envelope:
    """Return what is known about the safety of a plant."""
    return ENVELOPES[problem.name](problem)


def rail_envelope(problem: Scenario) -> Envelope:
    """Return what is known of the carriage."""
    plant = problem.plant
    lead_s = plant.speed / (plant.acceleration - 2.0 * plant.disturbance)
    ahead = {"position": 1.0, "speed": lead_s}
    limits = (
        _box("acceleration", plant.acceleration, "m/s2", "data sheet of the drive"),
        *_both_sides("wall", plant.wall, ahead, "m", "length of the rail and braking", price=EARLY),
        *_both_sides("speed limit", plant.speed, {"speed": 1.0}, "m/s", "data sheet of the wheels"),
    )
    model = Model("double-integrator", plant, rail.reach)
    return Envelope(
        limits=limits,
        signals=("position", "speed"),
        error=problem.error,
        model=model,
        affine=affine_rail(plant, problem.step_s),
    )


def rod_envelope(problem: Scenario) -> Envelope:
    """Return what is known of the rod."""
    plant = problem.plant
    source = "torque that holds it at this angle, and braking"
    ahead = {"angle": 1.0, "spin": 1.0 / plant.pull**0.5}
    limits = (
        _box("torque", plant.torque, "Nm", "data sheet of the motor"),
        *_both_sides("largest angle", plant.angle, ahead, "rad", source, price=EARLY),
    )
    model = Model("inverted-pendulum", plant, rod.reach)
    return Envelope(
        limits=limits,
        signals=("angle", "spin"),
        error=problem.error,
        model=model,
        affine=affine_rod(plant, problem.step_s),
    )


def tanks_envelope(problem: Scenario) -> Envelope:
    """Return what is known of the tanks."""
    plant = problem.plant
    limits: list[Constraint] = []
    for which in ("first", "second"):
        value, signal = f"{which}_flow", f"{which}_level"
        limits += [
            _box(value, plant.flow, "l/s", "data sheet of the pump", least=0.0),
            _below(
                f"{which} tank, overflow", plant.high, {signal: 1.0}, "m", "drawing of the tank"
            ),
            _below(f"{which} tank, dry", -plant.low, {signal: -1.0}, "m", "the pump behind it"),
        ]
    return Envelope(
        limits=tuple(limits),
        signals=("first_level", "second_level"),
        error=problem.error,
        model=Model("two-tanks", plant, tanks.reach),
        affine=affine_tanks(plant, problem.step_s),
    )


@dataclass(frozen=True)
class Cells:
    """From the one signal of a board to its state; -1 for what is no cell."""

    n: int

    def __call__(self, signals: Doubles) -> Longs:
        """Return states (n,) from signals (n, M)."""
        number = np.asarray(signals, np.float64)[:, 0]
        inside = (number >= 0.0) & (number < self.n) & (number == np.floor(number))
        return np.where(inside, number, -1.0).astype(np.int64)


def board_envelope(problem: Scenario) -> Envelope:
    """Return what is known of the board."""
    plant = problem.plant
    finite = Finite(
        state_of=Cells(len(plant.mark)),
        following=plant.following,
        legal=np.ones(plant.following.shape[:2], np.bool_),
        forbidden=plant.mark == FORBIDDEN,
    )
    return Envelope(signals=("cell",), error=problem.error, finite=finite)


def swarm_envelope(problem: Scenario) -> Envelope:
    """Return what is known of the robots."""
    plant = problem.plant
    most = plant.acceleration
    source = "data sheet of the robot; together the two keep a circle"
    return Envelope(
        limits=tuple(_box(value, most, "m/s2", source) for value in ("ax", "ay")),
        signals=tuple(signal.name for signal in problem.spec.signals),
        error=problem.error,
        bodies=Bodies(
            n=plant.n,
            n_dims=2,
            acceleration=most,
            speed=plant.speed,
            separation=plant.separation,
            tube=plant.wind_bound / plant.rate**2,
        ),
    )


def _box(value: str, most: float, unit: str, source: str, least: float | None = None) -> Box:
    """Return the range of a value; it is the same on both sides unless its least is given."""
    return Box(
        name=f"range of {value}",
        unit=unit,
        source=source,
        owner=OWNER,
        value=value,
        low=-most if least is None else least,
        high=most,
    )


def _below(
    name: str,
    bound: float,
    signals: Mapping[str, float],
    unit: str,
    source: str,
    price: float = 0.0,
) -> Barrier:
    """Return a barrier; one with a price is soft."""
    return Barrier(
        name=name,
        unit=unit,
        source=source,
        owner=OWNER,
        severity="soft" if price else "hard",
        price=price,
        bound=bound,
        signals=signals,
    )


def _both_sides(
    name: str,
    bound: float,
    signals: Mapping[str, float],
    unit: str,
    source: str,
    price: float = 0.0,
) -> tuple[Barrier, Barrier]:
    """Return barriers that keep |sum of signals| below a bound."""
    other = {key: -weight for key, weight in signals.items()}
    return (
        _below(f"{name}, upwards", bound, signals, unit, source, price),
        _below(f"{name}, downwards", bound, other, unit, source, price),
    )


ENVELOPES: Mapping[str, Callable[[Scenario], Envelope]] = {
    "double-integrator": rail_envelope,
    "inverted-pendulum": rod_envelope,
    "two-tanks": tanks_envelope,
    "forbidden-grid": board_envelope,
    "crossing-robots": swarm_envelope,
}
"""What is known, by problem."""
