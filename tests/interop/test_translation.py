# SPDX-License-Identifier: MIT
"""Spaces, rewards and actions say the same as the batch contract."""

from dataclasses import replace

import numpy as np
import pytest

from flyball.core.errors import ConfigError, InvariantError
from flyball.interop import AdapterConfig, Translation
from flyball.interop.translation import only_agent, require_rows
from flyball.worlds.jobshop import SPEC, JobShop
from tests.interop.meadow import MIXED, Meadow, drawn_action
from tests.interop.shops import small

CONFIG = AdapterConfig(cap=4, weights={"makespan_h": 2.0, "setup_h": 1.0})


@pytest.fixture
def env():
    return JobShop(small(3), 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {"makespan": 1.0}}, "weights: 'makespan'; .* did you mean 'makespan_h'"),
        ({"keep_by": "atc_gpa"}, "keep_by: 'atc_gpa'; .* did you mean 'atc_gap'"),
    ],
)
def test_a_setting_that_names_what_is_not_there_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        Translation(SPEC, replace(CONFIG, **changes))


def test_a_world_of_several_agents_is_no_single_environment():
    with pytest.raises(ConfigError, match=r"6 agents; allowed: one agent; fix: take .*AgentsEnv"):
        only_agent(Meadow(MIXED, 1).spec, AdapterConfig())


def test_a_batch_of_another_size_is_our_own_fault():
    with pytest.raises(InvariantError, match="serves 1 rows, the batch has 2"):
        require_rows(Meadow(MIXED, 2), 1)


def test_the_reward_is_minus_the_weighted_sum_of_what_is_to_be_minimised(env):
    translation = Translation(SPEC, CONFIG)
    shown = translation.show(env.reset(np.arange(3)))

    step = env.step(translation.action(shown, (np.zeros(3, dtype=np.int64),), 3))

    cost = step.reward[:, 0, :]
    np.testing.assert_array_equal(translation.reward(step)[:, 0], -(2.0 * cost[:, 1] + cost[:, 2]))
    assert np.all(cost[:, 1] > 0)


def test_without_weights_all_objectives_weigh_the_same_whichever_way_they_point():
    env = Meadow(MIXED, 2)
    observation = env.reset(np.arange(2))
    step = env.step(drawn_action(env, observation, np.random.default_rng(0)))

    reward = Translation(env.spec, AdapterConfig()).reward(step)

    np.testing.assert_allclose(reward, step.reward[:, :, 0] - step.reward[:, :, 1])


@pytest.mark.parametrize("slot", [-1, 4, 1000])
def test_a_slot_out_of_range_reaches_the_world_as_an_illegal_choice(env, slot):
    translation = Translation(SPEC, CONFIG)
    shown = translation.show(env.reset(np.arange(3)))

    step = env.step(translation.action(shown, (np.array([0, slot, 0]),), 3))

    np.testing.assert_array_equal(step.illegal[:, 0], [0, 1, 0])


@pytest.mark.parametrize("layout", ["flat", "dict"])
@pytest.mark.parametrize("compress", [True, False])
def test_what_is_seen_lies_in_the_space_however_large_a_feature_is(env, layout, compress):
    translation = Translation(SPEC, replace(CONFIG, layout=layout, compress=compress))
    observation = env.reset(np.arange(3))
    observation.options.features[:] = 1e30
    observation.options.features[::2] = -1e30

    seen = translation.show(observation)[0].seen

    rows = [seen[0] if layout == "flat" else {key: value[0] for key, value in seen.items()}]
    assert all(row in translation.views[0].observation_space for row in rows)


def test_the_dict_layout_shows_candidates_as_rows_and_their_mask_beside_them(env):
    translation = Translation(SPEC, replace(CONFIG, cap=8, layout="dict", compress=False))
    observation = env.reset(np.arange(3))
    own = observation.options.features[: observation.options.offset[1]].copy()

    seen = translation.show(observation)[0].seen

    np.testing.assert_array_equal(seen["observations"][0, : len(own)], own)
    assert seen["action_mask"][0].sum() == len(own) < 8


def test_actions_of_every_kind_land_in_the_columns_of_their_agents():
    env = Meadow(MIXED, 2)
    translation = Translation(env.spec, AdapterConfig())
    shown = translation.show(env.reset(np.arange(2)))
    dogs = np.array([[2, 1], [0, 1]])
    sheep = np.array([0, 1, 2, 3, 2, 1])
    clouds = np.array([[-1.0, 0.5], [0.0, 0.25], [1.0, 0.5], [2.0, 0.25]], np.float32)

    action = translation.action(shown, (dogs, sheep, clouds), 2)

    np.testing.assert_array_equal(action.choice[:, :, 0], [[2, 0, 1, 2, 0, 0], [0, 3, 2, 1, 0, 0]])
    np.testing.assert_array_equal(action.choice[:, 0, 1], [1, 1])
    np.testing.assert_array_equal(action.value[:, 4:], clouds.reshape(2, 2, 2))
    assert not action.value[:, :4].any()
