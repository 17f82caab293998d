# SPDX-License-Identifier: MIT
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flyball.core import random
from flyball.worlds.classics import draws
from flyball.worlds.classics.compiling import compiled

PARTS = st.integers(0, 2**62)


@compiled
def one(seed: int, episode: int, entity: int, event: int, stream: int) -> float:
    return draws.uniform(seed, episode, entity, event, stream)


@compiled
def bell(seed: int, entity: int) -> float:
    return draws.normal(seed, 1, entity, 2, 3)


@compiled
def whole(n: int, draw: float) -> int:
    return draws.below(n, draw)


@given(PARTS, PARTS, PARTS, PARTS, PARTS)
def test_a_compiled_draw_is_the_one_of_core(seed, episode, entity, event, stream):
    assert one(seed, episode, entity, event, stream) == random.uniform(
        seed, episode, entity, event, stream
    )


def test_normal_draws_have_mean_0_and_spread_1():
    sample = np.array([bell(seed, entity) for seed in range(100) for entity in range(200)])

    assert abs(sample.mean()) < 4 / np.sqrt(len(sample))
    assert abs(sample.std() - 1) < 0.02
    assert abs((np.abs(sample) < 1).mean() - 0.6827) < 0.015


@given(st.integers(1, 1000), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_whole_number_stays_below_its_bound(n, draw):
    assert 0 <= whole(n, draw) < n


def test_whole_numbers_are_as_likely():
    counts = np.bincount([whole(7, one(seed, 0, 0, 0, 0)) for seed in range(7000)], minlength=7)

    assert abs(counts - 1000).max() < 4 * np.sqrt(1000 * 6 / 7)
