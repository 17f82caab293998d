# SPDX-License-Identifier: MIT
"""The small problems by id: names, settings, spaces, both checkers."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from flyball.core.errors import ConfigError
from flyball.interop.classics import classics_env, classics_id, classics_vector_env
from flyball.worlds.classics import NAMES, make


def alone(name):
    return make(name, 1).spec.n_agents == 1


@pytest.mark.parametrize(
    ("problem", "env_id"),
    [
        ("cartpole", "flyball/CartPole-v0"),
        ("cartpole-no-velocity", "flyball/CartPoleNoVelocity-v0"),
        ("t-maze", "flyball/TMaze-v0"),
        ("mountain-car-continuous", "flyball/MountainCarContinuous-v0"),
    ],
)
def test_an_id_is_made_of_the_problems_name(problem, env_id):
    assert classics_id(problem) == env_id


def test_no_two_problems_share_an_id():
    assert len({classics_id(name) for name in NAMES}) == len(NAMES)


# What a problem's original leaves unbounded, or has no reason to scale, is left so here.
@pytest.mark.filterwarnings(
    "ignore:.*infinity", "ignore:.*symmetric and normalized", "ignore:.*are equal"
)
@pytest.mark.parametrize("name", NAMES)
def test_gymnasium_makes_and_checks_every_problem_of_one_agent(name):
    if not alone(name):
        with pytest.raises(ConfigError, match=r"agents; allowed: one agent; .*AgentsEnv"):
            gymnasium.make(classics_id(name))
        return

    env = gymnasium.make(classics_id(name))

    check_env(env.unwrapped, skip_render_check=True)
    assert env.spec.id == classics_id(name)


def test_cart_pole_has_the_spaces_of_gymnasiums_own():
    ours, theirs = gymnasium.make("flyball/CartPole-v0"), gymnasium.make("CartPole-v1")

    assert ours.action_space == theirs.action_space
    assert ours.observation_space.shape == theirs.observation_space.shape


def test_make_vec_takes_the_compiled_batch():
    env = gymnasium.make_vec("flyball/CartPole-v0", num_envs=16)
    batch = make("cartpole", 16)
    batch.reset(np.arange(3, 19))
    seen, _ = env.reset(seed=3)

    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    np.testing.assert_array_equal(seen, batch.reset(np.arange(3, 19)).obs[:, 0])


def test_settings_of_the_problem_are_keywords_of_the_id():
    short = gymnasium.make("flyball/Constant-v0", steps=3)
    short.reset(seed=0)

    ends = [short.step(0)[3] for _ in range(3)]

    assert ends == [False, False, True]


def test_a_misspelt_setting_is_refused_with_the_right_one():
    with pytest.raises(ConfigError, match=r"did you mean .steps"):
        classics_env(problem="constant", stesp=3)


def test_objectives_weigh_as_asked():
    env = classics_vector_env(num_envs=2, problem="deep-sea-treasure", weights={"time": 2.0})
    env.reset(seed=0)

    _, reward, _, _, info = env.step(np.zeros(2, dtype=np.int64))

    names = [objective.name for objective in make("deep-sea-treasure", 1).spec.objectives]
    assert info["vector_reward"].shape == (2, len(names))
    np.testing.assert_array_equal(np.abs(reward), 2.0)
