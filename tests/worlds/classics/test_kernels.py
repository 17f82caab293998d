# SPDX-License-Identifier: MIT
"""The rules of the batch loop; the twins of test_grids and test_games go through it too."""

import subprocess
import sys

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import kernels, make
from flyball.worlds.classics.catalogue import NAMES
from tests.worlds.classics.play import wished


def test_every_family_has_a_loop_of_its_own_name():
    names = {loop.__name__ for loop in kernels.LOOPS.values()}

    assert names == {f"loop_{family}" for family in kernels.LOOPS}


@pytest.mark.parametrize(
    ("wish", "applied", "illegal"),
    [(-1, 0, 1), (0, 0, 0), (2, 2, 0), (3, 0, 1), (2**31 - 1, 0, 1), (-(2**31), 0, 1)],
)
def test_a_choice_out_of_range_becomes_the_first_legal_one(wish, applied, illegal):
    env = make("bandit", 1)
    env.reset(np.zeros(1, np.int64))

    step = env.step(Action(np.full((1, 1, 1), wish, np.int32), np.zeros((1, 1, 0))))

    assert step.applied.choice[0, 0, 0] == applied
    assert step.illegal[0, 0] == illegal
    assert step.reward[0, 0, 0] == [0.1, 0.5, 0.9][applied]


def test_a_masked_choice_becomes_the_first_legal_one():
    env = make("masked", 50, actions=6, forbidden=4)
    mask = env.reset(np.arange(50)).mask[:, 0].copy()
    wish = np.argmin(mask, axis=1)  # the first that is forbidden

    step = env.step(Action(wish[:, None, None].astype(np.int32), np.zeros((50, 1, 0))))

    assert step.applied.choice[:, 0, 0].tolist() == mask.argmax(1).tolist()
    assert step.illegal[:, 0].tolist() == [1] * 50


@pytest.mark.parametrize(
    ("wish", "applied", "illegal"),
    [
        (1.5, 1.5, 0),
        (2.0, 2.0, 0),
        (2.5, 2.0, 1),
        (-np.inf, -2.0, 1),
        (np.inf, 2.0, 1),
        (np.nan, 0.0, 1),
    ],
)
def test_a_value_out_of_range_becomes_the_nearest_and_nan_the_middle(wish, applied, illegal):
    env = make("pendulum", 1)
    env.reset(np.zeros(1, np.int64))

    step = env.step(Action(np.zeros((1, 1, 0), np.int32), np.full((1, 1, 1), wish)))

    assert step.applied.value[0, 0, 0] == applied
    assert step.illegal[0, 0] == illegal
    assert np.isfinite(step.observation.obs).all()


def test_values_that_pad_an_agent_are_set_to_zero_and_not_counted():
    env = make("speaker-listener", 1, continuous=True)
    env.reset(np.zeros(1, np.int64))

    step = env.step(Action(np.zeros((1, 2, 0), np.int32), np.full((1, 2, 5), 0.5)))

    assert step.applied.value[0].tolist() == [[0.5, 0.5, 0.5, 0, 0], [0.5] * 5]
    assert step.illegal.sum() == 0


def test_an_end_in_the_last_allowed_step_is_no_truncation():
    """The counter's episodes of length 1 end in their first step, at the time limit or not."""
    env = make("gridworld", 1, size=2, goal=(0, 1), time_limit=1)
    env.reset(np.zeros(1, np.int64))

    ends = []
    for move in (3, 0):  # to the goal, against the wall
        step = env.step(Action(np.full((1, 1, 1), move, np.int32), np.zeros((1, 1, 0))))
        ends.append((bool(step.terminated[0]), bool(step.truncated[0])))

    assert ends == [(True, False), (False, True)]


def test_only_the_rows_that_just_ended_have_a_final_observation():
    env = make("counter", 40, mean_steps=3)
    env.reset(np.arange(40))
    rng = np.random.default_rng(0)
    for _ in range(30):
        step = env.step(wished(env, rng))

        ended = step.terminated | step.truncated
        assert (step.final.obs[ended, 0, 2] == 7).all()
        assert (step.final.obs[ended, 0, 0] == step.outcome[ended, 1]).all()
        assert step.final.mask[ended].all()
        for array in (step.final.obs, step.final.mask, step.outcome):
            assert not array[~ended].any()
        assert not step.final.start.any()
        assert (step.observation.obs[ended, 0, 0] == 0).all()


def test_the_return_is_the_mean_over_agents_or_their_sum():
    shared = make("matrix", 1, payoff=((3.0, 3.0), (3.0, 3.0)))
    summed = make("foraging", 1)

    shared.reset(np.zeros(1, np.int64))
    step = shared.step(Action(np.zeros((1, 2, 1), np.int32), np.zeros((1, 2, 0))))

    assert step.reward.ravel().tolist() == [3.0, 3.0]
    assert step.outcome[0].tolist() == [3.0, 1.0]
    assert summed.scenario.share == 1.0


SCRIPT = """
import hashlib, sys
import numpy as np
from flyball.worlds.classics import make
from tests.worlds.classics.play import wished
for name in sys.argv[1:]:
    env, rng = make(name, 2), np.random.default_rng(0)
    env.reset(np.array([3, 4]))
    found = hashlib.sha256()
    for _ in range(40):
        step = env.step(wished(env, rng))
        found.update((np.round(step.observation.obs, 3) + 0.0).tobytes())
        found.update((np.round(step.reward, 6) + 0.0).tobytes())
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
