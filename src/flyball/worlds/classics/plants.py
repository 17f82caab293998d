# SPDX-License-Identifier: MIT
"""The scenarios of the control problems; their dynamics are in `control`."""

from dataclasses import dataclass

import numpy as np

from flyball.core.spec import AgentKind, Categorical, Feature, Head, TanhGaussian
from flyball.worlds.classics import control
from flyball.worlds.classics.scenario import Recipe, Scenario, describe, features


@dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """The control problems have no settings: they are the published ones."""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What tells one control problem from another."""

    number: int
    """Of the problem, in `control`."""
    columns: tuple[Feature, ...]
    head: Head
    time_limit: int
    step_s: float


CART = features(
    ("position", "m", -4.8, 4.8),
    ("velocity", "m/s", -np.inf, np.inf),
    ("angle", "rad", -2 * control.POLE_LIMIT_RAD, 2 * control.POLE_LIMIT_RAD),
    ("angular_velocity", "rad/s", -np.inf, np.inf),
)
LINKS = features(
    ("cos_1", "-", -1.0, 1.0),
    ("sin_1", "-", -1.0, 1.0),
    ("cos_2", "-", -1.0, 1.0),
    ("sin_2", "-", -1.0, 1.0),
    ("spin_1", "rad/s", -control.LINK_1_LIMIT_RAD_PER_S, control.LINK_1_LIMIT_RAD_PER_S),
    ("spin_2", "rad/s", -control.LINK_2_LIMIT_RAD_PER_S, control.LINK_2_LIMIT_RAD_PER_S),
)
ROD = features(
    ("cos", "-", -1.0, 1.0),
    ("sin", "-", -1.0, 1.0),
    ("spin", "rad/s", -control.SPIN_LIMIT_RAD_PER_S, control.SPIN_LIMIT_RAD_PER_S),
)
CAR = features(
    ("position", "-", control.CAR_LOW, control.CAR_HIGH),
    ("velocity", "1/step", -control.CAR_FASTEST, control.CAR_FASTEST),
)
TORQUE = TanhGaussian("torque", "Nm", -control.TORQUE_LIMIT_NM, control.TORQUE_LIMIT_NM)
FORCE = TanhGaussian("force", "-", -1.0, 1.0)


def plant(
    number: int, columns: tuple[Feature, ...], head: Head, limit: int, step_s: float
) -> Plant:
    """Return a Plant, one a line."""
    return Plant(number=number, columns=columns, head=head, time_limit=limit, step_s=step_s)


PLANTS: dict[str, Plant] = {
    "cartpole": plant(control.CARTPOLE, CART, Categorical("push", 2), 500, 0.02),
    "acrobot": plant(control.ACROBOT, LINKS, Categorical("torque", 3), 500, 0.2),
    "pendulum": plant(control.PENDULUM, ROD, TORQUE, 200, 0.05),
    "mountain-car": plant(control.CAR, CAR, Categorical("push", 3), 200, 1.0),
    "mountain-car-continuous": plant(control.CAR_CONTINUOUS, CAR, FORCE, 999, 1.0),
}

BLIND = "-no-velocity"
"""Ending of the names of the versions that hide the velocities."""

BLIND_NAMES = tuple(
    name + BLIND for name in ("cartpole", "acrobot", "pendulum", "mountain-car-continuous")
)


def build(name: str, _: ControlSettings) -> Scenario:
    """Return the scenario of a control problem."""
    own = PLANTS[name.removesuffix(BLIND)]
    kind = AgentKind("agent", 1, own.columns, (own.head,))
    return Scenario(
        name=name,
        family="control",
        params=np.array([own.number, float(name.endswith(BLIND))]),
        spec=describe(name, (kind,)),
        n_real=control.N_REAL,
        n_whole=0,
        time_limit=own.time_limit,
        step_s=own.step_s,
    )


PROBLEMS = {name: Recipe(ControlSettings, build) for name in (*PLANTS, *BLIND_NAMES)}
