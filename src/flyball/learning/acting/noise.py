# SPDX-License-Identifier: MIT
"""Normal draws of a learner, compiled: functions of their names, not of how many are drawn.

A draw has the name (seed, update, row, dim, stream). Two neighbouring dims share 64 random bits
and one pass of Box and Muller (1958), which halves the cost.
"""

import math

import numpy as np
from numba import njit

from flyball.core.batch import Bools, Floats
from flyball.learning.draws import mixed
from flyball.learning.nets.dists import LOG_SQRT_2PI

_S32, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def normals(seed: int, update: int, n_rows: int, width: int, stream: int) -> Floats:
    """Return (n_rows, width) standard normal draws, at most 6.8 in size.

    Parameters
    ----------
    seed, update, stream
        Parts of the name.
    n_rows, width
        Of the array; a longer one begins as a shorter one does, a wider one row by row.
    """
    out = np.empty((n_rows, width), np.float32)
    stem = mixed(mixed(mixed(np.uint64(0), seed), update), stream)
    for row in range(n_rows):
        own = mixed(stem, row)
        for k in range(0, width, 2):
            word = mixed(own, k)
            share = (np.float64(word >> _S32) + 0.5) * 2.0**-32
            turn = 2.0 * math.pi * 2.0**-32 * np.float64(word & _LOW)
            radius = math.sqrt(-2.0 * math.log(share))
            out[row, k] = radius * math.cos(turn)
            if k + 1 < width:
                out[row, k + 1] = radius * math.sin(turn)
    return out


@njit(cache=True, nogil=True)
def squashed(
    mean: Floats, log_std: Floats, used: Bools, key: tuple[int, int], stream: int
) -> tuple[Floats, Floats, Floats]:
    """Return fresh actions (R, D), their log-probabilities (R,) and spreads (R, D).

    Parameters
    ----------
    mean, log_std
        (R, D) of the latent values.
    used
        (N, D) which dims an agent has; row r is agent r mod N. Dims that it lacks are 0.
    key, stream
        Names of the draws (see `normals`).

    Notes
    -----
    Inside in float64. The twin is `soft.Values.draw_by_torch`.
    """
    (n_rows, width), n_agents = mean.shape, len(used)
    draws = normals(key[0], key[1], n_rows, width, stream)
    action = np.zeros((n_rows, width), mean.dtype)
    spread = np.empty((n_rows, width), mean.dtype)
    log_prob = np.empty(n_rows, mean.dtype)
    for row in range(n_rows):
        nats = 0.0
        for k in range(width):
            draw, log_deviation = np.float64(draws[row, k]), np.float64(log_std[row, k])
            latent = math.exp(log_deviation) * draw
            spread[row, k] = latent
            latent += mean[row, k]
            if used[row % n_agents, k]:
                action[row, k] = math.tanh(latent)
                softplus = math.log1p(math.exp(-2.0 * abs(latent))) + max(0.0, -2.0 * latent)
                slope = 2.0 * (math.log(2.0) - latent - softplus)
                nats -= 0.5 * draw * draw + log_deviation + slope + LOG_SQRT_2PI
        log_prob[row] = nats
    return action, log_prob, spread
