# SPDX-License-Identifier: MIT
import itertools

import numpy as np

from flyball.core.batch import Action
from flyball.learning.experience.arena import Arena, gather_options
from flyball.policies import sizes_of
from tests.learning.toys import Chain, Queue


def test_stored_options_come_back_row_by_row_though_the_arena_had_to_grow():
    env = Queue(5, width=3)
    arena = Arena(2, 5, sizes_of(env.spec))
    first = Action(np.zeros((5, 1, 1), np.int32), np.zeros((5, 1, 0)))
    seen, observation = [], env.reset(np.arange(5))
    for t in range(40):
        arena.store(observation, observation.alive)
        arena.choice[t] = t
        offset = observation.options.offset
        seen += [observation.options.features[a:b].copy() for a, b in itertools.pairwise(offset)]
        observation = env.step(first).observation

    rows = np.array([7, 199, 0, 42, 42])
    batch = arena.minibatch(rows)

    offset = batch.inputs.offset.numpy()
    for k, row in enumerate(rows):
        own = batch.inputs.features.numpy()[offset[k] : offset[k + 1]]
        np.testing.assert_array_equal(own, seen[row])
    assert batch.taken.choice[:, 0].tolist() == [1, 39, 0, 8, 8]


def test_only_what_counts_is_a_decision():
    env = Chain(3)
    arena = Arena(4, 3, sizes_of(env.spec))
    observation = env.reset(np.arange(3))
    arena.store(observation, np.array([[True], [False], [True]]))
    arena.store(observation, np.array([[False], [False], [True]]))

    rows = arena.decisions()

    assert rows.tolist() == [0, 2, 5]
    np.testing.assert_array_equal(arena.inputs(rows).obs.numpy(), observation.obs[[0, 2, 2], 0])
    np.testing.assert_array_equal(arena.inputs(rows).mask.numpy(), observation.mask[[0, 2, 2], 0])


def test_a_cleared_arena_starts_anew():
    env = Chain(3)
    arena = Arena(1, 3, sizes_of(env.spec))
    observation = env.reset(np.arange(3))
    arena.store(observation, observation.alive)
    arena.clear()

    assert arena.decisions().size == 0
    assert arena.store(observation, observation.alive) == 0


def test_gathering_a_row_without_options_leaves_it_empty():
    features = np.arange(6, dtype=np.float32).reshape(3, 2)

    found, offset = gather_options(features, np.array([0, 2, 2, 3]), np.array([1, 2, 1]))

    assert offset.tolist() == [0, 0, 1, 1]
    assert found.tolist() == [[4.0, 5.0]]
