# SPDX-License-Identifier: MIT
"""Soft actor-critic: off-policy learning of continuous values, or of one masked choice.

Haarnoja et al., arXiv:1801.01290 and arXiv:1812.05905; for a choice Christodoulou,
arXiv:1910.07207::

    y = r + gamma^k (min_i Q'_i(s', a') - alpha log pi(a'|s')),   a' ~ pi(.|s')
    critics descend (Q_i(s, a) - y)^2 / 2,   a the *applied* action
    the actor descends alpha log pi(a|s) - min_i Q_i(s, a),   a ~ pi(.|s) a fresh draw
    log alpha descends log alpha (H - H*),   H* = -D, or a share of the log of the legal count
    Q' approaches Q by a share tau of the way

Where codes differ: a truncated episode bootstraps from its last observation before the reset; the
log-probability is exact where the tanh is saturated (`soft.Values.draw`); a choice's entropy is
measured against what is *legal* in each state, so that states with little choice do not drive the
temperature up; what is expected under the policy is summed over legal actions, not sampled. Actor
and temperature share one optimiser. Several agents learn one network each for itself. With K
gradient steps in an iteration the transitions of all are drawn at once.

Known good result: Pendulum to a mean return of -165 and more in 20,000 steps
(``tests/learning/test_sac.py``).
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Action, Observation
from flyball.core.protocols import Env
from flyball.core.random import bits
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.checkpoint import Arrays, load_module, module_arrays
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.minibatch import Minibatch, Reader
from flyball.learning.experience.offpolicy import Loop
from flyball.learning.experience.replay import Replay
from flyball.learning.nets.flat import Adam, Flat
from flyball.learning.nets.net import Actor, Net, NetConfig
from flyball.learning.nets.twin import Twin
from flyball.learning.settings import RANGES, check, require
from flyball.learning.soft import Choices, Heads, Update, Values

NET = NetConfig(
    hidden=(256, 256),
    critic_hidden=(256, 256),
    activation="relu",
    norm="none",
    deviation="state",
)
"""The networks of the papers."""

CRITIC_STREAM = 1_936_682_344


@dataclass(frozen=True, kw_only=True)
class SACConfig:
    """Settings of `SAC`; the defaults are those of Stable-Baselines3 where it has them."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    rate: float = 3e-4
    """Learning rate of Adam at the start of the budget."""

    rate_end: float = 1.0
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    minibatch: int = 256
    """Transitions in one gradient step."""

    capacity: int = 1_000_000
    """Transitions that are kept, all parallel rows together."""

    file_above_mb: float = 256.0
    """A larger replay lies in a file of the run's folder, MB."""

    learning_starts: int = 100
    """Transitions, all rows together, that are collected at random before learning begins."""

    train_freq: int = 1
    """Steps of every row in one iteration."""

    gradient_steps: int = -1
    """Gradient steps in one iteration; -1: as many as transitions were collected."""

    gamma: float = 0.99
    """Discount per decision, in [0, 1]."""

    n_step: int = 1
    """Steps of reward before the bootstrap, at least 1."""

    tau: float = 0.005
    """How far the target critics move towards the learned ones, in (0, 1]; 1 copies."""

    entropy: float | Literal["auto"] = "auto"
    """Worth of one nat of entropy, at least 0; auto learns it."""

    entropy_start: float = 1.0
    """Auto: its worth at the start, above 0."""

    target_entropy: float | None = None
    """Auto, continuous: entropy to hold, nats; None: minus the number of dims."""

    target_share: float = 0.89
    """Auto, a choice: share of the entropy of uniform legal actions to hold, in [0, 1]."""

    norm_updates: int = 1000
    """Gradient steps after which the feature normalisers stand still."""

    device: DeviceName = "cpu"
    """Where the networks learn; acting stays on the CPU. auto: cuda where there is one."""

    def __post_init__(self) -> None:
        check(
            "sac",
            self,
            {
                "in [0, 1]": ("gamma", "rate_end", "target_share"),
                "in (0, 1]": ("tau",),
                "above 0": ("rate", "entropy_start"),
                "finite": ("target_entropy",),
                "at least 0": ("seed", "learning_starts", "norm_updates"),
                "at least 0, or inf": ("file_above_mb",),
                "at least 1": ("minibatch", "capacity", "train_freq", "n_step"),
                "at least 1, or -1": ("gradient_steps",),
            },
        )
        number = isinstance(self.entropy, int | float) and RANGES["at least 0"](self.entropy)
        ok = self.entropy == "auto" or number
        require("sac.entropy", self.entropy, "auto, or at least 0", ok=ok, usual="auto")


class Temperature(nn.Module):
    """The worth of entropy, as a logarithm that is learned."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.tensor(start).log())


class SAC:
    """A run of SAC on one Env: `iterate` collects and learns once."""

    name = "sac"

    def __init__(self, env: Env, net: Net, config: SACConfig, folder: Path | None = None) -> None:
        """Reset the Env.

        Parameters
        ----------
        env
            With continuous heads only, or with one Categorical head.
        net
            Without memory. Its critic is not used, but its settings shape the twin critics, which
            see the privileged state too where that critic would.
        config
            Settings.
        folder
            Of the run, for a replay that is too large for memory.
        """
        refuse("sac", net)
        self.env, self.net, self.config = env, net, config
        self.pupil = Pupil(net, device_of(config.device, "sac.device"))
        self.device = self.pupil.device
        self.reader = Reader(net, env.spec, self.device)
        self.actor = cast("Actor", self.pupil.net.actor)
        self.heads = heads_of(self.actor, self.reader, config)
        self.critics = critics_of(net, self.reader.width, config.seed).to(self.device)
        self.target = deepcopy(self.critics)
        self.target_flat = Flat([self.target])
        self.temperature = Temperature(config.entropy_start).to(self.device)
        fixed = 0.0 if config.entropy == "auto" else config.entropy
        self.alpha = torch.tensor(fixed, device=self.device)
        learned = [self.actor, self.temperature] if config.entropy == "auto" else [self.actor]
        self.actor_adam = Adam(learned, config.rate, eps=1e-8)
        self.critic_adam = Adam([self.critics], config.rate, eps=1e-8)
        self.replay = Replay(env.spec, env.n_envs, config, folder)
        self.policy = NetPolicy(net)
        self.memory = self.policy.initial(env.n_envs)
        self.loop = Loop(env, self.replay, seed=config.seed, learning_starts=config.learning_starts)
        self.updates = 0

    def iterate(self, iteration: int, share: float) -> dict[str, float]:  # noqa: ARG002
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config = self.config
        rate = config.rate * (1 - share * (1 - config.rate_end))
        self.actor_adam.rate = self.critic_adam.rate = rate
        self.loop.collect(self._explore, config.train_freq)
        figures = self.loop.figures()
        if not self.loop.ready:
            return figures
        every = config.train_freq * self.env.n_envs
        return figures | self.gradient_steps(
            every if config.gradient_steps < 0 else config.gradient_steps
        )

    def gradient_steps(self, n: int) -> dict[str, float]:
        """Take n gradient steps on what is stored, and return their mean figures.

        Raises
        ------
        InvariantError
            When nothing is stored.
        """
        self.pupil.fetch()
        lessons = self.reader.lessons(self.replay, self.config, self.updates, n)
        watched = [self.update(batch) for batch in lessons]
        self.pupil.bring()
        names = ("critic_loss", "value", "entropy_nats", "alpha")
        return dict(zip(names, torch.stack(watched).mean(0).tolist(), strict=True))

    def update(self, batch: Minibatch) -> Tensor:
        """Take one gradient step of critics, actor and temperature; return (4,) figures."""
        config, heads = self.config, self.heads
        auto = config.entropy == "auto"
        alpha = self.temperature.log_alpha.detach().exp() if auto else self.alpha
        now = Update(batch, alpha, (config.seed, self.updates))
        with torch.no_grad():
            goal = batch.reward + batch.discount * heads.ahead(self.target, now)
            error = heads.error(self.critics, batch, goal)
            slope = error * batch.weight[:, None]
            critic_loss = 0.5 * (slope * error).sum()
            self.critics.learn(slope)
        self.critic_adam.step()
        self.actor_adam.flat.clear()
        climb = heads.climb(self.critics, now)
        value, entropy = ((part * batch.weight).sum() for part in climb)
        if auto:
            wanted = (heads.entropy_target(batch) * batch.weight).sum()
            self.actor_adam.flat.gradient[-1] = entropy - wanted  # of log alpha, the last parameter
        self.actor_adam.step()
        self.target_flat.approach(self.critic_adam.flat, config.tau)
        self.updates += 1
        return torch.stack((critic_loss, value, entropy, alpha))

    def _explore(self, observation: Observation, key: tuple[int, int]) -> Action:
        return self.policy.sample(observation, self.memory, key).action

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        return (
            module_arrays(self.net)
            | module_arrays(self.critics, "sac.critics.")
            | module_arrays(self.target, "sac.target.")
            | module_arrays(self.temperature, "sac.")
            | self.actor_adam.arrays("sac.actor_adam.")
            | self.critic_adam.arrays("sac.critic_adam.")
            | self.loop.state()
            | {"sac.updates": np.array(self.updates)}
        )

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_module(self.net, arrays)
        self.pupil.fetch()
        load_module(self.critics, arrays, "sac.critics.")
        load_module(self.target, arrays, "sac.target.")
        load_module(self.temperature, arrays, "sac.")
        self.actor_adam.load(arrays, "sac.actor_adam.")
        self.critic_adam.load(arrays, "sac.critic_adam.")
        self.loop.restore(arrays)
        self.updates = int(arrays["sac.updates"])


def refuse(name: str, net: Net) -> None:
    """Raise ConfigError unless the heads are all continuous, or one Categorical."""
    sizes = net.sizes
    found = f"{sizes.n_heads} choice heads, {sizes.n_values} continuous, {sizes.n_features} "
    found += f"features of options, memory {net.n_memory}"
    continuous = sizes.n_values > 0 and not sizes.actions
    choice = len(sizes.actions) == 1 and not sizes.n_values and not sizes.n_features
    if name == "td3":
        choice = False
    allowed = "TanhGaussian heads" + (", or one Categorical" if name == "sac" else "")
    ok = (continuous or choice) and not net.n_memory
    require(name, found, f"{allowed}, no memory", ok=ok, usual="ppo, which learns any heads")


def heads_of(actor: Actor, reader: Reader, config: SACConfig) -> Heads:
    """Return what SAC computes for the heads of a world."""
    if actor.n_values:
        return Values(actor, reader.used, config.target_entropy)
    return Choices(actor, config.target_share)


def critics_of(net: Net, width: int, seed: int) -> Twin:
    """Return twin critics of what has `width` columns, and of the action.

    With continuous heads the action is an input, with a choice every action is an output.
    """
    sizes, config = net.sizes, net.config
    ends = (width + sizes.n_values, 1) if sizes.n_values else (width, sizes.actions[0])
    draws = torch.Generator().manual_seed(int(bits(seed, CRITIC_STREAM) >> np.uint64(1)))
    return Twin((ends[0], *config.critic_hidden, ends[1]), config.activation, draws)
