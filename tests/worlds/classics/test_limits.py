# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make
from flyball.worlds.classics.catalogue import NAMES
from flyball.worlds.classics.limits import LIMITS
from tests.worlds.classics.play import wished


@pytest.mark.parametrize("name", NAMES)
def test_no_limit_is_needed_because_no_wish_can_do_harm(name):
    """Choices far out of range, infinite values and NaN are replaced, counted, and survived."""
    env = make(name, 4)
    env.reset(np.arange(4))
    rng = np.random.default_rng(0)
    wild = np.array([np.nan, np.inf, -np.inf, 1e300])
    for _ in range(30):
        action = wished(env, rng)
        choice = rng.integers(-(2**31), 2**31, action.choice.shape).astype(np.int32)

        step = env.step(Action(choice, rng.choice(wild, action.value.shape)))

        assert np.isfinite(step.observation.obs).all()
        assert np.isfinite(step.reward).all()
        assert (step.illegal > 0).all()
    assert LIMITS == ()
