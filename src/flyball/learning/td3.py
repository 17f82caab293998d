# SPDX-License-Identifier: MIT
"""Twin delayed deep deterministic policy gradient, for continuous values.

Fujimoto, van Hoof & Meger, arXiv:1802.09477::

    a' = clip(mu'(s') + clip(eps, -c, c), -1, 1),   eps ~ N(0, target_noise)
    y = r + gamma^k min_i Q'_i(s', a')
    critics descend (Q_i(s, a) - y)^2 / 2,   a the *applied* action
    every `policy_delay` steps the actor descends -Q_1(s, mu(s)), and mu', Q' follow by tau

Noise is in [-1, 1] of each action's range. Where codes differ: a truncated episode bootstraps from
its last observation before the reset; the random start is uniform within the bounds. The defaults
are those of Stable-Baselines3, but for the noise of acting, which it leaves to the user: 0.1, as in
the paper and in rl-baselines3-zoo.

Known good result: Pendulum to a mean return of -165 and more in 20,000 steps
(``tests/learning/test_td3.py``).
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from flyball.core.batch import Action, Observation
from flyball.core.protocols import Env
from flyball.learning.acting.noise import normals
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.checkpoint import Arrays, load_module, module_arrays
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.minibatch import Minibatch, Reader
from flyball.learning.experience.offpolicy import Loop
from flyball.learning.experience.replay import Replay
from flyball.learning.nets.flat import Adam, Flat
from flyball.learning.nets.net import Actor, Net
from flyball.learning.nets.squashed import Squashed
from flyball.learning.sac import critics_of, refuse
from flyball.learning.settings import check

ACTING_STREAM, SMOOTHING_STREAM = 1_952_723_763, 1_952_723_764


@dataclass(frozen=True, kw_only=True)
class TD3Config:
    """Settings of `TD3`; names as in Fujimoto et al. (2018), arXiv:1802.09477."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    rate: float = 1e-3
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
    """How far the target networks move towards the learned ones, in (0, 1]; 1 copies."""

    noise: float = 0.1
    """Deviation of the acting noise, in half ranges of the action, at least 0."""

    policy_delay: int = 2
    """Gradient steps of the critics to one of the actor, at least 1."""

    target_noise: float = 0.2
    """Deviation of the noise on what follows, in half ranges of the action, at least 0."""

    target_clip: float = 0.5
    """Largest noise on what follows, at least 0."""

    norm_updates: int = 1000
    """Gradient steps after which the feature normalisers stand still."""

    device: DeviceName = "cpu"
    """Where the networks learn; acting stays on the CPU. auto: cuda where there is one."""

    def __post_init__(self) -> None:
        check(
            "td3",
            self,
            {
                "in [0, 1]": ("gamma", "rate_end"),
                "in (0, 1]": ("tau",),
                "above 0": ("rate",),
                "at least 0": ("seed", "learning_starts", "noise", "target_noise", "norm_updates"),
                "at least 0, or inf": ("target_clip", "file_above_mb"),
                "at least 1": ("minibatch", "capacity", "train_freq", "n_step", "policy_delay"),
                "at least 1, or -1": ("gradient_steps",),
            },
        )


class TD3:
    """A run of TD3 on one Env: `iterate` collects and learns once."""

    name = "td3"

    def __init__(self, env: Env, net: Net, config: TD3Config, folder: Path | None = None) -> None:
        """Reset the Env (see `sac.SAC`); heads are continuous only."""
        refuse("td3", net)
        self.env, self.net, self.config = env, net, config
        self.pupil = Pupil(net, device_of(config.device, "td3.device"))
        self.device = self.pupil.device
        self.reader = Reader(net, env.spec, self.device)
        self.actor = cast("Actor", self.pupil.net.actor)
        self.critics = critics_of(net, self.reader.width, config.seed).to(self.device)
        self.target_actor = deepcopy(self.actor)
        self.target_critics = deepcopy(self.critics)
        self.own, self.next = Squashed(self.actor), Squashed(self.target_actor)
        self.targets = Flat([self.target_actor]), Flat([self.target_critics])
        self.actor_adam = Adam([self.actor], config.rate, eps=1e-8)
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
        names = ("critic_loss", "value")
        return dict(zip(names, torch.stack(watched).mean(0).tolist(), strict=True))

    def update(self, batch: Minibatch) -> Tensor:
        """Take one gradient step of the critics, at times of the actor; return (2,) figures."""
        config = self.config
        with torch.no_grad():
            estimates = self.target_critics(torch.cat((batch.next_seen, self.smooth(batch)), -1))
            goal = batch.reward + batch.discount * estimates[..., 0].amin(0)
            value = self.critics(torch.cat((batch.seen, batch.value), -1))
            error = value - goal[:, None]
            slope = error * batch.weight[:, None]
            figures = (0.5 * (slope * error).sum(), (value[0, :, 0] * batch.weight).sum())
            self.critics.learn(slope)
        self.critic_adam.step()
        self.updates += 1
        if self.updates % config.policy_delay == 0:
            self.climb(batch)
            for target, adam in zip(self.targets, (self.actor_adam, self.critic_adam), strict=True):
                target.approach(adam.flat, config.tau)
        return torch.stack(figures)

    def smooth(self, batch: Minibatch) -> Tensor:
        """Return (R, D) the target actor's action in what follows, with clipped noise."""
        config = self.config
        mean, _ = self.next(batch.next_own)
        n_rows, width = mean.shape
        draws = normals(config.seed, self.updates, n_rows, width, SMOOTHING_STREAM)
        noise = torch.from_numpy(draws).to(self.device).mul_(config.target_noise)
        noise.clamp_(-config.target_clip, config.target_clip)
        return self._kept(torch.tanh(mean).add_(noise).clamp_(-1.0, 1.0))

    @torch.no_grad()
    def climb(self, batch: Minibatch) -> None:
        """Take one gradient step of the actor up the first critic."""
        self.actor_adam.flat.clear()
        mean, log_std = self.own(batch.own)
        action = self._kept(torch.tanh(mean))
        self.critics(torch.cat((batch.seen, action), -1), n_critics=1)
        rise = self.critics.trace(batch.weight[None, :, None], action.shape[-1])
        fall = self._kept(rise * action.square() - rise)  # through the tanh, downhill
        self.own.learn(fall, torch.zeros_like(log_std))
        self.actor_adam.step()

    def _kept(self, x: Tensor) -> Tensor:
        """Return (R, D) with zeros where the row's agent does not have the dim."""
        used = self.reader.used
        return x if used is None else x * used.to(x).repeat(len(x) // len(used), 1)

    def _explore(self, observation: Observation, key: tuple[int, int]) -> Action:
        greedy = self.policy.sample(observation, self.memory, None)
        n_rows, width = greedy.latent.shape
        noise = self.config.noise * normals(*key, n_rows, width, ACTING_STREAM)
        action = np.clip(np.tanh(greedy.latent) + noise, -1.0, 1.0)
        return Action(greedy.action.choice, self.reader.native(action))

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        return (
            module_arrays(self.net)
            | module_arrays(self.critics, "td3.critics.")
            | module_arrays(self.target_actor, "td3.target_actor.")
            | module_arrays(self.target_critics, "td3.target_critics.")
            | self.actor_adam.arrays("td3.actor_adam.")
            | self.critic_adam.arrays("td3.critic_adam.")
            | self.loop.state()
            | {"td3.updates": np.array(self.updates)}
        )

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_module(self.net, arrays)
        self.pupil.fetch()
        load_module(self.critics, arrays, "td3.critics.")
        load_module(self.target_actor, arrays, "td3.target_actor.")
        load_module(self.target_critics, arrays, "td3.target_critics.")
        self.actor_adam.load(arrays, "td3.actor_adam.")
        self.critic_adam.load(arrays, "td3.critic_adam.")
        self.loop.restore(arrays)
        self.updates = int(arrays["td3.updates"])
