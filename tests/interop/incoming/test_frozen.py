# SPDX-License-Identifier: MIT
"""An environment goes on where it was, wrappers and all, or says that it cannot."""

import threading

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import EzPickle
from gymnasium.wrappers import TimeLimit, TransformObservation

from flyball.core.errors import ConfigError
from flyball.interop.incoming.frozen import freeze, thaw
from tests.interop.incoming.foreign import Road


class Forgetful(EzPickle, Road):
    """Loses its episode where it is pickled, as MuJoCo's and Box2D's do."""

    def __init__(self, action_space=None):
        EzPickle.__init__(self, action_space)
        Road.__init__(self, action_space)


def made(kind=Forgetful):
    env = kind()
    env = TransformObservation(env, lambda seen: seen * 2, env.observation_space)
    return TimeLimit(env, 100)


def play(env, steps):
    """Return everything that `steps` steps show, resetting where an episode ends."""
    shown = []
    for k in range(steps):
        seen, reward, over, cut, _ = env.step(k % 4)
        shown.append((seen.tolist(), reward, over, cut))
        if over or cut:
            shown.append(env.reset()[0].tolist())
    return shown


def test_it_goes_on_bit_for_bit_in_the_same_objects():
    env = made()
    env.reset(seed=3)
    play(env, 7)
    frozen = freeze([env], "x")
    want = play(env, 40)
    inner, random = env.unwrapped, env.unwrapped.np_random

    thaw(frozen, [env])

    assert env.unwrapped is inner
    assert env.unwrapped.np_random is not random
    assert play(env, 40) == want


def test_a_fresh_copy_goes_on_where_the_first_was():
    env, other = made(), made()
    env.reset(seed=3)
    play(env, 7)
    other.reset(seed=99)

    thaw(freeze([env], "x"), [other])

    assert other.unwrapped is not env.unwrapped
    assert play(other, 40) == play(env, 40)


def test_what_layers_share_stays_shared():
    env = made()
    env.reset(seed=0)
    env.shelf = env.unwrapped.shelf = [1]
    frozen = freeze([env], "x")

    thaw(frozen, [env])

    assert env.shelf is env.unwrapped.shelf
    assert env.shelf == [1]


def test_what_came_later_is_gone_again():
    env = made()
    env.reset(seed=0)
    frozen = freeze([env], "x")
    env.unwrapped.added = 1

    thaw(frozen, [env])

    assert not hasattr(env.unwrapped, "added")


@pytest.mark.parametrize(
    ("thing", "why"), [(threading.Lock(), "lock"), ((k for k in "abc"), "generator")]
)
def test_what_cannot_be_copied_is_named(thing, why):
    env = made()
    env.unwrapped.thing = thing

    with pytest.raises(
        ConfigError, match=rf"x: state that cannot be copied: Forgetful\.thing .*{why}"
    ):
        freeze([env], "x")


def test_a_window_is_left_as_it_is():
    def refuse(_self, _protocol):
        raise TypeError

    surface = type("Surface", (), {"__module__": "pygame.surface", "__reduce_ex__": refuse})
    env, other = made(), made()
    for each in (env, other):
        each.reset(seed=1)
        each.unwrapped.screen = surface()
    screen = other.unwrapped.screen

    thaw(freeze([env], "x"), [other])

    assert other.unwrapped.screen is screen


def test_other_wrappers_than_before_are_refused():
    frozen = freeze([made()], "x")

    with pytest.raises(ConfigError, match="3 layers of environments and wrappers; allowed: 1"):
        thaw(frozen, [Forgetful()])


def test_it_is_plain_bytes():
    frozen = freeze([made(Road)], "x")

    assert frozen.dtype == np.uint8
    assert frozen.ndim == 1
    assert isinstance(made(Road), gymnasium.Env)
