# SPDX-License-Identifier: MIT
"""QMIX, and with other mixers VDN and independent Q-learners: many agents, one discrete head each.

Rashid et al., arXiv:1803.11485. Every agent values its own actions from what it sees, a mixer that
is monotone in each of these values turns those of the actions taken into one of the team, and that
one learns by double Q-learning from whole replayed episodes. Acting needs no mixer. Agents share
one network (`net.actor`, with or without memory) and are told apart by a one-hot index.

What codes get wrong and this one does not: the targets' mixer sees the state of t + 1; the maximum
runs over legal actions only; padded steps enter no loss and no mean, because there are none
(`packed`); a truncated episode bootstraps from its last observation before the reset, while a
world's own end does not (PyMARL and EPyMARL treat every time limit as one or the other).

Deviations from EPyMARL's settings, each a setting: many rows collect at once and are learned from
in `updates` batches, not one batch an episode; rewards are divided by their running deviation, and
their mean is left alone, since taking it off changes what is best where episodes end by themselves
("standardised" does it nevertheless); `lam` above 0 takes Peng's Q(lambda) for the target.

With `mixer` "qmix" or "vdn" the team's reward is the mean over agents, so that a common reward
counts once. With "none" each agent learns from that same reward, or with ``reward = "own"`` from
its own.

Known good result: 8 in the two-step game, where VDN gets 7 (``tests/learning/test_qmix.py``).
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from flyball.core.batch import Action, Longs, Observation
from flyball.core.errors import InvariantError
from flyball.core.protocols import Env
from flyball.learning.acting.greedy import EpsilonGreedy, scores, spec_seen
from flyball.learning.checkpoint import Arrays, load_module, module_arrays
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.offpolicy import Loop
from flyball.learning.experience.packed import Packed, lambda_targets, pack, recall
from flyball.learning.experience.rewards import UNITS, RewardMoments, RewardUnit
from flyball.learning.experience.sequences import Episodes, EpisodesConfig
from flyball.learning.nets.flat import Adam, Flat
from flyball.learning.nets.mixers import KINDS, MixerConfig, MixerKind, mixer_of
from flyball.learning.nets.net import Net
from flyball.learning.settings import EPISODE_STRIDE, check, require
from flyball.policies import sizes_of


@dataclass(frozen=True, kw_only=True)
class QMIXConfig:
    """Settings of `QMIX`; the defaults are those of EPyMARL where it has them."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    device: DeviceName = "cpu"
    """Where the network learns: cpu, cuda, or auto for cuda where there is one."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    mixer: MixerKind = "qmix"
    """How the agents' values become the team's: qmix, vdn (sum), or none (independent)."""

    embed: int = 32
    """Width of QMIX's mixing layer."""

    hypernet: int = 64
    """Width of the hypernetworks' hidden layers."""

    reward: Literal["team", "own"] = "team"
    """What independent learners learn from; a mixer always takes the team's."""

    rewards: RewardUnit = "scaled"
    """As they are; divided by their running deviation; or less their running mean before that."""

    last_action: bool = False
    """Whether an agent sees what it did last."""

    n_steps: int = 25
    """Steps of every row in one iteration."""

    updates: int = 1
    """Gradient steps in one iteration."""

    batch: int = 32
    """Whole episodes in one gradient step."""

    capacity: int = 5000
    """Episodes that are kept."""

    max_steps: int = 100
    """Steps of the longest episode that the world can have."""

    learning_starts: int = 32
    """Episodes that are complete before learning begins, at least 1, at most `capacity`."""

    gamma: float = 0.99
    """Discount per step, in [0, 1]."""

    lam: float = 0.0
    """Share of the target that comes from further ahead, in [0, 1]; 0 is one-step Q-learning."""

    rate: float = 5e-4
    """Learning rate of Adam."""

    gradient_clip: float = 10.0
    """Largest norm of a gradient."""

    target_every: int = 200
    """Gradient steps from one move of the target networks to the next."""

    tau: float = 1.0
    """How far they move towards the learned ones, in (0, 1]; 1 copies."""

    epsilon: float = 1.0
    """Share of random actions at the start, in [0, 1]."""

    epsilon_end: float = 0.05
    """Share of random actions in the end, in [0, 1]."""

    epsilon_steps: int = 50_000
    """Steps of the world, all rows together, over which the share falls."""

    norm_updates: int = 200
    """Gradient steps after which the feature normalisers stand still."""

    def __post_init__(self) -> None:
        check(
            "qmix",
            self,
            {
                "in [0, 1]": ("gamma", "lam", "epsilon", "epsilon_end"),
                "in (0, 1]": ("tau",),
                "above 0": ("rate",),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "norm_updates"),
                "at least 1": (
                    "embed",
                    "hypernet",
                    "n_steps",
                    "updates",
                    "batch",
                    "capacity",
                    "max_steps",
                    "learning_starts",
                    "target_every",
                    "epsilon_steps",
                ),
            },
            {"mixer": KINDS, "reward": ("team", "own"), "rewards": UNITS},
        )
        ok = self.learning_starts <= self.capacity
        allowed = f"at most the capacity, {self.capacity}, or nothing would ever be learned"
        require("qmix.learning_starts", self.learning_starts, allowed, ok=ok, usual="32")
        ok = self.reward == "team" or self.mixer == "none"
        allowed = "team, or own without a mixer"
        require("qmix.reward", f"'{self.reward}'", allowed, ok=ok, usual="team")


class QMIX:
    """A run of QMIX, VDN or independent learners on one Env: `iterate` collects and learns once."""

    name = "qmix"

    def __init__(self, env: Env, net: Net, config: QMIXConfig) -> None:
        """Reset the Env.

        Parameters
        ----------
        env
            Its agents have one Categorical head each.
        net
            Made for `spec_seen`; only its actor is used, and its scores are the values.
        config
            Settings.
        """
        sizes = sizes_of(env.spec)
        heads = f"{sizes.n_heads} choice heads of {sum(sizes.actions)} actions in all, "
        heads += f"{sizes.n_values} continuous"
        ok = len(sizes.actions) == 1 and not sizes.n_values
        require("qmix", heads, "one Categorical head an agent", ok=ok, usual="ppo for others")
        if net.sizes != sizes_of(spec_seen(env.spec, last_action=config.last_action)):
            msg = "the network was made for another spec than `spec_seen` of this world"
            raise InvariantError(msg)
        self.env, self.net, self.config, self.sizes = env, net, config, sizes
        kind = MixerConfig(kind=config.mixer, embed=config.embed, hypernet=config.hypernet)
        draws_of = torch.Generator().manual_seed(config.seed + EPISODE_STRIDE)
        self.n_central = sizes.n_state or sizes.n_agents * sizes.n_obs
        self.pupil = Pupil(net, device_of(config.device, "qmix.device"))
        self.device, self.actor = self.pupil.device, self.pupil.net.actor
        self.mixer = mixer_of(kind, sizes.n_agents, self.n_central, draws_of).to(self.device)
        self.target, self.target_mixer = deepcopy(self.actor), deepcopy(self.mixer)
        self.optimiser = Adam([self.actor, self.mixer], config.rate, eps=1e-8)
        self.target_flat = Flat([self.target, self.target_mixer])
        self.policy = EpsilonGreedy(net, last_action=config.last_action)
        self.episodes = Episodes(
            env.spec,
            env.n_envs,
            EpisodesConfig(capacity=config.capacity, max_steps=config.max_steps),
            weights=config.weights,
        )
        self.loop = Loop(env, self.episodes, seed=config.seed)
        self.memory = self.policy.initial(env.n_envs)
        self.updates = 0
        self.moments = RewardMoments(config.rewards)

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by now, in utility."""
        return self.moments.scale

    def iterate(self, iteration: int, share: float) -> dict[str, float]:  # noqa: ARG002
        """Collect, learn, and return what happened."""
        config = self.config
        self.loop.collect(self._explore, config.n_steps)
        figures = {"epsilon": self.policy.epsilon, "reward_scale": self.moments.scale}
        if self.episodes.size < config.learning_starts:
            return self.loop.figures() | figures
        places = self.episodes.draw(
            config.batch, seed=config.seed, update=self.updates, n_updates=config.updates
        )
        self.pupil.fetch()
        watched = [self.update(part) for part in places.reshape(config.updates, config.batch)]
        self.pupil.bring()
        means = torch.stack(watched).mean(0).tolist()
        names = ("loss", "error", "value")
        return self.loop.figures() | figures | dict(zip(names, means, strict=True))

    def _explore(self, observation: Observation, key: tuple[int, int]) -> Action:
        config = self.config
        spent = min(1.0, self.loop.steps / config.epsilon_steps)
        self.policy.epsilon = config.epsilon + spent * (config.epsilon_end - config.epsilon)
        action, _, self.memory = self.policy.act(observation, self.memory, key)
        return action

    def update(self, places: Longs) -> Tensor:
        """Take one gradient step on some episodes; return (3,): loss, mean error, mean value."""
        config = self.config
        packed = pack(self.episodes.sample(places))
        if self.updates < config.norm_updates:
            self._learn_norm(packed)
        self.moments.learn(self.rewards_of(packed).numpy())
        value, target, counted = self.errors(packed)
        error = torch.where(counted, value - target, 0.0)
        n = counted.sum()
        loss = error.square().sum() / n
        self.optimiser.descend(loss, config.gradient_clip)
        self.updates += 1
        if self.updates % config.target_every == 0:
            self.target_flat.approach(self.optimiser.flat, config.tau)
        with torch.no_grad():
            return torch.stack((loss, error.abs().sum() / n, value[counted].mean()))

    def errors(self, packed: Packed) -> tuple[Tensor, Tensor, Tensor]:
        """Return value and target of P steps, and which of them count; all (P, C)."""
        config, sizes = self.config, self.sizes
        reward = (self.rewards_of(packed) - self.moments.shift) / self.moments.scale
        seen = self.policy.rows(packed.obs, self.last_actions(packed)).to(self.device)
        central = self.central(packed).to(self.device)
        packed = packed.to(self.device)
        now, then = packed.now, packed.then
        q = self.values(self.actor, seen, packed)
        chosen = q[now].gather(-1, packed.choice[..., None])[..., 0] * packed.alive
        value = self.mixer(chosen, central[now])
        with torch.no_grad():
            legal = packed.mask[then]
            best = q.detach()[then].masked_fill_(~legal, -torch.inf).argmax(-1, keepdim=True)
            ahead = self.values(self.target, seen, packed)[then].gather(-1, best)[..., 0]
            # Where nothing is legal nothing can be done, so there is no value.
            ahead = torch.where(packed.follows & legal.any(-1), ahead, 0.0)
            next_value = self.target_mixer(ahead, central[then])
            apart = self.mixer.n_values == sizes.n_agents and config.mixer == "none"
            follows = packed.follows if apart else packed.follows.any(-1, keepdim=True)
            counted = packed.alive if apart else packed.alive.any(-1, keepdim=True)
            target = lambda_targets(
                reward.numpy(),
                (config.gamma * follows).cpu().numpy(),
                next_value.cpu().numpy(),
                np.array(packed.columns[1:]),
                config.lam,
            )
        return value, torch.from_numpy(target).to(self.device), counted

    def values(self, actor: Any, seen: Tensor, packed: Packed) -> Tensor:
        """Return the value of every action (O, N, A) from the rows (O * N, E) seen."""
        x = seen
        if actor.cell is not None:
            x = recall(actor.cell, seen, packed.columns, self.sizes.n_agents)
        return scores(actor, x).view(*packed.obs.shape[:2], -1)

    def last_actions(self, packed: Packed) -> Tensor:
        """Return what was done before each observation (O, N, A) one-hot; zeros if not seen."""
        last = torch.zeros(*packed.obs.shape[:2], self.policy.n_last)
        if self.policy.n_last:
            last[packed.then] = torch.nn.functional.one_hot(
                packed.choice, self.policy.n_last
            ).float()
        return last

    def central(self, packed: Packed) -> Tensor:
        """Return what the mixer sees (O, S): the state, or all observations where there is none."""
        if self.sizes.n_state:
            state: Tensor = self.net.state_norm(packed.state)
            return state
        last = torch.zeros(*packed.obs.shape[:2], self.policy.n_last)
        seen: Tensor = self.net.obs_norm(torch.cat((packed.obs, last), -1))
        return seen[..., : self.sizes.n_obs].flatten(1)

    def rewards_of(self, packed: Packed) -> Tensor:
        """Return the rewards (P, C) that are learned from, in native units."""
        if self.config.reward == "own":
            return packed.reward
        team = packed.reward.mean(-1, keepdim=True)
        return team.expand(-1, self.mixer.n_values)

    def _learn_norm(self, packed: Packed) -> None:
        last = self.last_actions(packed)
        self.net.obs_norm.learn(torch.cat((packed.obs, last), -1).flatten(0, 1).numpy())
        self.net.state_norm.learn(packed.state.numpy())

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        own = {
            "qmix.memory": self.memory.copy(),
            "qmix.updates": np.array(self.updates),
            "qmix.moments": self.moments.moments.copy(),
            "qmix.target": self.target_flat.vector.cpu().numpy().copy(),
            "qmix.epsilon": np.array(self.policy.epsilon),
        }
        nets = module_arrays(self.net) | module_arrays(self.mixer, "mixer.")
        return self.loop.state() | nets | self.optimiser.arrays() | own

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        self.loop.restore(arrays)
        load_module(self.net, arrays)
        self.pupil.fetch()
        load_module(self.mixer, arrays, "mixer.")
        self.optimiser.load(arrays)
        self.memory = arrays["qmix.memory"].copy()
        self.updates = int(arrays["qmix.updates"])
        self.moments.moments[:] = arrays["qmix.moments"]
        self.target_flat.vector.copy_(torch.from_numpy(arrays["qmix.target"].copy()))
        self.policy.epsilon = float(arrays["qmix.epsilon"])
