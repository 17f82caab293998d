# SPDX-License-Identifier: MIT
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.random import GOLDEN, bits, generator, mix, uniform

WORDS = st.integers(0, 2**63 - 1)
PATHS = st.lists(WORDS, min_size=1, max_size=5)


def chi_square(counts):
    """Return by how many standard deviations counts differ from equal shares."""
    expected = counts.sum() / len(counts)
    degrees = len(counts) - 1
    return (float(((counts - expected) ** 2 / expected).sum()) - degrees) / (2 * degrees) ** 0.5


# First outputs of the reference splitmix64.c (Vigna, public domain) from three states.
@pytest.mark.parametrize(
    ("seed", "first"),
    [
        (0, 0xE220A8397B1DCDAF),
        (1234567, 6457827717110365317),
        (GOLDEN, 0x6E789E6AA1B965F4),  # the second output from state 0
    ],
)
def test_a_name_of_one_word_gives_the_published_value_of_splitmix64(seed, first):
    assert int(bits(seed)) == first


def test_a_longer_name_mixes_each_word_into_what_came_before():
    step = (int(bits(3)) + 5 + GOLDEN) % 2**64

    assert int(bits(3, 5)) == int(mix(np.array(step, dtype=np.uint64)))


@given(PATHS)
def test_a_uniform_draw_lies_strictly_between_0_and_1(path):
    draw = float(uniform(*path))

    assert 0.0 < draw < 1.0


@pytest.mark.parametrize(
    ("word", "draw"), [(0, 2.0**-53), (2**64 - 1, 1 - 2.0**-53)], ids=["least", "greatest"]
)
def test_even_the_extreme_words_give_neither_0_nor_1(monkeypatch, word, draw):
    monkeypatch.setattr("flyball.core.random.bits", lambda *_: np.array(word, dtype=np.uint64))

    assert float(uniform(0)) == draw
    assert 0.0 < draw < 1.0


@given(st.lists(PATHS, min_size=1, max_size=6), st.integers(1, 6))
def test_a_draw_does_not_depend_on_the_batch_it_is_made_in(paths, width):
    names = [path[0] for path in paths]
    events = np.arange(width)

    together = bits(np.array(names, dtype=np.uint64)[:, None], events, 7)

    assert together.shape == (len(names), width)
    alone = [[int(bits(name, event, 7)) for event in range(width)] for name in names]
    assert together.tolist() == alone


def test_the_order_of_the_words_matters():
    assert int(bits(1, 2)) != int(bits(2, 1))
    assert int(bits(1)) != int(bits(1, 0))
    assert int(bits(0, 1)) != int(bits(1))


def test_no_two_of_many_names_share_their_bits():
    number = np.arange(50)
    drawn = bits(number[:, None, None], number[:, None], number)

    assert len(np.unique(drawn)) == 50**3


@pytest.mark.parametrize("place", range(5))
def test_draws_along_each_word_of_the_name_are_uniform(place):
    name = [11, 0, 3, 5, 1]
    name[place] = np.arange(100_000)

    counts = np.bincount((uniform(*name) * 256).astype(np.int64), minlength=256)

    assert abs(chi_square(counts)) < 4


def test_neighbouring_streams_are_independent():
    event = np.arange(100_000)
    one = (uniform(5, event, 0) * 16).astype(np.int64)
    other = (uniform(5, event, 1) * 16).astype(np.int64)

    assert abs(chi_square(np.bincount(16 * one + other, minlength=256))) < 4


def test_a_generator_repeats_its_draws_under_the_same_name_only():
    first = generator(1, 2).random(8)

    np.testing.assert_array_equal(first, generator(1, 2).random(8))
    assert not np.any(first == generator(1, 3).random(8))
    assert not np.any(first == generator(2, 2).random(8))
