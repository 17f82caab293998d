# SPDX-License-Identifier: MIT
import numpy as np

from flyball.learning.nets.rows import agent_index, inputs_of
from tests.learning.toys import Chain


def test_rows_run_through_the_agents_of_one_copy_before_the_next():
    assert agent_index(np.arange(6), 3).tolist() == [0, 1, 2, 0, 1, 2]


def test_every_agent_of_a_copy_reads_its_state():
    observation = Chain(2).reset(np.arange(2))
    observation.obs = np.repeat(observation.obs, 3, axis=1)
    observation.mask = np.repeat(observation.mask, 3, axis=1)
    observation.alive = np.ones((2, 3), np.bool_)
    observation.state = np.array([[1.0], [2.0]], np.float32)

    x = inputs_of(observation)

    assert x.obs.shape == (6, 2)
    assert x.state[:, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert x.agent.tolist() == [0, 1, 2, 0, 1, 2]
