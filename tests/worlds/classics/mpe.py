# SPDX-License-Identifier: MIT
"""Plays mpe2's own environments, where it is installed, and ours from the same start.

`pip install mpe2==1.1.1`
"""

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make

N_STEPS = 25

MODULES = {
    "spread": "mpe2.simple_spread_v3",
    "speaker-listener": "mpe2.simple_speaker_listener_v4",
}


def peer(name, **settings):
    """Return mpe2's environment without the wrappers, or skip the test."""
    module = pytest.importorskip(MODULES[name], reason="mpe2 1.1.1 is not installed")
    return module.raw_env(max_cycles=N_STEPS + 1, **settings)


def start_peer(env, seed, crowding):
    """Start an episode, everything `crowding` times nearer to the middle; return it as a dict."""
    env.reset(seed=seed)
    world = env.world
    for thing in world.entities:
        thing.state.p_pos = thing.state.p_pos * crowding
    goal = getattr(world.agents[0], "_goal_b", None)
    return {
        "goal": [world.landmarks.index(goal)] if goal is not None else [],
        "agents": places(world.agents),
        "landmarks": places(world.landmarks),
    }


def places(things):
    return np.concatenate([thing.state.p_pos for thing in things]).tolist()


def step_peer(env, actions):
    """Move mpe2's environment; return what it then is, gives and shows."""
    for action in actions:
        env.step(action)
    world = env.world
    return {
        "agents": places(world.agents),
        "speed": np.concatenate([agent.state.p_vel for agent in world.agents]).tolist(),
        "reward": [float(env.rewards[name]) for name in env.possible_agents],
        "see": [
            [float(f"{number:.9g}") for number in env.observe(name)] for name in env.possible_agents
        ],
    }


def start_ours(name, starts, **settings):
    """Return our environment with one row for each start, and its first observation."""
    env = make(name, len(starts), max_cycles=N_STEPS + 1, **settings)
    env.reset(np.arange(len(starts)))
    snapshot = env.snapshot()
    for row, start in enumerate(starts):
        n = len(start["agents"]) // 2
        real = snapshot["real"][row]
        real[:] = 0.0
        real[: 2 * n] = start["agents"]
        real[6 * n : 6 * n + len(start["landmarks"])] = start["landmarks"]
        snapshot["whole"][row, : len(start["goal"])] = start["goal"]
    return env, env.restore(snapshot)


def one_each(env, actions, continuous):
    """Return the Action of a list of rows of one action for each agent, padded."""
    n_envs, n_agents = len(actions), env.spec.n_agents
    choice = np.zeros((n_envs, n_agents, 0 if continuous else 1), np.int32)
    value = np.zeros((n_envs, n_agents, 5 if continuous else 0))
    for row, own in enumerate(actions):
        for agent, action in enumerate(own):
            if continuous:
                value[row, agent, : len(action)] = action
            else:
                choice[row, agent, 0] = action
    return Action(choice, value)


def agrees(real, step, row, truth):
    """Fail unless a row of ours is what mpe2 says: state to 1e-10, observations to 1e-6.

    `real` is the state of our row.
    """
    n = len(truth["agents"]) // 2
    ours = np.concatenate([real[: 4 * n], step.reward[row, :, 0]])
    theirs = np.array(truth["agents"] + truth["speed"] + truth["reward"])
    assert (abs(ours - theirs) <= 1e-10 * (1 + abs(theirs))).all()
    for agent, seen in enumerate(truth["see"]):
        ours = step.observation.obs[row, agent]
        assert (abs(ours[: len(seen)] - seen) <= 1e-6 * (1 + np.abs(seen))).all()
        assert not ours[len(seen) :].any()
