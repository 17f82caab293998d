# SPDX-License-Identifier: MIT
"""Advantage actor-critic, the synchronous form of A3C (Mnih et al., arXiv:1602.01783).

One gradient step an iteration on all decisions of a few steps of every row. It is PPO with one
epoch, one block and no clipping, to 1e-6 (``tests/learning/test_a2c.py``; Huang et al.,
arXiv:2205.09123), and stands here by itself because it is read by itself. Where codes differ:
advantages are not standardised, which with few rows hurts more than it helps; the optimiser is
TensorFlow's RMSprop, with epsilon inside the root, because the published settings belong to it;
a truncated episode bootstraps from its last observation before the reset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from flyball.core.protocols import Env
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.arena import Decisions
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.flat import RMSprop
from flyball.learning.nets.net import Net
from flyball.learning.settings import check


@dataclass(frozen=True, kw_only=True)
class A2CConfig:
    """Settings of `A2C`; names as in Mnih et al. (2016), arXiv:1602.01783."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    device: DeviceName = "cpu"
    """Where the network learns: cpu, cuda, or auto for cuda where there is one."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    n_steps: int = 5
    """Steps of every row in one iteration."""

    gamma: float = 0.99
    """Discount per decision, in [0, 1]."""

    lam: float = 1.0
    """Trace decay of the advantage estimate, in [0, 1]; 1 is the n-step return."""

    rate: float = 7e-4
    """Learning rate of RMSprop at the start of the budget."""

    rate_end: float = 1.0
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    entropy: float = 0.0
    """Weight of the entropy bonus, nats."""

    value_weight: float = 0.5
    """Weight of the value loss, which is the squared error."""

    gradient_clip: float = 0.5
    """Largest norm of a gradient."""

    scale_rewards: bool = False
    """Whether rewards are divided by the running deviation of the discounted return."""

    norm_iterations: int = 10_000
    """Iterations after which the feature normalisers stand still."""

    window: int = 5
    """Steps through which gradients flow, for networks with memory; divides `n_steps`."""

    def __post_init__(self) -> None:
        check(
            "a2c",
            self,
            {
                "in [0, 1]": ("gamma", "lam", "rate_end"),
                "above 0": ("rate",),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "entropy", "value_weight", "norm_iterations"),
                "at least 1": ("n_steps", "window"),
            },
        )


class A2C:
    """A run of A2C on one Env: `iterate` collects and takes one gradient step."""

    name = "a2c"

    def __init__(self, env: Env, net: Net, config: A2CConfig) -> None:
        self.env, self.net, self.config = env, net, config
        self.pupil = Pupil(net, device_of(config.device, "a2c.device", net))
        self.optimiser = RMSprop([self.pupil.net.actor, self.pupil.net.critic], config.rate)
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

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by now, in utility."""
        return self.experience.scale.std

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config, experience = self.config, self.experience
        self.optimiser.rate = config.rate * (1 - share * (1 - config.rate_end))
        tally = experience.collect(iteration)
        scale = experience.estimate()
        arena = experience.arena
        rows = arena.decisions()
        figures = tally.figures() | {"reward_scale": scale}
        if len(rows):
            whole = next(arena.blocks(rows, len(rows), config.seed, iteration))
            entropy, policy_loss, value_loss = self.update(whole).tolist()
            figures |= {
                "entropy_nats": entropy,
                "policy_loss": policy_loss,
                "value_loss": value_loss,
            }
        if iteration < config.norm_iterations and self.net.config.norm != "none":
            self.net.learn_norm(arena.inputs(rows))
        return figures

    def update(self, batch: Decisions) -> torch.Tensor:
        """Take one gradient step on some decisions; return (3,) figures."""
        config, net = self.config, self.pupil.net
        self.pupil.fetch()
        batch = batch.to(self.pupil.device)
        rows = batch.through(net)
        log_prob, entropy = net.terms(rows, batch.taken)
        policy_loss = -(log_prob * batch.advantage).mean()
        value_loss = (net.value(rows) - batch.target).square().mean()
        bonus = entropy.mean()
        loss = policy_loss + config.value_weight * value_loss - config.entropy * bonus
        self.optimiser.descend(loss, config.gradient_clip)
        self.pupil.bring()
        figures = (bonus, policy_loss, value_loss)
        return torch.stack([figure.detach().double() for figure in figures])

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        return learner_arrays(self.net, self.optimiser) | self.experience.state()

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        self.experience.restore(arrays)
