# SPDX-License-Identifier: MIT
"""Many motions at once of the plants, in plain NumPy: what bounds and kernels are held against.

n motions · N pieces of a motion within which its disturbance stands still. A slope is written here
as the textbook has it and shares no code with the world.
"""

import numpy as np


def rail_slope(_, state, value, disturbance):
    """Return d(position, speed)/dt (n, 2)."""
    return np.stack([state[:, 1], value[:, 0] + disturbance[:, 0]], axis=1)


def rod_slope(plant, state, value, disturbance):
    """Return d(angle, spin)/dt (n, 2)."""
    drive = (value[:, 0] + disturbance[:, 0]) / plant.inertia
    spin = plant.pull * np.sin(state[:, 0]) + drive - plant.damping * state[:, 1]
    return np.stack([state[:, 1], spin], axis=1)


def tanks_slope(plant, state, value, disturbance):
    """Return d(levels)/dt (n, 2); an empty tank stays empty while more is drawn than comes."""
    flow = plant.fill * (value + disturbance)
    root = np.sqrt(np.maximum(0.0, state))
    drained, left = plant.first * root[:, 0], plant.second * root[:, 1]
    rate = np.stack([flow[:, 0] - drained, flow[:, 1] + drained - left], axis=1)
    return np.where(state <= 0.0, np.maximum(0.0, rate), rate)


def runge_kutta(slope, state, time_s):
    """Return the state (n, X) after `time_s` (n,), by one classical step."""
    h = time_s[:, None]
    k_1 = slope(state)
    k_2 = slope(state + 0.5 * h * k_1)
    k_3 = slope(state + 0.5 * h * k_2)
    k_4 = slope(state + h * k_3)
    return state + h / 6.0 * (k_1 + 2.0 * k_2 + 2.0 * k_3 + k_4)


def motion(slope, plant, start, value, disturbances, time_s):
    """Return the states (N + 1, n, X) of motions under disturbances (N, n, W)."""
    states = [start]
    piece_s = time_s / len(disturbances)
    for disturbance in disturbances:

        def here(state, now=disturbance):
            return slope(plant, state, value, now)

        states.append(runge_kutta(here, states[-1], piece_s))
    return np.array(states)


def attacks(rng, n_pieces, n, n_winds, size):
    """Return disturbances (N, n, W): one side for ever, switching, or anything in between."""
    kind = rng.integers(0, 4, n)
    switching = rng.random((n_pieces, n, n_winds)) < 0.02
    side = np.where(rng.random((1, n, n_winds)) < 0.5, -1.0, 1.0)
    bang = side * np.where(np.cumsum(switching, axis=0) % 2 == 0, 1.0, -1.0)
    drawn = rng.uniform(-1, 1, (n_pieces, n, n_winds))
    noise = np.sign(drawn)
    kinds = [np.broadcast_to(side, bang.shape), bang, drawn, noise]
    return size * np.choose(kind[None, :, None], kinds)


def starts(rng, low, high):
    """Return states in boxes (n, X), a third of them corners."""
    share = rng.random(low.shape)
    corner = np.where(share < 0.5, 0.0, 1.0)
    share = np.where(rng.random((len(low), 1)) < 1 / 3, corner, share)
    return np.clip(low + share * (high - low), low, high)
