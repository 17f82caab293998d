# SPDX-License-Identifier: MIT
"""The native vector environment says what Gymnasium's own would say, only sooner."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.interop import AdapterConfig, BatchVectorEnv, SingleEnv
from flyball.worlds.jobshop import JobShop
from tests.interop.meadow import HEADS, Meadow, alone
from tests.interop.shops import small

ROWS = 3


def native(**settings):
    return gymnasium.make_vec("flyball/JobShop-v0", num_envs=ROWS, **settings)


def one_by_one(**settings):
    return gymnasium.make_vec(
        "flyball/JobShop-v0",
        num_envs=ROWS,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        **settings,
    )


def test_make_vec_takes_the_native_batch_and_states_its_autoreset():
    env = native()

    assert isinstance(env, BatchVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.observation_space.shape == (ROWS, *env.single_observation_space.shape)


@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_it_agrees_with_single_copies_stepped_by_gymnasium_in_everything(layout):
    fast, slow = native(layout=layout), one_by_one(layout=layout)
    rng = np.random.default_rng(0)
    ends = 0

    assert data_equivalence(fast.reset(seed=3), slow.reset(seed=3), exact=True)
    for step in range(120):
        slots = np.array([rng.choice(np.flatnonzero(row)) for row in fast.action_masks()])
        if step % 7 == 0:
            slots = rng.integers(0, fast.single_action_space.n, ROWS)
        ours, theirs = fast.step(slots), slow.step(slots)
        assert data_equivalence(ours, theirs, exact=True)
        ends += ours[2].sum()

    assert ends >= ROWS


@pytest.mark.parametrize("heads", HEADS)
@pytest.mark.parametrize("layout", ["flat", "dict"])
def test_every_form_of_heads_agrees_with_single_copies_too(heads, layout):
    config = AdapterConfig(layout=layout)
    fast = BatchVectorEnv(Meadow(alone(heads), ROWS), config)
    slow = SyncVectorEnv(
        [lambda: SingleEnv(Meadow(alone(heads), 1), config)] * ROWS,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    fast.action_space.seed(2)
    ended = np.zeros(2, dtype=int)

    assert data_equivalence(fast.reset(seed=3), slow.reset(seed=3), exact=True)
    for _ in range(60):
        actions = fast.action_space.sample()
        ours, theirs = fast.step(actions), slow.step(actions)
        assert data_equivalence(ours, theirs, exact=True)
        ended += [ours[2].sum(), ours[3].sum()]

    assert ended.min() > 0


def test_its_rewards_are_those_of_the_batch():
    shops = small(4)
    env = native(scenarios=shops, weights={"weighted_tardiness_h": 1.0, "makespan_h": 1.0})
    env.reset(seed=0)
    batch = JobShop(shops, ROWS)
    batch.reset(np.arange(ROWS))
    nothing = np.zeros((ROWS, 1, 0))

    for _ in range(60):
        _, reward, terminated, _, _ = env.step(np.zeros(ROWS, dtype=np.int64))
        step = batch.step(Action(np.zeros((ROWS, 1, 1), dtype=np.int32), nothing))
        np.testing.assert_array_equal(reward, -step.reward[:, 0, :2].sum(axis=1))
        np.testing.assert_array_equal(terminated, step.terminated)


def test_an_ended_row_shows_its_kpis_in_final_info():
    env = native()
    env.reset(seed=0)
    info = {}
    while "final_info" not in info:
        _, _, terminated, _, info = env.step(np.zeros(ROWS, dtype=np.int64))

    ended = info["_final_info"]
    np.testing.assert_array_equal(ended, terminated)
    assert np.all(info["final_info"]["outcome"]["makespan_h"][ended] > 0)
    assert [last is not None for last in info["final_obs"]] == list(ended)


def test_rows_without_a_seed_of_their_own_are_drawn_from_the_last_one_given():
    env = native()
    env.reset(seed=11)
    first, _ = env.reset()
    env.reset(seed=11)
    again, _ = env.reset(seed=[None, None, None])

    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": [1, 2]}, "2 seeds; allowed: 3, one for each row"),
        ({"options": {"reset_mask": np.ones(3, dtype=bool)}}, "rows that end are reset in the"),
    ],
)
def test_a_reset_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        native().reset(**arguments)
