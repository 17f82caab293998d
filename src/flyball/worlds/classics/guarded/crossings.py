# SPDX-License-Identifier: MIT
"""From settings to the scenarios of the robots that cross each other's ways."""

import math

from flyball.core.spec import Feature, Kpi, Signal, TanhGaussian
from flyball.worlds.classics.guarded import swarm
from flyball.worlds.classics.guarded.scenario import (
    Recipe,
    Scenario,
    agent,
    describe,
    n_changes,
    rules,
    seconds,
)
from flyball.worlds.classics.guarded.settings import SwarmSettings, require_sizes
from flyball.worlds.classics.scenario import features, require

KPIS = (
    Kpi("reached", "-", "max", "share of robots at their goal when the episode ends"),
    Kpi("smallest_separation", "m", "max", "of two bodies at any time of the episode"),
    Kpi("deadlocked", "robots", "min", "away from their goal and without progress at the end"),
)

LAYOUTS = ("circle", "random")

CROWD_PER_M2 = 200 / 1000**2
"""Robots in a square, unless its side is given: 200 in a square kilometre."""


def swarm_scenario(name: str, settings: SwarmSettings) -> Scenario:
    """Return the robots."""
    require_sizes(name, settings)
    n = settings.n_robots
    require(2 <= n <= 1000, f"{name}.n_robots", n, "2 to 1000", "40 is usual")
    layout = settings.layout
    allowed = ", ".join(LAYOUTS)
    require(layout in LAYOUTS, f"{name}.layout", layout, allowed, "leave it out for circle")
    plant = swarm.Swarm(
        n=n,
        acceleration=settings.acceleration_m_per_s2,
        speed=settings.top_speed_m_per_s,
        separation=settings.separation_m,
        wind_bound=settings.disturbance_m_per_s2,
        rate=settings.tracking_per_s,
    )
    task = _crossing(name, settings, plant)
    wide = 2.0 * task.size
    heads = tuple(
        TanhGaussian(key, "m/s2", -plant.acceleration, plant.acceleration) for key in ("ax", "ay")
    )
    spec = describe(
        name,
        agent(_columns(wide, plant.speed), heads, n),
        signals=_signals(n, wide, plant.speed),
        costs=seconds("separation", "speed limit"),
        state=(),
        kpis=KPIS,
    )
    return Scenario(
        name=name,
        plant=plant,
        task=task,
        spec=spec,
        rules=rules(spec, settings.step_s, settings.episode_s, [0.0] * (4 * n)),
        n_real=12 * n,
        n_whole=0,
        n_winds=2 * n,
        n_changes=n_changes(settings.step_s),
    )


def _crossing(name: str, settings: SwarmSettings, plant: swarm.Swarm) -> swarm.Crossing:
    """Return the task; raise ConfigError where starts would lie too near to each other."""
    n = settings.n_robots
    apart = 1.5 * plant.separation + 2.0 * plant.wind_bound / plant.rate**2
    if settings.layout == "circle":
        size = settings.size_m or max(60.0, 2.5 * plant.separation * n / (2.0 * math.pi))
        least = 0.5 * apart / math.sin(math.pi / n)
    else:
        size = settings.size_m or math.sqrt(n / CROWD_PER_M2)
        least = apart * math.sqrt(3.0 * n)
    where, allowed = f"{name}.size_m", f"at least {least:.4g} m for {n} robots"
    require(size >= least, where, f"{size:g}", allowed, "leave it out, or take fewer robots")
    layout = LAYOUTS.index(settings.layout)
    return swarm.Crossing(layout=layout, size=size, apart=apart, near=1.0, slow=1.0)


def _columns(wide: float, speed: float) -> tuple[Feature, ...]:
    own = features(
        ("way_x", "m", -wide, wide),
        ("way_y", "m", -wide, wide),
        ("speed_x", "m/s", -2.0 * speed, 2.0 * speed),
        ("speed_y", "m/s", -2.0 * speed, 2.0 * speed),
    )
    others = features(
        *(
            (f"{key}_{k}", unit, -high, high)
            for k in range(swarm.N_SEEN)
            for key, unit, high in (
                ("other_x", "m", wide),
                ("other_y", "m", wide),
                ("other_speed_x", "m/s", 4.0 * speed),
                ("other_speed_y", "m/s", 4.0 * speed),
            )
        )
    )
    return own + others


def _signals(n: int, wide: float, speed: float) -> tuple[Signal, ...]:
    """Return body after body its reference's position and velocity, known exactly."""
    return tuple(
        Signal(f"{key}_{i}", unit, -high, high)
        for i in range(n)
        for key, unit, high in (
            ("x", "m", wide),
            ("y", "m", wide),
            ("speed_x", "m/s", 2.0 * speed),
            ("speed_y", "m/s", 2.0 * speed),
        )
    )


PROBLEMS = {"crossing-robots": Recipe(SwarmSettings, swarm_scenario)}
