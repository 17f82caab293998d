# SPDX-License-Identifier: MIT
"""Environments that nobody here wrote, with every habit that has broken a trainer before."""

import gymnasium
import numpy as np
from gymnasium import spaces

from flyball.core.batch import Action, Observation


class Road(gymnasium.Env):
    """A drawn number of steps; the end is drawn too: terminated, truncated, or both at once.

    It refuses actions outside of its space and steps after the end, and, with `reuses`, shows its
    buffer instead of a copy. The observation is (draw of the episode, steps so far, what the last
    action summed up to). `mask` says where the mask is told: "observation", "method", "info" or
    nowhere. Action k is legal where (k + steps) is no multiple of 3.
    """

    def __init__(self, action_space=None, mask=None, *, reuses=True):
        self.reuses = reuses
        self.action_space = spaces.Discrete(4) if action_space is None else action_space
        road = spaces.Box(-100.0, 100.0, (3,), np.float32)
        self.where = mask
        self.width = int(np.sum(getattr(self.action_space, "nvec", getattr(self, "n", 4))))
        told = {"road": road, "action_mask": spaces.MultiBinary(self.width)}
        self.observation_space = spaces.Dict(told) if mask == "observation" else road
        if mask == "method":
            self.action_masks = self.mask
        self.seen = np.zeros(3, np.float32)
        self.length = self.steps = 0
        self.ended = True

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self.length = int(self.np_random.integers(3, 9))
        self.end = int(self.np_random.integers(3))
        self.steps, self.ended = 0, False
        self.seen[:] = self.np_random.normal(), 0, 0
        return self.show(), self.told()

    def step(self, action):
        assert not self.ended, "a step after the end"
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.steps += 1
        self.ended = self.steps == self.length
        self.seen[1:] = self.steps, total(action)
        ends = (self.ended and self.end != 1, self.ended and self.end != 0)
        return self.show(), float(10 * self.seen[0] + self.steps), *ends, self.told()

    def mask(self):
        return (np.arange(self.width) + self.steps) % 3 != 0

    def show(self):
        seen = self.seen if self.reuses else self.seen.copy()
        if self.where == "observation":
            return {"road": seen, "action_mask": self.mask().astype(np.int8)}
        return seen

    def told(self):
        return {"action_mask": self.mask().astype(np.int8)} if self.where == "info" else {}


class Pack:
    """Two kinds of wolves by PettingZoo's rules, with what its rules leave open.

    Each wolf leaves at a drawn step, at first by terminating; those left at step 6 are truncated.
    Rewards are paid to wolves that have left too, the infos have a key that is no agent, and a
    wolf that leaves is shown something last.
    """

    possible_agents = ("alpha", "wolf_0", "wolf_1", "wolf_2")

    def __init__(self, *, state=True, patience=(1, 9)):
        self.metadata = {"name": "pack_v0", "render_modes": []}
        self.sees = {"alpha": spaces.Box(-9.0, 9.0, (2,)), "wolf": spaces.Discrete(5)}
        self.does = {
            "alpha": spaces.Tuple([spaces.Discrete(3, start=4), spaces.Box(-1.0, 1.0, (1,))]),
            "wolf": spaces.Discrete(2),
        }
        self.agents = []
        self.patience = patience
        self.has_state = state

    @property
    def unwrapped(self):
        return self

    def observation_space(self, agent):
        return self.sees[agent.split("_")[0]]

    def action_space(self, agent):
        return self.does[agent.split("_")[0]]

    def state(self):
        if not self.has_state:
            raise NotImplementedError
        return np.array([[self.steps, len(self.agents)]])

    def close(self):
        self.agents = []

    def reset(self, seed=None, options=None):  # noqa: ARG002
        if seed is not None:
            self.random = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.leaves = self.random.integers(*self.patience, len(self.agents))
        self.steps, self.said = 0, {}
        return self.show(), {agent: {} for agent in self.agents} | {"common": {"day": 1}}

    def show(self):
        shown = dict.fromkeys(self.agents, self.steps % 5)
        if "alpha" in shown:
            shown["alpha"] = np.array([self.steps, total(self.said.get("alpha", 0))])
        return shown

    def step(self, actions):
        assert list(actions) == self.agents, "an action of one that has left, or none"
        assert all(action in self.action_space(agent) for agent, action in actions.items())
        self.said = actions
        self.steps += 1
        leaves = dict(zip(self.possible_agents, self.leaves, strict=True))
        over = {agent: self.steps >= leaves[agent] for agent in self.agents}
        cut = {agent: self.steps >= 6 and not over[agent] for agent in self.agents}
        seen, infos = self.show(), {agent: {} for agent in self.agents} | {"common": {}}
        reward = dict.fromkeys(self.possible_agents, 1.0)
        self.agents = [agent for agent in self.agents if not (over[agent] or cut[agent])]
        return seen, reward, over, cut, infos


def total(action):
    """Return the sum of every number in an action."""
    if isinstance(action, dict):
        return sum(total(part) for part in action.values())
    if isinstance(action, tuple):
        return sum(total(part) for part in action)
    return float(np.sum(action))


def act(env, choice=None, value=None):
    """Return an Action of one agent: (B, H) choices and (B, D) values."""
    b = env.n_envs
    choice = np.zeros((b, 0)) if choice is None else np.asarray(choice).reshape(b, -1)
    value = np.zeros((b, 0)) if value is None else np.asarray(value, dtype=float).reshape(b, -1)
    return Action(choice[:, None].astype(np.int32), value[:, None])


def copied(observation: Observation) -> dict[str, np.ndarray]:
    """Return copies of what an observation says."""
    names = ("obs", "state", "mask", "alive", "start")
    return {name: getattr(observation, name).copy() for name in names}


def same(one, other, rows=slice(None), without=()):
    """Assert that two observations say the same about some rows."""
    for name, own in copied(one).items():
        if name not in without:
            np.testing.assert_array_equal(own[rows], getattr(other, name)[rows], err_msg=name)
