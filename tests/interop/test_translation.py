# SPDX-License-Identifier: MIT
"""Spaces, rewards and actions say the same as the batch contract."""

from dataclasses import replace

import numpy as np
import pytest

from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical
from flyball.interop import AdapterConfig, Translation
from flyball.worlds.jobshop import SPEC, JobShop
from tests.interop.shops import small

CONFIG = AdapterConfig(cap=4, weights={"makespan_h": 2.0, "setup_h": 1.0})


@pytest.fixture
def env():
    return JobShop(small(3), 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cap": 1}, "cap: 1; allowed: at least 2"),
        ({"layout": "flta"}, "layout: 'flta'; .* did you mean 'flat'"),
        ({"weights": {"makespan": 1.0}}, "weights: 'makespan'; .* did you mean 'makespan_h'"),
        ({"keep_by": "atc_gpa"}, "keep_by: 'atc_gpa'; .* did you mean 'atc_gap'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(changes, message):
    with pytest.raises(ConfigError, match=message):
        Translation(SPEC, replace(CONFIG, **changes))


def test_a_world_without_candidates_is_refused():
    kind = replace(SPEC.kinds[0], heads=(Categorical("turn", 2),))

    with pytest.raises(ConfigError, match=r"1 agents with heads turn; .*one options head"):
        Translation(replace(SPEC, kinds=(kind,)), CONFIG)


def test_the_reward_is_minus_the_weighted_sum_of_what_is_to_be_minimised(env):
    translation = Translation(SPEC, CONFIG)
    padded = translation.pad(env.reset(np.arange(3)))

    step = env.step(translation.action(padded, np.zeros(3, dtype=np.int64)))

    cost = step.reward[:, 0, :]
    np.testing.assert_array_equal(translation.reward(step), -(2.0 * cost[:, 1] + cost[:, 2]))
    assert np.all(cost[:, 1] > 0)


@pytest.mark.parametrize("slot", [-1, 4, 1000])
def test_a_slot_out_of_range_reaches_the_world_as_an_illegal_choice(env, slot):
    translation = Translation(SPEC, CONFIG)
    padded = translation.pad(env.reset(np.arange(3)))

    step = env.step(translation.action(padded, np.array([0, slot, 0])))

    np.testing.assert_array_equal(step.illegal[:, 0], [0, 1, 0])


@pytest.mark.parametrize("layout", ["flat", "dict"])
@pytest.mark.parametrize("compress", [True, False])
def test_what_is_seen_lies_in_the_space_however_large_a_feature_is(env, layout, compress):
    translation = Translation(SPEC, replace(CONFIG, layout=layout, compress=compress))
    observation = env.reset(np.arange(3))
    observation.options.features[:] = 1e30
    observation.options.features[::2] = -1e30

    seen = translation.seen(translation.pad(observation))

    rows = [seen[0] if layout == "flat" else {key: value[0] for key, value in seen.items()}]
    assert all(row in translation.observation_space for row in rows)


def test_the_dict_layout_shows_candidates_as_rows_and_their_mask_beside_them(env):
    translation = Translation(SPEC, replace(CONFIG, cap=8, layout="dict", compress=False))
    observation = env.reset(np.arange(3))
    own = observation.options.features[: observation.options.offset[1]].copy()

    seen = translation.seen(translation.pad(observation))

    np.testing.assert_array_equal(seen["observations"][0, : len(own)], own)
    assert seen["action_mask"][0].sum() == len(own) < 8
