# SPDX-License-Identifier: MIT
"""Improvement by comparison: many rows play one scenario, and the better ones are copied.

With ``signal="whole"`` every decision of a trajectory has the advantage (own utility - group mean)
/ group deviation in PPO's clipped loss: no critic, no discount, as in POMO (Kwon et al.,
arXiv:2010.16011) and GRPO (Shao et al., arXiv:2402.03300). With ``signal="to_go"`` the utility
still to come after a decision stands in for the whole, compared with what the group had still to
come at the same step: what is past adds no noise. With ``signal="best"`` the policy imitates the
group's best trajectory: self-labelling (Corsini et al., arXiv:2401.11849).

Known good result: a bandit over options is solved to its optimum
(``tests/learning/test_improve.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch

from flyball.core.batch import Bools, Doubles, Observation
from flyball.core.protocols import Env
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.experience.arena import Arena, Decisions
from flyball.learning.experience.collect import Played, collect_episodes
from flyball.learning.loss import clipped
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Net
from flyball.learning.settings import EPISODE_STRIDE, check, require

STREAM_EPOCH = 5


@dataclass(frozen=True, kw_only=True)
class ImproveConfig:
    """Settings of `Improve`."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    group: int = 8
    """Rows that play the same scenario, at least 2; it divides B."""

    signal: Literal["to_go", "whole", "best"] = "to_go"
    """What is learned from a group."""

    first_scenario: int = 0
    """Seed of the first group in iteration 0; every iteration takes the next B / group seeds."""

    scenarios: int | None = None
    """Seeds start again after this many; None: never."""

    epochs: int = 2
    """Passes over the decisions of an iteration."""

    minibatch: int = 512
    """Decisions in one gradient step."""

    clip: float = 0.2
    """Largest change of the probability ratio in one update, in (0, 1)."""

    spread: float = 0.3
    """Entropy of the choices at the start, as a share of the largest possible, in (0, 1).

    Iteration 0 only plays, and finds the temperature that gives it. A policy that imitates is so
    sure of itself that rows of one scenario would hardly differ; on a small shop 0.02 improved the
    policy by 1 % in 24 iterations, 0.3 by 14 %.
    """

    rate: float = 1e-2
    """Learning rate of Adam at the start of the budget."""

    rate_end: float = 0.1
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    entropy: float = 0.0
    """Weight of the entropy bonus, nats."""

    gradient_clip: float = 0.5
    """Largest norm of a gradient."""

    target_kl: float = 0.1
    """An epoch is the last one once the KL estimate passes 1.5 times this, nats."""

    def __post_init__(self) -> None:
        require("improve.group", self.group, "at least 2", ok=self.group >= 2, usual="8 to 32")
        check(
            "improve",
            self,
            {
                "in (0, 1)": ("clip", "spread"),
                "in [0, 1]": ("rate_end",),
                "above 0": ("rate",),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "first_scenario", "entropy", "target_kl"),
                "at least 1": ("scenarios", "epochs", "minibatch"),
            },
            {"signal": ("to_go", "whole", "best")},
        )


class Improve:
    """A run of group comparison on one Env: `iterate` plays every row once and learns from it."""

    name = "improve"

    def __init__(self, env: Env, net: Net, config: ImproveConfig) -> None:
        whole = env.n_envs % config.group == 0
        require("improve.group", config.group, f"a divisor of {env.n_envs}", ok=whole, usual="16")
        found, allowed = f"{net.sizes.n_values} continuous values", "choices and options"
        require("improve", found, allowed, ok=not net.sizes.n_values, usual="ppo for others")
        require("improve", "a network with memory", "one without", ok=not net.n_memory, usual="ppo")
        self.env, self.net, self.config = env, net, config
        self.policy = NetPolicy(net)
        self.optimiser = Adam([net.actor], config.rate)
        self.arena = Arena(64, env.n_envs, net.sizes)

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Play, compare, learn, and return what happened; `share` of the budget is spent."""
        config = self.config
        self.optimiser.rate = config.rate * (1 - share * (1 - config.rate_end))
        n_groups = self.env.n_envs // config.group
        seeds = np.arange(n_groups, dtype=np.int64) + iteration * n_groups
        if config.scenarios is not None:
            seeds %= config.scenarios
        seeds = np.repeat(seeds + config.first_scenario, config.group)
        empty = self.policy.initial(self.env.n_envs)

        def act(observation: Observation, step: int) -> Played:
            key = (config.seed, iteration * EPISODE_STRIDE + step)
            own = self.policy.sample(observation, empty, key)
            return Played(own.action, own.choice, own.latent, own.log_prob)

        played = collect_episodes(self.env, seeds, act, self.arena, config.weights)
        if iteration == 0:
            self.policy.temperature = self.temperature_for(config.spread)
            return played.tally.figures() | {"temperature": self.policy.temperature}
        utility = played.utility.reshape(n_groups, config.group)
        if config.signal == "to_go":
            merit = merits_to_go(self.arena.reward[: self.arena.n_steps].sum(-1), utility)
        else:
            whole = merits(utility, config.signal).ravel()
            merit = np.broadcast_to(whole, (self.arena.n_steps, len(whole)))
        return played.tally.figures() | self.learn(merit, iteration)

    def temperature_for(self, spread: float) -> float:
        """Return the temperature that gives the stored decisions this share of entropy."""
        rows = self.arena.decisions()
        rows = rows[:: 1 + len(rows) // 10_000]
        batch = self.arena.minibatch(rows)
        with torch.inference_mode():
            x = batch.through(self.net)

            def entropy(temperature: float) -> float:
                return float(self.net.terms(x, batch.taken, temperature)[1].mean())

            wanted = spread * entropy(1e9)
            low, high = 1e-3, 1e6
            for _ in range(40):
                middle = (low * high) ** 0.5
                low, high = (middle, high) if entropy(middle) < wanted else (low, middle)
        return high

    def learn(self, merit: Doubles, iteration: int) -> dict[str, float]:
        """Take every gradient step of an iteration; `merit` (T, B) weighs each decision."""
        config, arena = self.config, self.arena
        by_decision = np.repeat(merit.ravel(), arena.n_agents)
        rows = arena.decisions()
        rows = rows[by_decision[rows] != 0.0]
        sums, n = torch.zeros(4, dtype=torch.float64), 0
        for epoch in range(config.epochs if len(rows) else 0):
            name = (config.seed, iteration, epoch, STREAM_EPOCH)
            kls = []
            for block in self.arena.blocks(rows, config.minibatch, *name):
                watched = self.update(block, by_decision)
                sums += watched
                kls.append(float(watched[0]))
                n += 1
            if sum(kls) > 1.5 * config.target_kl * len(kls):
                break
        names = ("kl", "clipped", "entropy_nats", "policy_loss")
        return dict(zip(names, (sums / max(1, n)).tolist(), strict=True))

    def update(self, batch: Decisions, merit: Doubles) -> torch.Tensor:
        """Take one gradient step on some decisions; return (4,) figures."""
        config = self.config
        rows = batch.through(self.net)
        log_prob, entropy = self.net.terms(rows, batch.taken, self.policy.temperature)
        terms = clipped(log_prob, batch.log_prob, torch.from_numpy(merit[batch.rows]), config.clip)
        loss = -log_prob.mean() if config.signal == "best" else terms.loss
        bonus = config.entropy * entropy.mean()
        self.optimiser.descend(loss - bonus, config.gradient_clip)
        figures = (terms.kl, terms.clipped, entropy.mean(), loss)
        return torch.stack([figure.double() for figure in figures]).detach()

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on; the Env is reset in each."""
        temperature = {"temperature": np.array(self.policy.temperature)}
        return learner_arrays(self.net, self.optimiser) | temperature

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        self.policy.temperature = float(arrays["temperature"])


def merits(utility: Doubles, signal: str) -> Doubles:
    """Return how much is learned from each trajectory, (groups, rows of a group).

    Parameters
    ----------
    utility
        (groups, rows of a group); larger is better.
    signal
        "whole": standardised within its group. "best": 1 for the group's first best row, 0 for
        the others. Either way 0 throughout a group whose rows are all alike.
    """
    spread, alike = _spread(utility)
    if signal == "best":
        merit = (np.arange(utility.shape[1]) == utility.argmax(1)[:, None]).astype(np.float64)
    else:
        merit = (utility - utility.mean(1, keepdims=True)) / np.where(alike, 1.0, spread)
    return np.where(alike, 0.0, merit)


def merits_to_go(reward: Doubles, utility: Doubles) -> Doubles:
    """Return (T, B): how much better each decision's future was than its group's at that step.

    Parameters
    ----------
    reward
        (T, B) utility of every step, 0 after a row's end.
    utility
        (groups, rows of a group) of the whole trajectories; its deviation within the group is the
        scale. 0 throughout a group whose rows are all alike.
    """
    to_go = np.cumsum(reward[::-1], axis=0)[::-1].reshape(len(reward), *utility.shape)
    spread, alike = _spread(utility)
    merit = (to_go - to_go.mean(-1, keepdims=True)) / np.where(alike, 1.0, spread)
    return np.where(alike, 0.0, merit).reshape(reward.shape)


def _spread(utility: Doubles) -> tuple[Doubles, Bools]:
    """Return the deviation within each group (groups, 1), and where it is only rounding."""
    spread = utility.std(1, keepdims=True)
    return spread, spread <= 1e-9 * np.maximum(1.0, np.abs(utility).max(1, keepdims=True))
