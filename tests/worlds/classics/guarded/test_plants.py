# SPDX-License-Identifier: MIT
import math

import numpy as np

from flyball.worlds.classics.guarded import scenario


def test_a_rod_has_the_numbers_of_a_mass_on_a_stick():
    plant = scenario("inverted-pendulum", length_m=2.0, mass_kg=3.0).plant

    assert plant.pull == 9.81 / 2.0
    assert plant.inertia == 12.0


def test_tanks_drain_by_torricellis_law():
    """1 m of water leaves by sqrt(2 g): 4.43 m/s through 0.4 cm2, from 50 cm2."""
    plant = scenario("two-tanks").plant

    np.testing.assert_allclose(plant.first, math.sqrt(2 * 9.81) * 4e-5 / 0.005)
    np.testing.assert_allclose(plant.second / plant.first, 1.25)
    assert plant.fill * 0.25 == 0.05


def test_a_full_first_tank_never_floods_a_second_whose_pump_rests():
    plant = scenario("two-tanks").plant

    rise = plant.fill * plant.disturbance + (plant.first - plant.second) * math.sqrt(plant.high)

    assert rise < 0.0


def test_targets_lie_before_the_walls_and_aims_within_the_limits():
    rail, rod, tanks = (
        scenario(name) for name in ("double-integrator", "inverted-pendulum", "two-tanks")
    )

    assert 0 < rail.task.near < rail.task.far + rail.task.tolerance < rail.plant.wall
    assert 0 < rod.task.widest < rod.plant.angle
    assert tanks.plant.low < tanks.task.lowest < tanks.task.highest < tanks.plant.high


def test_the_torque_holds_a_rod_at_its_largest_angle():
    plant = scenario("inverted-pendulum").plant

    weight = plant.inertia * plant.pull * math.sin(plant.angle)

    assert plant.torque - plant.disturbance > weight
