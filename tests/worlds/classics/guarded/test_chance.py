# SPDX-License-Identifier: MIT
import numpy as np

from flyball.core.batch import Action
from flyball.core.random import uniform
from flyball.worlds.classics.guarded import make
from flyball.worlds.classics.guarded.chance import NOISE, WIND


def play(step_s, n_steps):
    """Return the speeds of carriages that only gusts push, and what was measured, every second."""
    env = make("double-integrator", 3, step_s=step_s)
    env.reset(np.array([5, 6, 7]))
    found = []
    for k in range(n_steps):
        step = env.step(Action(np.zeros((3, 1, 0), np.int32), np.zeros((3, 1, 1))))
        if round((k + 1) * step_s, 9) % 1.0 == 0.0:
            found.append(env.state.real[:, 1].copy())
    return np.array(found), step, env


def test_gusts_are_the_named_draws_and_the_same_at_any_length_of_the_step():
    gusts = -1 + 2 * np.array(
        [[uniform(seed, 0, 0, s, WIND) for seed in (5, 6, 7)] for s in range(4)]
    )

    for step_s in (0.02, 0.1, 0.5):
        speeds, _, _ = play(step_s, round(4.0 / step_s))

        np.testing.assert_allclose(speeds, np.cumsum(0.2 * gusts, axis=0), atol=1e-12)


def test_the_error_of_a_measurement_is_the_named_draw():
    _, step, env = play(0.1, 5)

    for row, seed in enumerate((5, 6, 7)):
        for m, error in enumerate((0.01, 0.02)):
            off = step.observation.signals[row, m] - env.state.real[row, m]
            want = error * (2 * uniform(seed, 0, m, 5, NOISE) - 1)
            np.testing.assert_allclose(off, want, rtol=1e-6)
