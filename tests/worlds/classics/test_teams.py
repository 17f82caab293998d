# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.core.spec import Categorical, TanhGaussian
from flyball.worlds.classics import make, scenario

CASES = (
    ("spread", {}),
    ("spread", {"n_agents": 1}),
    ("spread", {"n_agents": 5, "continuous": True}),
    ("speaker-listener", {}),
    ("speaker-listener", {"continuous": True, "channel": "cut"}),
    ("foraging", {}),
    ("foraging", {"n_players": 4, "n_foods": 3, "size": 6, "coop": False, "sight": 1}),
    ("foraging", {"sight": 5}),
)


@pytest.mark.parametrize(
    ("name", "settings", "where"),
    [
        ("spread", {"n_agents": 0}, "spread.n_agents"),
        ("spread", {"n_agents": True}, "spread.n_agents"),
        ("spread", {"n_agents": 3.0}, "spread.n_agents"),
        ("spread", {"local_ratio": 1.5}, "spread.local_ratio"),
        ("spread", {"local_ratio": float("nan")}, "spread.local_ratio"),
        ("spread", {"local_ratio": "half"}, "spread.local_ratio"),
        ("spread", {"max_cycles": 0}, "spread.max_cycles"),
        ("spread", {"continuous": 1}, "spread.continuous"),
        ("speaker-listener", {"channel": "shut"}, "speaker-listener.channel"),
        ("speaker-listener", {"max_cycles": -1}, "speaker-listener.max_cycles"),
        ("foraging", {"size": 4}, "foraging.size"),
        ("foraging", {"n_players": 1}, "foraging.n_players"),
        ("foraging", {"n_foods": 5}, "foraging.n_foods"),
        ("foraging", {"sight": 9}, "foraging.sight"),
        ("foraging", {"max_level": 0}, "foraging.max_level"),
        ("foraging", {"penalty": -0.1}, "foraging.penalty"),
        ("foraging", {"max_steps": 0}, "foraging.max_steps"),
        ("foraging", {"coop": "yes"}, "foraging.coop"),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_is_allowed(name, settings, where):
    with pytest.raises(ConfigError) as caught:
        scenario(name, **settings)

    problem = caught.value.problems[0]
    assert problem.where == where
    assert problem.allowed
    assert problem.fix


def random_action(env, rng):
    """Return choices of any head, and values of the whole range."""
    n_envs, n_agents = env.n_envs, env.spec.n_agents
    discrete = isinstance(env.spec.kinds[0].heads[0], Categorical)
    widest = max(head.n for kind in env.spec.kinds for head in kind.heads) if discrete else 0
    depth = 0 if discrete else max(len(kind.heads) for kind in env.spec.kinds)
    choice = rng.integers(0, max(widest, 1), (n_envs, n_agents, int(discrete)))
    return Action(choice.astype(np.int32), rng.random((n_envs, n_agents, depth)))


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_everything_seen_lies_in_the_range_that_the_spec_names(name, settings):
    env, rng = make(name, 64, **settings), np.random.default_rng(0)
    seen = env.reset(np.arange(64))
    bounds = np.zeros((env.spec.n_agents, seen.obs.shape[2], 2))
    agent = 0
    for kind in env.spec.kinds:
        for each in range(kind.count):
            rows = [(feature.low, feature.high) for feature in kind.features]
            bounds[agent + each, : len(rows)] = rows
        agent += kind.count
    low, high = np.array([(each.low, each.high) for each in env.spec.state]).T

    for _ in range(30):
        assert (seen.obs >= bounds[..., 0] - 1e-6).all()
        assert (seen.obs <= bounds[..., 1] + 1e-6).all()
        assert (seen.state >= low - 1e-6).all()
        assert (seen.state <= high + 1e-6).all()
        seen = env.step(random_action(env, rng)).observation


def test_ranges_of_foraging_are_as_tight_as_what_is_seen():
    env, rng = make("foraging", 200, sight=2), np.random.default_rng(0)
    seen = env.reset(np.arange(200))
    low = np.array([feature.low for feature in env.spec.kinds[0].features])
    high = np.array([feature.high for feature in env.spec.kinds[0].features])
    least, most = high.copy(), low.copy()

    for _ in range(60):
        least = np.minimum(least, seen.obs.min((0, 1)))
        most = np.maximum(most, seen.obs.max((0, 1)))
        seen = env.step(random_action(env, rng)).observation

    # Levels of oneself are never 0; all else is reached.
    reached = np.array([not f.name.endswith("level") for f in env.spec.kinds[0].features])
    np.testing.assert_array_equal(least[reached], low[reached])
    np.testing.assert_array_equal(most, high)


def test_continuous_versions_have_one_head_for_each_push_and_word():
    spec = scenario("speaker-listener", continuous=True).spec

    speaker, listener = spec.kinds

    assert [len(speaker.heads), len(listener.heads)] == [3, 5]
    for head in speaker.heads + listener.heads:
        assert isinstance(head, TanhGaussian)
        assert (head.low, head.high) == (0.0, 1.0)
