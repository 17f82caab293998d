# SPDX-License-Identifier: MIT
"""PettingZoo's own tests, and the same episode as Gymnasium sees it."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from flyball.interop import SingleEnv, adapter_config
from flyball.interop.parallel import OneAgentEnv
from flyball.worlds.jobshop import JobShop
from tests.interop.shops import small

SHOPS = small(3)


def make(layout="dict"):
    return OneAgentEnv(JobShop(SHOPS, 1), adapter_config(SHOPS, {"layout": layout}))


@pytest.mark.parametrize("layout", ["dict", "flat"])
def test_pettingzoo_has_nothing_to_say_against_it(layout, capsys):
    parallel_api_test(make(layout), num_cycles=200)

    assert "Passed Parallel API test" in capsys.readouterr().out


def test_two_copies_with_one_seed_agree_over_whole_episodes():
    parallel_seed_test(make, num_cycles=100)


def test_it_plays_what_the_single_environment_plays():
    env = make()
    single = SingleEnv(JobShop(SHOPS, 1), adapter_config(SHOPS, {"layout": "dict"}))
    seen, infos = env.reset(seed=2)
    other, _ = single.reset(seed=2)
    steps = 0

    while env.agents:
        np.testing.assert_array_equal(seen["dispatcher"]["observations"], other["observations"])
        seen, rewards, terminated, _, infos = env.step({"dispatcher": 0})
        other, reward, ended, _, info = single.step(0)
        assert (rewards["dispatcher"], terminated["dispatcher"]) == (reward, ended)
        steps += 1

    assert steps > 5
    assert infos["dispatcher"]["outcome"] == info["outcome"]
