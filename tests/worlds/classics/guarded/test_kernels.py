# SPDX-License-Identifier: MIT
"""The rules of the batch loop; the twins of each plant's test go through it too."""

import subprocess
import sys

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics.guarded import NAMES, kernels, make


def pushed(env, value):
    return env.step(
        Action(np.zeros((env.n_envs, 1, 0), np.int32), np.asarray(value)[:, None, None])
    )


def test_every_plant_has_a_loop_of_its_own():
    assert set(kernels.LOOPS) == set(NAMES)
    assert len({loop.__name__ for loop in kernels.LOOPS.values()}) == len(NAMES)


@pytest.mark.parametrize(
    ("wish", "applied", "illegal"),
    [(1.2, 1.2, 0), (1.5, 1.5, 0), (1.6, 1.5, 1), (-np.inf, -1.5, 1), (np.nan, 0.0, 1)],
)
def test_a_value_out_of_range_becomes_the_nearest_and_nan_the_middle(wish, applied, illegal):
    env = make("double-integrator", 1)
    env.reset(np.zeros(1, np.int64))

    step = pushed(env, [wish])

    assert step.applied.value[0, 0, 0] == applied
    assert step.illegal[0, 0] == illegal


def test_time_in_breach_and_travel_add_up_to_the_figures_of_the_episode():
    env = make("double-integrator", 2, episode_s=1.0, wall_m=0.5)
    env.reset(np.zeros(2, np.int64))
    kept = env.snapshot()
    kept["real"][:, :2] = [[0.49, 1.0], [0.0, 0.0]]
    env.restore(kept)
    costs = np.zeros(2)
    for k in range(10):
        step = pushed(env, [-1.5, 0.0] if k % 2 == 0 else [0.0, 0.75])
        costs += (step.cost > 0).any(1) * 0.1
        if step.terminated[0]:
            break

    ended = step.terminated | step.truncated
    np.testing.assert_allclose(step.outcome[ended, 2], costs[ended])
    if ended[1]:
        np.testing.assert_allclose(step.outcome[1, 4], 9 * 0.25)


def test_an_end_starts_the_next_episode_with_nothing_left_of_the_last_one():
    env = make("inverted-pendulum", 3, episode_s=0.3)
    env.reset(np.arange(3))
    for _ in range(3):
        step = pushed(env, [7.0, 7.0, 7.0])

    assert step.truncated.all()
    assert step.observation.start.all()
    assert env.state.t.tolist() == [0, 0, 0]
    assert env.state.episode.tolist() == [1, 1, 1]
    assert not env.state.sums.any()
    assert not env.state.last.any()
    assert step.final.obs.any(axis=(1, 2)).all()
    after = pushed(env, [0.0, 0.0, 0.0])
    assert not after.final.obs.any()
    assert not after.outcome.any()
    assert not after.observation.start.any()


SCRIPT = """
import hashlib, sys
import numpy as np
from tests.worlds.classics.guarded.play import small, wished
for name in sys.argv[1:]:
    env, rng = small(name, 2), np.random.default_rng(0)
    env.reset(np.array([3, 4]))
    found = hashlib.sha256()
    for _ in range(12):
        step = env.step(wished(env, rng))
        found.update((np.round(step.observation.obs, 3) + 0.0).tobytes())
        found.update((np.round(step.reward, 6) + 0.0).tobytes())
        found.update(step.cost.tobytes())
    print(name, found.hexdigest())
"""


@pytest.mark.slow
def test_compiled_and_plain_python_play_the_same():
    said = [
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", SCRIPT, *NAMES],
            env={"NUMBA_DISABLE_JIT": flag},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for flag in ("0", "1")
    ]

    assert said[0] == said[1]
    assert len(said[0].splitlines()) == len(NAMES)
