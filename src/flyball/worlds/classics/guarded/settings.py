# SPDX-License-Identifier: MIT
"""The settings of the guarded plants; each default is the problem as reported."""

import math
from dataclasses import dataclass, fields
from typing import Literal

from flyball.worlds.classics.scenario import require

STEP_LOW_S, STEP_HIGH_S = 0.02, 0.5
"""Range of `step_s`; every result holds at any of them."""


@dataclass(frozen=True, kw_only=True)
class RailSettings:
    """A carriage that hurries between targets near the walls of its rail."""

    step_s: float = 0.1
    """Time for which a decision holds, 0.02 to 0.5 s."""
    wall_m: float = 5.0
    """The rail ends this far from its middle, on both sides."""
    top_speed_m_per_s: float = 2.0
    """Speed limit."""
    acceleration_m_per_s2: float = 1.5
    """Largest acceleration and braking."""
    disturbance_m_per_s2: float = 0.2
    """Largest disturbance of the acceleration, below half of it."""
    position_error_m: float = 0.01
    """Largest error of the measured position."""
    speed_error_m_per_s: float = 0.02
    """Largest error of the measured speed."""
    episode_s: float = 30.0
    """Length of an episode."""


@dataclass(frozen=True, kw_only=True)
class RodSettings:
    """A rod, upright on its hinge, that follows an angle and must not fall."""

    step_s: float = 0.1
    """Time for which a decision holds, 0.02 to 0.5 s."""
    length_m: float = 1.0
    """From the hinge to the mass."""
    mass_kg: float = 1.0
    """At the end of a rod without weight."""
    damping_per_s: float = 0.1
    """Of the spin."""
    torque_nm: float = 7.0
    """Largest torque."""
    disturbance_nm: float = 0.3
    """Largest disturbance of the torque, below half of it."""
    angle_limit_rad: float = 0.6
    """Largest angle from upright, at most 1.2."""
    angle_error_rad: float = 0.002
    """Largest error of the measured angle."""
    spin_error_rad_per_s: float = 0.01
    """Largest error of the measured spin."""
    episode_s: float = 20.0
    """Length of an episode."""


@dataclass(frozen=True, kw_only=True)
class TanksSettings:
    """Two tanks in a row, each with a pump; the first drains into the second."""

    step_s: float = 0.5
    """Time for which a decision holds, 0.02 to 0.5 s."""
    area_m2: float = 0.005
    """Cross-section of a tank."""
    first_outlet_m2: float = 4e-5
    """Cross-section of the outlet of the first tank."""
    second_outlet_m2: float = 5e-5
    """Cross-section of the outlet of the second tank."""
    flow_l_per_s: float = 0.25
    """Largest flow of a pump; the least is 0."""
    disturbance_l_per_s: float = 0.02
    """Largest disturbance of what flows into a tank, net."""
    low_m: float = 0.05
    """Lowest level, above 0.02."""
    high_m: float = 0.5
    """Highest level."""
    rim_m: float = 0.6
    """Where a tank floods, above the highest level."""
    level_error_m: float = 0.002
    """Largest error of a measured level."""
    episode_s: float = 120.0
    """Length of an episode."""


@dataclass(frozen=True, kw_only=True)
class SwarmSettings:
    """Robots that cross each other's ways."""

    step_s: float = 0.1
    """Time for which a decision holds, 0.02 to 0.5 s."""
    n_robots: int = 40
    """2 to 1000."""
    layout: Literal["circle", "random"] = "circle"
    """Each to the opposite point of a circle, or from anywhere to anywhere in a square."""
    size_m: float = 0.0
    """Radius or side; 0 for one in which starts and goals lie apart."""
    acceleration_m_per_s2: float = 5.0
    """Largest acceleration of a reference."""
    top_speed_m_per_s: float = 12.0
    """Speed limit of a reference."""
    separation_m: float = 5.0
    """Smallest distance between two robots."""
    disturbance_m_per_s2: float = 2.0
    """Strongest wind."""
    tracking_per_s: float = 2.0
    """Rate of the loop by which a robot follows its reference."""
    episode_s: float = 120.0
    """Length of an episode."""


@dataclass(frozen=True, kw_only=True)
class BoardSettings:
    """A board with forbidden cells on which moves slip."""

    board: tuple[str, ...] = (
        ".........",
        ".........",
        ".........",
        ".........",
        "S.XXXX..G",
        "..XXXX...",
    )
    """Rows of equal length: S the start, G goals, X forbidden cells, . free ones."""
    slip: float = 0.2
    """Chance that a move goes to its left or right, 0 to 1."""
    steps: int = 100
    """Steps of an episode, at least 1."""


Sized = RailSettings | RodSettings | TanksSettings | SwarmSettings

MAY_BE_ZERO = ("disturbance", "error", "damping", "size")
"""Beginnings or parts of the names of settings that may be 0."""


def require_sizes(name: str, settings: Sized) -> None:
    """Raise ConfigError unless every setting is a finite size and the step in its range."""
    step_s = settings.step_s
    inside = STEP_LOW_S <= step_s <= STEP_HIGH_S
    allowed = f"{STEP_LOW_S} to {STEP_HIGH_S} s"
    require(inside, f"{name}.step_s", step_s, allowed, "0.1 is usual")
    for field in fields(settings):
        size = getattr(settings, field.name)
        if isinstance(size, str):
            continue
        zero = any(part in field.name for part in MAY_BE_ZERO)
        fine = (size >= 0.0 if zero else size > 0.0) and math.isfinite(size)
        allowed = "0 or more, finite" if zero else "above 0, finite"
        fix = f"leave it out for {field.default}"
        require(fine, f"{name}.{field.name}", size, allowed, fix)
