# SPDX-License-Identifier: MIT
"""Plays a problem for tests: against its twin, with a policy, with random wishes."""

import numba
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make
from tests.worlds.classics.reference import played

needs_compiler = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT),
    reason="takes minutes where the compiler is off; test_env plays the same rows",
)


def wished(env, rng, *, stray=0):
    """Return random choices, up to `stray` out of range on either side, and values in [-1, 1]."""
    n, spec = env.n_envs, env.spec
    sizes = [[head.n for head in kind.heads if hasattr(head, "n")] for kind in spec.kinds]
    n_heads = max(map(len, sizes))
    widths = [max(own[h] for own in sizes if h < len(own)) for h in range(n_heads)]
    n_values = max(len(kind.heads) - len(own) for kind, own in zip(spec.kinds, sizes, strict=True))
    choice = np.zeros((n, spec.n_agents, n_heads), np.int32)
    for h, width in enumerate(widths):
        choice[:, :, h] = rng.integers(-stray, width + stray, (n, spec.n_agents))
    return Action(choice, rng.uniform(-1, 1, (n, spec.n_agents, n_values)))


def same_as_twin(twin_of, widths, name, *, n_steps=400, **settings):
    """Play three rows of a problem beside their twins, illegal wishes included; return the ends."""
    env = make(name, 3, **settings)
    rng = np.random.default_rng(1)
    seeds = np.array([5, 0, 9])
    first = env.reset(seeds)
    wishes = [wished(env, rng, stray=1).choice for _ in range(n_steps)]
    limit = env.scenario.time_limit
    rows = [
        played(twin_of(), int(seed), limit, widths, [wish[row] for wish in wishes])
        for row, seed in enumerate(seeds)
    ]
    for row, seed in enumerate(seeds):
        twin = twin_of()
        twin.start(int(seed), 0)
        assert near(first.obs[row], twin.see(0)[0])
    ends = 0
    for wish in wishes:
        step = env.step(Action(wish, np.zeros((3, env.spec.n_agents, 0))))
        for row, moments in enumerate(rows):
            same(step, row, next(moments))
        ends += int((step.terminated | step.truncated).sum())
    return ends


def near(ours, twins):
    """Say whether two arrays agree to the precision of an observation; much faster than numpy's."""
    twins = np.asarray(twins)
    return ours.shape == twins.shape and bool((abs(ours - twins) <= 1e-6 * (1 + abs(twins))).all())


def same(step, row, moment):
    """Compare one row of a step with its twin's moment."""
    assert near(step.observation.obs[row], moment.obs)
    assert near(step.observation.state[row], moment.state)
    assert near(step.final.obs[row], moment.final)
    assert near(step.reward[row], moment.reward)
    assert near(step.outcome[row], moment.outcome)
    assert step.observation.mask[row].tolist() == moment.mask.tolist()
    assert step.terminated[row] == moment.terminated
    assert step.truncated[row] == moment.truncated
    assert step.observation.start[row] == (moment.terminated or moment.truncated)
    assert step.illegal[row].tolist() == moment.illegal
    assert step.applied.choice[row].tolist() == moment.applied


def mean_outcome(name, policy, **settings):
    """Return the mean KPIs (Q,) of one episode a row, and the illegal actions in them."""
    outcome, illegal = outcomes(name, policy, **settings)
    return outcome.mean(0), illegal


def outcomes(name, policy, *, n_envs=128, first_seed=1000, **settings):
    """Return the KPIs (B, Q) of one episode a row, and the illegal actions in them."""
    env = make(name, n_envs, **settings)
    observation = env.reset(np.arange(first_seed, first_seed + n_envs))
    memory = policy.initial(n_envs)
    outcome = np.full((n_envs, 2), np.nan)
    illegal = call = 0
    while np.isnan(outcome).any():
        action, _, memory = policy.act(observation, memory, (3, call))
        step = env.step(action)
        ended = (step.terminated | step.truncated) & np.isnan(outcome[:, 0])
        outcome[ended] = step.outcome[ended]
        illegal += int(step.illegal.sum())
        observation, call = step.observation, call + 1
    return outcome, illegal
