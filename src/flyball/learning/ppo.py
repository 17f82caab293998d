# SPDX-License-Identifier: MIT
"""Proximal policy optimisation for masked categorical and options heads.

Schulman et al. (2017), arXiv:1707.06347, with the details that matter in practice (Huang et al.,
*The 37 implementation details of PPO*, 2022): orthogonal start, Adam epsilon 1e-5, advantages
standardised per minibatch, gradient norm clipped, stop on KL. Deviations: rewards are vectors,
weighted once; a return-based scale replaces reward clipping and is logged; a truncated episode
bootstraps from its last observation before the reset; the value loss is not clipped; the feature
normalisers stand still from collecting to learning.

Known good result: a bandit over options with distinct features and a two-state chain are solved to
their closed-form values within seconds (``tests/learning/test_ppo.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from flyball.core.batch import Doubles, Longs, Observation
from flyball.core.protocols import Env
from flyball.learning.acting import NetPolicy
from flyball.learning.arena import Arena, Decisions
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.collect import Tally, collect_steps, values
from flyball.learning.gae import gae
from flyball.learning.loss import clipped, descend, minibatches, set_rate, standardise
from flyball.learning.nets import Net
from flyball.learning.norm import ReturnScale
from flyball.learning.settings import require

STREAM_EPOCH = 1


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Settings of `PPO`; names as in Schulman et al. (2017), arXiv:1707.06347."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    n_steps: int = 128
    """Steps of every row in one iteration."""

    epochs: int = 3
    """Passes over the decisions of an iteration."""

    minibatch: int = 4096
    """Decisions in one gradient step."""

    clip: float = 0.2
    """Largest change of the probability ratio in one update, in (0, 1)."""

    gamma: float = 0.99
    """Discount per decision, in [0, 1]."""

    lam: float = 0.95
    """Trace decay of the advantage estimate, in [0, 1]."""

    rate: float = 3e-4
    """Learning rate of Adam at the start of the budget."""

    rate_end: float = 0.1
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    entropy: float = 0.0
    """Weight of the entropy bonus, nats."""

    value_weight: float = 0.5
    """Weight of the value loss."""

    gradient_clip: float = 0.5
    """Largest norm of a gradient."""

    target_kl: float = 0.03
    """An epoch is the last one once the KL estimate passes 1.5 times this, nats."""

    norm_iterations: int = 20
    """Iterations after which the feature normalisers stand still."""

    def __post_init__(self) -> None:
        require("ppo.clip", self.clip, "in (0, 1)", ok=0 < self.clip < 1, usual="0.1 to 0.3")
        require("ppo.gamma", self.gamma, "in [0, 1]", ok=0 <= self.gamma <= 1, usual="0.99 or 1")
        require("ppo.lam", self.lam, "in [0, 1]", ok=0 <= self.lam <= 1, usual="0.95")
        require("ppo.rate", self.rate, "above 0", ok=self.rate > 0, usual="1e-4 to 1e-3")
        least = min(self.n_steps, self.epochs, self.minibatch)
        require(
            "ppo.n_steps, epochs, minibatch",
            least,
            "at least 1",
            ok=least > 0,
            usual="128, 3, 4096",
        )


class PPO:
    """A run of PPO on one Env: `iterate` collects and learns once."""

    name = "ppo"

    def __init__(self, env: Env, net: Net, config: PPOConfig) -> None:
        n_agents = env.spec.n_agents
        self.env, self.net, self.config = env, net, config
        self.policy = NetPolicy(net)
        self.optimiser = torch.optim.Adam(net.parameters(), config.rate, eps=1e-5)
        self.arena = Arena(config.n_steps, env.n_envs, n_agents, net.sizes)
        self.scale = ReturnScale(env.n_envs * n_agents, config.gamma)
        self.observation: Observation = env.reset(np.arange(env.n_envs, dtype=np.int64))

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config = self.config
        set_rate(self.optimiser, config.rate * (1 - share * (1 - config.rate_end)))
        self.observation, tally = collect_steps(
            self.env,
            self.policy,
            self.arena,
            self.observation,
            n_steps=config.n_steps,
            weights=config.weights,
            seed=config.seed,
            first_step=iteration * config.n_steps,
        )
        advantage, target = self.estimate()
        figures = self.learn(advantage, target, iteration)
        if iteration < config.norm_iterations:
            self.net.learn_norm(self.arena.inputs(self.arena.decisions()))
        return self._figures(tally, figures)

    def estimate(self) -> tuple[Doubles, Doubles]:
        """Return advantage and value target (T*B*N,) of the arena, in scaled reward units."""
        arena, steps = self.arena, self.arena.n_steps
        reward = arena.reward[:steps].reshape(steps, -1)
        terminated = arena.terminated[:steps].reshape(steps, -1)
        truncated = arena.truncated[:steps].reshape(steps, -1)
        self.scale.learn(reward, terminated | truncated)
        value, next_value = values(self.policy, arena, self.observation)
        advantage = gae(
            reward / self.scale.std,
            value,
            next_value,
            terminated=terminated,
            truncated=truncated,
            gamma=self.config.gamma,
            lam=self.config.lam,
        )
        return advantage.ravel(), (advantage + value).ravel()

    def learn(self, advantage: Doubles, target: Doubles, iteration: int) -> dict[str, float]:
        """Take every gradient step of an iteration and return their mean figures."""
        config, rows = self.config, self.arena.decisions()
        sums = torch.zeros(5, dtype=torch.float64)
        n = 0
        for epoch in range(config.epochs):
            name = (config.seed, iteration, epoch, STREAM_EPOCH)
            kl = torch.zeros((), dtype=torch.float64)
            blocks = list(minibatches(rows, config.minibatch, *name))
            for block in blocks:
                watched = self.update(block, advantage, target)
                sums += watched
                kl += watched[0] / len(blocks)
                n += 1
            if float(kl) > 1.5 * config.target_kl:
                break
        names = ("kl", "clipped", "entropy_nats", "policy_loss", "value_loss")
        return dict(zip(names, (sums / max(1, n)).tolist(), strict=True))

    def update(self, rows: Longs, advantage: Doubles, target: Doubles) -> torch.Tensor:
        """Take one gradient step on the decisions at these arena rows; return (5,) figures."""
        batch = self.arena.minibatch(rows)
        terms = self.terms(batch, advantage[rows], target[rows])
        policy_loss, value_loss, entropy = terms[0], terms[1], terms[2]
        loss = policy_loss + self.config.value_weight * value_loss - self.config.entropy * entropy
        descend(loss, self.net, self.optimiser, self.config.gradient_clip)
        return torch.stack((terms[3], terms[4], entropy, policy_loss, value_loss)).detach().double()

    def terms(
        self, batch: Decisions, advantage: Doubles, target: Doubles
    ) -> tuple[torch.Tensor, ...]:
        """Return policy loss, value loss, entropy, KL and clipped share of a minibatch."""
        rows = self.net.normalise(batch.inputs)
        log_prob, entropy = self.net.terms(rows, batch.choice)
        gain = standardise(torch.from_numpy(advantage))
        policy = clipped(log_prob, batch.log_prob, gain, self.config.clip)
        error = self.net.value(rows) - torch.from_numpy(target)
        return policy.loss, 0.5 * (error**2).mean(), entropy.mean(), policy.kl, policy.clipped

    def _figures(self, tally: Tally, learned: dict[str, float]) -> dict[str, float]:
        return tally.figures() | learned | {"reward_scale": self.scale.std}

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        env = {f"env.{name}": array for name, array in self.env.snapshot().items()}
        scale = {
            "scale.carry": self.scale.carry.copy(),
            "scale.moments": self.scale.moments.copy(),
        }
        return learner_arrays(self.net, self.optimiser) | env | scale

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        env = {name[4:]: array for name, array in arrays.items() if name.startswith("env.")}
        self.observation = self.env.restore(env)
        self.scale.carry = arrays["scale.carry"].copy()
        self.scale.moments = arrays["scale.moments"].copy()
