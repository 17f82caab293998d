# SPDX-License-Identifier: MIT
"""From settings to the scenarios of the carriage, the rod and the tanks."""

import math

from flyball.core.spec import TanhGaussian
from flyball.worlds.classics.guarded.rail import Rail, Targets
from flyball.worlds.classics.guarded.rod import Aims, Rod
from flyball.worlds.classics.guarded.scenario import (
    Recipe,
    Scenario,
    agent,
    describe,
    measured,
    n_changes,
    rules,
    seconds,
)
from flyball.worlds.classics.guarded.settings import (
    RailSettings,
    RodSettings,
    TanksSettings,
    require_sizes,
)
from flyball.worlds.classics.guarded.tanks import Levels, Tanks
from flyball.worlds.classics.scenario import features, require

GRAVITY_M_PER_S2 = 9.81


def rail_scenario(name: str, settings: RailSettings) -> Scenario:
    """Return the carriage on its rail."""
    require_sizes(name, settings)
    push, wall = settings.acceleration_m_per_s2, settings.wall_m
    weak = settings.disturbance_m_per_s2 < 0.5 * push
    where, found = f"{name}.disturbance_m_per_s2", settings.disturbance_m_per_s2
    require(weak, where, found, f"below {0.5 * push:g}", "or brake harder")
    speed = settings.top_speed_m_per_s
    columns = features(
        ("position", "m", -2.0 * wall, 2.0 * wall),
        ("speed", "m/s", -4.0 * speed, 4.0 * speed),
        ("way", "m", -3.0 * wall, 3.0 * wall),
    )
    truth = features(
        ("position", "m", -2.0 * wall, 2.0 * wall),
        ("speed", "m/s", -4.0 * speed, 4.0 * speed),
        ("target", "m", -wall, wall),
    )
    heads = (TanhGaussian("acceleration", "m/s2", -push, push),)
    error = [settings.position_error_m, settings.speed_error_m_per_s]
    spec = describe(
        name,
        agent(columns, heads),
        signals=measured(columns[:2]),
        costs=seconds("wall", "speed limit"),
        state=truth,
    )
    return Scenario(
        name=name,
        plant=Rail(push, settings.disturbance_m_per_s2, wall, speed),
        task=Targets(near=0.8 * wall, far=0.95 * wall, tolerance=0.02 * wall),
        spec=spec,
        rules=rules(spec, settings.step_s, settings.episode_s, error),
        n_real=3,
        n_whole=1,
        n_winds=1,
        n_changes=n_changes(settings.step_s),
    )


def rod_scenario(name: str, settings: RodSettings) -> Scenario:
    """Return the rod on its hinge."""
    require_sizes(name, settings)
    torque, limit = settings.torque_nm, settings.angle_limit_rad
    weak = settings.disturbance_nm < 0.5 * torque
    where, found = f"{name}.disturbance_nm", settings.disturbance_nm
    require(weak, where, found, f"below {0.5 * torque:g}", "or take a stronger motor")
    where = f"{name}.angle_limit_rad"
    require(limit <= 1.2, where, limit, "above 0, at most 1.2", "0.6 is usual")
    inertia = settings.mass_kg * settings.length_m**2
    lying = 0.5 * math.pi
    columns = features(
        ("angle", "rad", -lying, lying),
        ("spin", "rad/s", -10.0, 10.0),
        ("aim", "rad", -limit, limit),
    )
    heads = (TanhGaussian("torque", "Nm", -torque, torque),)
    error = [settings.angle_error_rad, settings.spin_error_rad_per_s]
    spec = describe(
        name,
        agent(columns, heads),
        signals=measured(columns[:2]),
        costs=seconds("largest angle"),
        state=columns,
    )
    plant = Rod(
        pull=GRAVITY_M_PER_S2 / settings.length_m,
        inertia=inertia,
        damping=settings.damping_per_s,
        torque=torque,
        disturbance=settings.disturbance_nm,
        angle=limit,
    )
    return Scenario(
        name=name,
        plant=plant,
        task=Aims(widest=0.6 * limit, held_s=2.0),
        spec=spec,
        rules=rules(spec, settings.step_s, settings.episode_s, error),
        n_real=3,
        n_whole=0,
        n_winds=1,
        n_changes=n_changes(settings.step_s),
    )


def tanks_scenario(name: str, settings: TanksSettings) -> Scenario:
    """Return the two tanks."""
    require_sizes(name, settings)
    low, high, rim = settings.low_m, settings.high_m, settings.rim_m
    fix = "0.05, 0.5 and 0.6 are usual"
    require(low > 0.02, f"{name}.low_m", low, "above 0.02", fix)
    require(low < high, f"{name}.high_m", high, f"above {low:g}", fix)
    require(high < rim, f"{name}.rim_m", rim, f"above {high:g}", fix)
    flow, wind = settings.flow_l_per_s, settings.disturbance_l_per_s
    where, allowed = f"{name}.disturbance_l_per_s", f"below {0.5 * flow:g}"
    require(wind < 0.5 * flow, where, wind, allowed, "or take stronger pumps")
    root = math.sqrt(2.0 * GRAVITY_M_PER_S2) / settings.area_m2
    plant = Tanks(
        fill=0.001 / settings.area_m2,
        first=settings.first_outlet_m2 * root,
        second=settings.second_outlet_m2 * root,
        flow=flow,
        disturbance=wind,
        low=low,
        high=high,
    )
    spare = 0.025 * (high - low)
    task = Levels(low + spare, high - spare, held_s=30.0, tolerance=0.1 * (high - low), rim=rim)
    columns = features(
        ("first_level", "m", 0.0, rim),
        ("second_level", "m", 0.0, rim),
        ("first_aim", "m", low, high),
        ("second_aim", "m", low, high),
    )
    heads = tuple(TanhGaussian(f"{key}_flow", "l/s", 0.0, flow) for key in ("first", "second"))
    spec = describe(
        name,
        agent(columns, heads),
        signals=measured(columns[:2]),
        costs=seconds("dry", "overflow"),
        state=columns,
    )
    return Scenario(
        name=name,
        plant=plant,
        task=task,
        spec=spec,
        rules=rules(spec, settings.step_s, settings.episode_s, [settings.level_error_m] * 2),
        n_real=4,
        n_whole=0,
        n_winds=2,
        n_changes=n_changes(settings.step_s),
    )


PROBLEMS = {
    "double-integrator": Recipe(RailSettings, rail_scenario),
    "two-tanks": Recipe(TanksSettings, tanks_scenario),
    "inverted-pendulum": Recipe(RodSettings, rod_scenario),
}
