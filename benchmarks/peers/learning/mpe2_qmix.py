# SPDX-License-Identifier: MIT
"""QMIX on mpe2's simple_spread in PyTorch, as a researcher would write it after EPyMARL.

One environment, whole episodes, a replay of 5,000 of them, and after every episode one gradient
step on 32. Agents share their weights and know their number; they have two layers, or with the
argument ``gru`` one layer and a GRU. The mixer has hypernetworks, the targets come from double
Q-learning and are copied every 200 steps. Where EPyMARL unrolls agents step by step, whole episodes
go through them at once here.
"""

import sys

import numpy as np
import torch
from answering import answer
from mpe2 import simple_spread_v3
from torch import nn
from torch.nn.functional import elu

CYCLES, WIDTH, EMBED, HYPER = 25, 64, 32, 64
BATCH, CAPACITY, GAMMA, TARGET_EVERY, FALL_STEPS = 32, 5000, 0.99, 200, 50_000


class Agent(nn.Module):
    """Values of every action from what one agent sees, or with a GRU from what it has seen."""

    def __init__(self, n_in, n_actions, *, remembers):
        super().__init__()
        self.first = nn.Linear(n_in, WIDTH)
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True) if remembers else None
        self.second = None if remembers else nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, n_actions)

    def forward(self, x, memory=None):
        """Return values (R, T, A) of sequences (R, T, I), and the memory after them."""
        out = torch.relu(self.first(x))
        if self.gru is None:
            return self.last(torch.relu(self.second(out))), None
        out, memory = self.gru(out, memory)
        return self.last(out), memory


class Mixer(nn.Module):
    """The team's value, monotone in each agent's."""

    def __init__(self, n_agents, n_state):
        super().__init__()
        self.n_agents = n_agents
        self.w1 = nn.Sequential(
            nn.Linear(n_state, HYPER), nn.ReLU(), nn.Linear(HYPER, n_agents * EMBED)
        )
        self.w2 = nn.Sequential(nn.Linear(n_state, HYPER), nn.ReLU(), nn.Linear(HYPER, EMBED))
        self.b1 = nn.Linear(n_state, EMBED)
        self.v = nn.Sequential(nn.Linear(n_state, EMBED), nn.ReLU(), nn.Linear(EMBED, 1))

    def forward(self, q, state):
        """Return (..., 1) of agents' values (..., N) and states (..., S)."""
        w1 = self.w1(state).abs().unflatten(-1, (self.n_agents, EMBED))
        hidden = elu((q.unsqueeze(-2) @ w1).squeeze(-2) + self.b1(state))
        return (hidden * self.w2(state).abs()).sum(-1, keepdim=True) + self.v(state)


class Learner:
    """Everything that learns, and the replay."""

    def __init__(self, *, remembers):
        self.env = simple_spread_v3.parallel_env(N=3, max_cycles=CYCLES)
        self.env.reset(seed=0)
        self.names = self.env.possible_agents
        self.n = len(self.names)
        n_obs = self.env.observation_space(self.names[0]).shape[0]
        self.n_actions = int(self.env.action_space(self.names[0]).n)
        self.index = np.eye(self.n, dtype=np.float32)
        n_state = self.n * n_obs
        sizes = (n_obs + self.n, self.n_actions)
        self.agent, self.target = (Agent(*sizes, remembers=remembers) for _ in range(2))
        self.mixer, self.target_mixer = (Mixer(self.n, n_state) for _ in range(2))
        self.parameters = [*self.agent.parameters(), *self.mixer.parameters()]
        self.adam = torch.optim.Adam(self.parameters, 5e-4)
        self.obs = torch.zeros(CAPACITY, CYCLES + 1, self.n, n_obs + self.n)
        self.choice = torch.zeros(CAPACITY, CYCLES, self.n, dtype=torch.long)
        self.reward = torch.zeros(CAPACITY, CYCLES)
        self.episodes = self.steps = self.updates = 0
        self.draws = np.random.default_rng(0)
        self.copy()

    def copy(self):
        """Copy the learned networks to the targets."""
        self.target.load_state_dict(self.agent.state_dict())
        self.target_mixer.load_state_dict(self.mixer.state_dict())

    def seen(self, obs):
        """Return what the agents see, and which they are."""
        return np.concatenate([np.stack([obs[name] for name in self.names]), self.index], -1)

    @torch.no_grad()
    def play(self):
        """Play one episode and store it."""
        slot, memory = self.episodes % CAPACITY, None
        obs, _ = self.env.reset()
        for t in range(CYCLES):
            now = torch.from_numpy(self.seen(obs))
            self.obs[slot, t] = now
            q, memory = self.agent(now[:, None], memory)
            choice = q[:, 0].argmax(-1).numpy()
            epsilon = max(0.05, 1.0 - 0.95 * self.steps / FALL_STEPS)
            random = self.draws.random(self.n) < epsilon
            choice = np.where(random, self.draws.integers(self.n_actions, size=self.n), choice)
            actions = {name: int(a) for name, a in zip(self.names, choice, strict=True)}
            obs, reward, _, _, _ = self.env.step(actions)
            self.choice[slot, t] = torch.from_numpy(choice)
            self.reward[slot, t] = sum(reward.values()) / self.n
            self.steps += 1
        self.obs[slot, CYCLES] = torch.from_numpy(self.seen(obs))
        self.episodes += 1

    def learn(self):
        """Take one gradient step on a batch of episodes."""
        rows = torch.from_numpy(self.draws.integers(min(self.episodes, CAPACITY), size=BATCH))
        obs, choice, reward = self.obs[rows], self.choice[rows], self.reward[rows]
        state = obs[..., : -self.n].flatten(2)
        sequences = obs.transpose(1, 2).flatten(0, 1)

        def values(agent):
            return agent(sequences)[0].view(BATCH, self.n, CYCLES + 1, -1).transpose(1, 2)

        q = values(self.agent)
        chosen = q[:, :-1].gather(-1, choice[..., None])[..., 0]
        value = self.mixer(chosen, state[:, :-1])[..., 0]
        with torch.no_grad():
            best = q[:, 1:].argmax(-1, keepdim=True)
            ahead = values(self.target)[:, 1:].gather(-1, best)[..., 0]
            # The end of an episode is a time limit here, so every step has a value ahead.
            goal = reward + GAMMA * self.target_mixer(ahead, state[:, 1:])[..., 0]
        loss = (value - goal).square().mean()
        self.adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 10.0)
        self.adam.step()
        self.updates += 1
        if self.updates % TARGET_EVERY == 0:
            self.copy()

    def train(self, episodes):
        """Play and learn; return the steps taken."""
        for _ in range(episodes):
            self.play()
            if self.episodes >= BATCH:
                self.learn()
        return episodes * CYCLES


def main() -> None:
    """Fill the first batch and answer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    learner = Learner(remembers=sys.argv[1:] == ["gru"])
    learner.train(BATCH + 8)
    answer(learner.train)


if __name__ == "__main__":
    sys.exit(main())
