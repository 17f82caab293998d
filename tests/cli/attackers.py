# SPDX-License-Identifier: MIT
"""Simulations of the certified plants by themselves, with measuring and pushing at its worst.

Written from the equations, apart from the worlds' own kernels and bounds: classical Runge and
Kutta with small steps, limits looked at after each of them.
"""

import numpy as np

TINY_S = 0.02


def rail_speed(plant, x, u, w):
    return np.column_stack((x[:, 1], u[:, 0] + plant["disturbance"] * w[:, 0]))


def rod_speed(plant, x, u, w):
    push = (u[:, 0] + plant["disturbance"] * w[:, 0]) / plant["inertia"]
    return np.column_stack(
        (x[:, 1], plant["pull"] * np.sin(x[:, 0]) + push - plant["damping"] * x[:, 1])
    )


def tanks_speed(plant, x, u, w):
    root = np.sqrt(np.maximum(x, 0.0))
    flow = plant["fill"] * (u + plant["disturbance"] * w)
    out = np.array([plant["first"], plant["second"]]) * root
    flow[:, 1] += out[:, 0]
    return flow - out


def rail_breach(plant, x):
    return np.maximum(np.abs(x[:, 0]) - plant["wall"], np.abs(x[:, 1]) - plant["speed"])


def rod_breach(plant, x):
    return np.abs(x[:, 0]) - plant["angle"]


def tanks_breach(plant, x):
    return np.maximum(plant["low"] - x, x - plant["high"]).max(1)


PLANTS = {
    "double-integrator": (rail_speed, rail_breach, 1),
    "inverted-pendulum": (rod_speed, rod_breach, 1),
    "two-tanks": (tanks_speed, tanks_breach, 2),
}
"""Equations, breach and number of disturbances of each plant."""


def attacked(stated, envelope, start, n_holds, times=1.0):
    """Return the largest breach within some holds of the backup, from states (n, X).

    Parameters
    ----------
    stated
        The parameters of the plant.
    envelope
        With safe set and backup.
    start
        (n, X); of the four kinds of attackers two push to one side and lie about the other.
    n_holds
        How often the backup is asked.
    times
        How often as strong as stated the disturbance is.
    """
    speed, breach, n_winds = PLANTS[stated.plant]
    plant = dict(stated.parameters)
    plant["disturbance"] *= times
    rng, x, error = np.random.default_rng(0), start.copy(), np.array(envelope.error)
    side = np.array([0.0, 1.0, -1.0, 0.0])[np.arange(len(x)) % 4][:, None]
    worst = breach(plant, x).max()
    n_tiny = round(envelope.hold_s / TINY_S)
    for _ in range(n_holds):
        lie = np.where(side == 0.0, rng.choice([-1.0, 1.0], x.shape), -side)
        seen = x + error * lie
        u = envelope.backup.value(seen - error, seen + error)
        for tiny in range(n_tiny):
            if tiny % 5 == 0:
                w = np.where(side == 0.0, rng.choice([-1.0, 1.0], (len(x), n_winds)), side)
            k1 = speed(plant, x, u, w)
            k2 = speed(plant, x + 0.5 * TINY_S * k1, u, w)
            k3 = speed(plant, x + 0.5 * TINY_S * k2, u, w)
            k4 = speed(plant, x + TINY_S * k3, u, w)
            x = x + TINY_S / 6.0 * (k1 + 2 * k2 + 2 * k3 + k4)
            worst = max(worst, breach(plant, x).max())
    return worst


def states_in(envelope, low, high, n):
    """Return states of the safe set, drawn evenly."""
    drawn = np.random.default_rng(1).uniform(low, high, (4 * n, len(low)))
    return drawn[envelope.safe.margin(drawn, drawn) >= 0.0][:n]
