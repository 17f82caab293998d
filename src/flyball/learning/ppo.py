# SPDX-License-Identifier: MIT
"""Proximal policy optimisation for every kind of head, with or without memory, for many agents.

Schulman et al. (2017), arXiv:1707.06347, with the details that matter in practice (Huang et al.,
*The 37 implementation details of PPO*, 2022): orthogonal start, Adam epsilon 1e-5, advantages
standardised per minibatch, gradient norm clipped, stop on KL. Where codes differ: a truncated
episode bootstraps from its last observation before the reset (CleanRL and PufferLib treat it as
terminated); actions are squashed by a tanh, not clipped outside the policy (Stable-Baselines3
clips, so its log-probability is not that of what was done); the value loss is not clipped
(Andrychowicz et al., arXiv:2006.05990, found no gain); the feature normalisers stand still from
collecting to learning. With memory, blocks are whole windows that start from the memory of the
time of acting and reset inside where an episode starts; gradients do not flow past a window.
Agents share one network and are told apart by a one-hot index; with `net.critic = "state"` the
critic sees the privileged state (Yu et al., *MAPPO*, arXiv:2103.01955), with "own" each learns by
itself.

Known good result: a bandit over options with distinct features and a two-state chain are solved to
their closed-form values within seconds (``tests/learning/test_ppo.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from flyball.core.batch import Doubles, Longs
from flyball.core.protocols import Env
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.arena import Decisions
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.loss import clipped, standardise
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Net
from flyball.learning.settings import check
from flyball.learning.surrogate import Rates, Surrogate, suits

STREAM_EPOCH = 1


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Settings of `PPO`; names as in Schulman et al. (2017), arXiv:1707.06347."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    device: DeviceName = "cpu"
    """Where the network learns: cpu, cuda, or auto for cuda where there is one."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    n_steps: int = 128
    """Steps of every row in one iteration."""

    epochs: int = 10
    """Passes over the decisions of an iteration."""

    minibatch: int = 64
    """Decisions in one gradient step."""

    clip: float = 0.2
    """Largest change of the probability ratio in one update, in (0, 1)."""

    clip_end: float = 1.0
    """Share of `clip` that is left at the end of the budget, in [0, 1]."""

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
    """Weight of the value loss, which is the squared error."""

    gradient_clip: float = 0.5
    """Largest norm of a gradient."""

    target_kl: float | None = 0.03
    """An epoch is the last one once the KL estimate passes 1.5 times this, nats; None: never."""

    standardise: bool = True
    """Whether advantages are standardised in each minibatch."""

    scale_rewards: bool = True
    """Whether rewards are divided by the running deviation of the discounted return."""

    compiled: bool = True
    """Whether plain perceptrons act and learn in compiled code; off: torch, equal to rounding."""

    window: int = 16
    """Steps through which gradients flow, for networks with memory; divides `n_steps`."""

    norm_iterations: int = 20
    """Iterations after which the feature normalisers stand still."""

    def __post_init__(self) -> None:
        check(
            "ppo",
            self,
            {
                "in (0, 1)": ("clip",),
                "in [0, 1]": ("clip_end", "gamma", "lam", "rate_end"),
                "above 0": ("rate",),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "entropy", "value_weight", "target_kl", "norm_iterations"),
                "at least 1": ("n_steps", "epochs", "minibatch", "window"),
            },
        )


class PPO:
    """A run of PPO on one Env: `iterate` collects and learns once."""

    name = "ppo"

    def __init__(self, env: Env, net: Net, config: PPOConfig) -> None:
        self.env, self.net, self.config = env, net, config
        self.pupil = Pupil(net, device_of(config.device, "ppo.device", net))
        self.optimiser = Adam([self.pupil.net.actor, self.pupil.net.critic], config.rate)
        self.clip = config.clip
        self.experience = Experience(
            env,
            net,
            Plan(
                seed=config.seed,
                n_steps=config.n_steps,
                gamma=config.gamma,
                lam=config.lam,
                weights=config.weights,
                scale_rewards=config.scale_rewards,
                window=config.window,
            ),
        )
        self.policy = self.experience.policy
        self.surrogate: Surrogate | None = None
        if config.compiled and suits(self.pupil.net):
            self.surrogate = Surrogate(net, self.optimiser)
            self.policy.say = self.surrogate.say

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by now, in utility."""
        return self.experience.scale.std

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config, experience = self.config, self.experience
        self.optimiser.rate = config.rate * (1 - share * (1 - config.rate_end))
        self.clip = config.clip * (1 - share * (1 - config.clip_end))
        tally = experience.collect(iteration)
        scale = experience.estimate()
        figures = self.learn(iteration)
        if iteration < config.norm_iterations:
            arena = experience.arena
            self.net.learn_norm(arena.inputs(arena.decisions()))
        return tally.figures() | figures | {"reward_scale": scale}

    def learn(self, iteration: int) -> dict[str, float]:
        """Take every gradient step of an iteration and return their mean figures."""
        config, arena = self.config, self.experience.arena
        rows = arena.decisions()
        self.pupil.fetch()
        watched = [np.zeros(5)] if not len(rows) else []
        for epoch in range(config.epochs if len(rows) else 0):
            watched.append(self.epoch(rows, (config.seed, iteration, epoch, STREAM_EPOCH)))
            if config.target_kl is not None and watched[-1][0] > 1.5 * config.target_kl:
                break
        self.pupil.bring()
        names = ("kl", "clipped", "entropy_nats", "policy_loss", "value_loss")
        return dict(zip(names, np.mean(watched, 0).tolist(), strict=True))

    def epoch(self, rows: Longs, name: tuple[int, ...]) -> Doubles:
        """Pass once over the decisions at these arena rows; return (5,) mean figures."""
        config, arena = self.config, self.experience.arena
        if self.surrogate is not None:
            rates = Rates(
                self.clip,
                config.entropy,
                config.value_weight,
                self.optimiser.rate,
                self.optimiser.eps,
                config.gradient_clip,
                config.standardise,
            )
            return self.surrogate.epoch(arena, rows, config.minibatch, rates, *name)
        blocks = arena.blocks(rows, config.minibatch, *name)
        figures = torch.stack([self.update(block) for block in blocks])
        means: Doubles = figures.mean(0).cpu().numpy()
        return means

    def update(self, block: Decisions) -> torch.Tensor:
        """Take one gradient step on some decisions; return (5,) figures."""
        config = self.config
        block, net = block.to(self.pupil.device), self.pupil.net
        rows = block.through(net)
        log_prob, entropy = net.terms(rows, block.taken)
        gain = standardise(block.advantage) if config.standardise else block.advantage
        policy = clipped(log_prob, block.log_prob, gain, self.clip)
        error = net.value(rows) - block.target
        value_loss, bonus = error.square().mean(), entropy.mean()
        loss = policy.loss + config.value_weight * value_loss - config.entropy * bonus
        self.optimiser.descend(loss, config.gradient_clip)
        figures = (policy.kl, policy.clipped, bonus, policy.loss, value_loss)
        return torch.stack([figure.detach().double() for figure in figures])

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        return learner_arrays(self.net, self.optimiser) | self.experience.state()

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        self.experience.restore(arrays)
