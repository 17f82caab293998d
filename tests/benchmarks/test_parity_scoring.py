# SPDX-License-Identifier: MIT
"""Every policy meets the same hundred episodes, and problems are those of the zoo."""

import gymnasium
import numpy as np
import pytest
from parity.cells import FIRST_SEED, load
from parity.problems import make
from parity.scoring import chance, scores

CELLS = load()


def test_an_episode_is_the_one_that_its_seed_names_and_ends_where_it_ends():
    def right(obs, _mask, _start):
        return np.ones(len(obs), dtype=np.int64)

    found = scores(CELLS["ppo-cartpole"], right, 5)

    for k, total in enumerate(found):
        env = gymnasium.make("CartPole-v1")
        env.reset(seed=FIRST_SEED + k)
        steps = 1
        while not env.step(1)[2]:
            steps += 1
        assert total == steps


def test_every_policy_meets_the_same_states_and_masks_of_a_masked_problem():
    cell = CELLS["maskable-ppo-discrete"]
    seen = []

    def watching(obs, mask, _start):
        seen.append((obs.copy(), mask.copy()))
        return obs if len(seen) % 2 else np.zeros_like(obs)

    scores(cell, watching, 3)
    first, seen[:] = list(seen), []
    scores(cell, chance(cell), 3)
    scores(cell, watching, 3)

    assert all(np.array_equal(a, b) for one, two in zip(first, seen, strict=True)
               for a, b in zip(one, two, strict=True))  # fmt: skip
    assert all(mask.sum(axis=1).tolist() == [20, 20, 20] for _, mask in seen)


@pytest.mark.parametrize("kind", ["discrete", "multi-discrete", "multi-binary"])
def test_who_sees_the_answer_gets_every_point_and_chance_takes_what_is_allowed(kind):
    cell = CELLS[f"maskable-ppo-{kind}"]
    is_allowed = _judge_of(make(cell.problem, cell.arguments).action_space)
    allowed = []

    def knowing(obs, _mask, _start):
        return obs

    def guessing(obs, mask, start):
        actions = draw(obs, mask, start)
        allowed.extend(map(is_allowed, actions, mask))
        return actions

    draw = chance(cell)

    assert scores(cell, knowing, 2).tolist() == [100.0, 100.0]
    assert scores(cell, guessing, 2).max() < 50
    assert all(allowed)
    assert len(allowed) == 200


def _judge_of(space):
    if isinstance(space, gymnasium.spaces.Discrete):
        return lambda action, mask: mask[action]
    widths = space.nvec if isinstance(space, gymnasium.spaces.MultiDiscrete) else [2] * space.n
    starts = np.cumsum([0, *widths[:-1]])
    return lambda action, mask: mask[starts + action].all()


def test_without_velocity_the_zoo_leaves_position_and_angle_only():
    env, whole = make("CartPoleNoVel-v1"), gymnasium.make("CartPole-v1")
    seen, _ = env.reset(seed=3)
    expected, _ = whole.reset(seed=3)

    np.testing.assert_array_equal(seen, expected * [1, 0, 1, 0])
    np.testing.assert_array_equal(env.step(1)[0], whole.step(1)[0] * np.float32([1, 0, 1, 0]))


def test_chance_is_the_published_return_of_a_random_cart_pole():
    cell = CELLS["ppo-cartpole"]

    assert 20 < scores(cell, chance(cell)).mean() < 25
