# SPDX-License-Identifier: MIT
"""MADDPG: actors that see their own, critics that see everything (Lowe et al., arXiv:1706.02275).

Every agent has a critic of the team's state (all observations where the world has none) and of all
agents' actions, and its actor climbs that critic with its own action in place of the one taken.
The other actions are data: no gradient reaches another agent's policy. Continuous actions pass a
tanh; discrete ones are one-hot samples with the gradient of the soft ones ("straight-through"
Gumbel-softmax, Jang et al., arXiv:1611.01144). A plain softmax lets the critic see mixtures that
are never played, which is how a speaker learns to say nothing. Targets use the target actors'
greedy actions.

Traps: the own reward and no other's trains a critic; who did not act enters no mean (EPyMARL
averages over steps after the end); a truncated episode bootstraps; illegal actions have
probability and gradient 0, and their logits enter no penalty. Rewards are divided by their running
deviation unless asked otherwise (see `rewards`).

With ``share`` all agents have one actor and one critic and are told apart by a one-hot index;
without it each has its own, as in the paper, computed side by side (`stacks`). With ``others =
"replayed"`` an actor's critic sees what the others did then (the paper's equation 6), with
"current" what they would do now (EPyMARL).

Known good result: speaker and listener that understand each other
(``tests/learning/test_traps_marl.py``).
"""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Action, Observation
from flyball.core.protocols import Env
from flyball.learning.acting.greedy import told_apart
from flyball.learning.acting.joint import Joint
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.checkpoint import Arrays, load_module, module_arrays
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.offpolicy import Loop
from flyball.learning.experience.replay import Batch, Replay
from flyball.learning.experience.rewards import UNITS, RewardMoments, RewardUnit
from flyball.learning.nets.flat import Adam, Flat
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.stacks import SeparateActor, Stack
from flyball.learning.settings import EPISODE_STRIDE, check, require
from flyball.policies import Sizes


@dataclass(frozen=True, kw_only=True)
class MADDPGConfig:
    """Settings of `MADDPG`."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    device: DeviceName = "cpu"
    """Where the network learns: cpu, cuda, or auto for cuda where there is one."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    share: bool = True
    """Whether all agents have one actor and one critic; otherwise each has its own."""

    reward: Literal["own", "team"] = "own"
    """What an agent's critic learns from: its own reward, or the mean over the agents."""

    others: Literal["replayed", "current"] = "replayed"
    """What the other agents do in the actor's loss: what they did, or what they would do now."""

    critic: Literal["all", "own"] = "all"
    """What a critic sees: all there is, or its agent's part alone (independent learners)."""

    rewards: RewardUnit = "scaled"
    """As they are; divided by their running deviation; or less their running mean before that."""

    n_steps: int = 25
    """Steps of every row in one iteration."""

    updates: int = 8
    """Gradient steps of critic and actor in one iteration."""

    minibatch: int = 1024
    """Transitions in one gradient step."""

    capacity: int = 250_000
    """Transitions that are kept, all parallel rows together."""

    file_above_mb: float = 256.0
    """A larger replay lies in a file of the run's folder, MB."""

    learning_starts: int = 2048
    """Transitions, all rows together, that are collected at random before learning begins."""

    gamma: float = 0.95
    """Discount per step, in [0, 1]."""

    n_step: int = 1
    """Steps of reward before the bootstrap, at least 1."""

    actor_rate: float = 1e-3
    """Learning rate of the actors' Adam."""

    critic_rate: float = 1e-3
    """Learning rate of the critics' Adam."""

    gradient_clip: float = 0.5
    """Largest norm of a gradient."""

    tau: float = 0.01
    """How far the target networks move in each gradient step, in (0, 1]."""

    penalty: float = 1e-3
    """Weight of the mean square of the actors' outputs before softmax or tanh, at least 0."""

    noise: float = 0.3
    """Standard deviation of the noise that explores continuous actions, before the tanh."""

    norm_updates: int = 200
    """Gradient steps after which the feature normalisers stand still."""

    def __post_init__(self) -> None:
        check(
            "maddpg",
            self,
            {
                "in [0, 1]": ("gamma",),
                "in (0, 1]": ("tau",),
                "above 0": ("actor_rate", "critic_rate", "noise"),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "learning_starts", "penalty", "norm_updates"),
                "at least 0, or inf": ("file_above_mb",),
                "at least 1": ("n_steps", "updates", "minibatch", "capacity", "n_step"),
            },
            {
                "reward": ("own", "team"),
                "others": ("replayed", "current"),
                "critic": ("all", "own"),
                "rewards": UNITS,
            },
        )


class Critics(nn.Module):
    """Value of each agent, from the team's state and all agents' actions."""

    def __init__(self, n_central: int, sizes: Sizes, config: NetConfig, seed: int, n: int) -> None:
        super().__init__()
        width = sizes.n_agents * (sum(sizes.actions) + sizes.n_values)
        widths = (n_central + width + sizes.n_index, *config.critic_hidden, 1)
        draws_of = torch.Generator().manual_seed(seed)
        self.layers = Stack(n, widths, config.activation, draws_of, last_gain=1.0)

    def forward(self, central: Tensor, joint: Tensor) -> Tensor:
        """Return (P, N) values; `central` (P, N, S) with the index, `joint` (P, N, N * U)."""
        value: Tensor = self.layers(torch.cat((central, joint), -1))[..., 0]
        return value


class Seen(NamedTuple):
    """What the networks read of P transitions, normalised."""

    own: Tensor  # (P * N, E)  the actors'
    central: Tensor  # (P, N, S)  the critics', index included


class MADDPG:
    """A run of MADDPG on one Env: `iterate` collects and learns once.

    P transitions · N agents · U numbers of an action (see `joint`).
    """

    name = "maddpg"

    def __init__(
        self, env: Env, net: Net, config: MADDPGConfig, folder: Path | None = None
    ) -> None:
        """Reset the Env.

        Parameters
        ----------
        env
            Its agents have Categorical and TanhGaussian heads.
        net
            Without memory. Its actor is used and, without `share`, replaced by separate ones; its
            critic is not: only the widths of `critic_hidden` are.
        config
            Settings.
        folder
            Of the run, for a replay that is too large for memory.
        """
        sizes = net.sizes
        ok = not (sizes.n_features or sizes.active or net.n_memory)
        ok = ok and net.config.deviation == "free"
        found = f"{sizes.n_features} features of options, {len(sizes.active)} hybrid choices, "
        found += f"memory {net.n_memory}, deviation '{net.config.deviation}'"
        allowed = "Categorical and TanhGaussian heads, no cell, deviation free"
        require("maddpg", found, allowed, ok=ok, usual="ppo for others")
        self.env, self.net, self.config, self.sizes = env, net, config, sizes
        seed = config.seed + EPISODE_STRIDE
        if not config.share:
            generator = torch.Generator().manual_seed(seed)
            net.actor = SeparateActor(sizes, net.config, generator)  # type: ignore[assignment]
        if sizes.n_values:
            nn.init.constant_(net.actor.get_parameter("log_std"), math.log(config.noise))
        self.pupil = Pupil(net, device_of(config.device, "maddpg.device"))
        self.device, self.actor = self.pupil.device, self.pupil.net.actor
        n_central = sizes.n_obs
        if config.critic == "all":
            n_central = sizes.n_state or sizes.n_agents * sizes.n_obs
        n_critics = 1 if config.share else sizes.n_agents
        self.critics = Critics(n_central, sizes, net.config, seed + 1, n_critics).to(self.device)
        self.target, self.target_critics = deepcopy(self.actor), deepcopy(self.critics)
        self.actor_adam = Adam([self.actor], config.actor_rate, eps=1e-8)
        self.critic_adam = Adam([self.critics], config.critic_rate, eps=1e-8)
        self.target_flats = Flat([self.target]), Flat([self.target_critics])
        self.policy = NetPolicy(net)
        self.memory = self.policy.initial(env.n_envs)
        self.replay = Replay(env.spec, env.n_envs, config, folder)
        starts = config.learning_starts
        self.loop = Loop(env, self.replay, seed=config.seed, learning_starts=starts)
        self.moments = RewardMoments(config.rewards)
        self.joint = Joint(sizes, config.seed, self.device, alone=config.critic == "own")
        self.updates = 0

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by now, in utility."""
        return self.moments.scale

    def iterate(self, iteration: int, share: float) -> dict[str, float]:  # noqa: ARG002
        """Collect, learn, and return what happened."""
        config = self.config
        self.loop.collect(self._explore, config.n_steps)
        figures = self.loop.figures() | {"reward_scale": self.moments.scale}
        if not self.loop.ready:
            return figures
        watched = []
        self.pupil.fetch()
        for _ in range(config.updates):
            places = self.replay.draw(config.minibatch, seed=config.seed, update=self.updates)
            watched.append(self.update(self.replay.sample(places)))
        self.pupil.bring()
        names = ("critic_loss", "actor_loss", "value")
        means = torch.stack(watched).mean(0).tolist()
        return figures | dict(zip(names, means, strict=True))

    def _explore(self, observation: Observation, key: tuple[int, int]) -> Action:
        return self.policy.act(observation, self.memory, key)[0]

    def update(self, batch: Batch) -> Tensor:
        """Take one gradient step of critics and actors; return (3,) figures."""
        config = self.config
        if self.updates < config.norm_updates:
            self.net.obs_norm.learn(batch.obs.flatten(0, 1).numpy())
            self.net.state_norm.learn(batch.state.numpy())
        self.moments.learn(batch.reward[batch.alive].numpy())
        reward, seen = self.utility(batch).to(self.device), self.seen(batch.obs, batch.state)
        after = self.seen(batch.next_obs, batch.next_state)
        batch = batch.to(self.device)
        taken = self.joint.taken(batch.choice, batch.value)
        target = self.targets(batch, after, reward)
        weight = batch.alive / batch.alive.sum().clamp(min=1)  # (P, N)
        value = self.critics(seen.central, self.joint.seen(taken))
        critic_loss = ((value - target).square() * weight).sum()
        self.critic_adam.descend(critic_loss, config.gradient_clip)
        actor_loss = self.actor_loss(seen, batch.mask, taken, weight)
        self.actor_adam.descend(actor_loss, config.gradient_clip)
        for target_flat, adam in zip(
            self.target_flats, (self.actor_adam, self.critic_adam), strict=True
        ):
            target_flat.approach(adam.flat, config.tau)
        self.updates += 1
        return torch.stack([f.detach() for f in (critic_loss, actor_loss, value.mean())])

    def utility(self, batch: Batch) -> Tensor:
        """Return (P, N) the rewards that are learned from, in the learner's unit."""
        reward = batch.reward
        if self.config.reward == "team":
            reward = reward.mean(-1, keepdim=True).expand_as(reward)
        return (reward - self.moments.shift) / self.moments.scale

    def targets(self, batch: Batch, after: Seen, reward: Tensor) -> Tensor:
        """Return (P, N) what the critics should say, from the target actors' greedy actions."""
        with torch.no_grad():
            out = self.target(after.own, after.own[:0], after.own[:0])
            greedy = self.joint.greedy(out.scores, out.mean, batch.next_mask)
            value = self.target_critics(after.central, self.joint.seen(greedy))
            target: Tensor = reward + batch.discount * value
            return target

    def actor_loss(self, seen: Seen, mask: Tensor, taken: Tensor, weight: Tensor) -> Tensor:
        """Return minus the mean value of the agents' own new actions, plus the penalty.

        Parameters
        ----------
        seen
            Of P transitions.
        mask
            (P, N, A).
        taken
            (P, N, U) what all agents did.
        weight
            (P, N) of each agent's value; they sum to 1.
        """
        config = self.config
        out = self.actor(seen.own, seen.own[:0], seen.own[:0])
        own = self.joint.sampled(out.scores, out.mean, mask, self.updates)
        others = taken if config.others == "replayed" else own.detach()
        self.critics.requires_grad_(requires_grad=False)
        value = self.critics(seen.central, self.joint.seen(others, own))
        self.critics.requires_grad_(requires_grad=True)
        legal = mask.flatten(0, 1)
        squares = (out.scores.square() * legal).sum(-1) + out.mean.square().sum(-1)
        n_outputs = legal.sum(-1) + out.mean.shape[-1]
        penalty = (squares / n_outputs.clamp(min=1)).view(weight.shape)
        loss: Tensor = ((config.penalty * penalty - value) * weight).sum()
        return loss

    def seen(self, obs: Tensor, state: Tensor) -> Seen:
        """Return what the networks read of observations (P, N, F) and states (P, S)."""
        net, n_agents = self.net, self.sizes.n_agents
        own = told_apart(net, net.obs_norm(obs))
        if self.config.critic == "own":
            own = own.to(self.device)
            return Seen(own.flatten(0, 1), own)
        all_seen = own[..., : self.sizes.n_obs].flatten(1)
        central = net.state_norm(state) if self.sizes.n_state else all_seen
        index = own[..., self.sizes.n_obs :]
        central = torch.cat((central[:, None].expand(-1, n_agents, -1), index), -1)
        return Seen(own.flatten(0, 1).to(self.device), central.to(self.device))

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        own = {
            "maddpg.updates": np.array(self.updates),
            "maddpg.moments": self.moments.moments.copy(),
            "maddpg.target": self.target_flats[0].vector.cpu().numpy().copy(),
            "maddpg.target_critics": self.target_flats[1].vector.cpu().numpy().copy(),
        }
        nets = module_arrays(self.net) | module_arrays(self.critics, "critics.")
        adams = self.actor_adam.arrays("actor_adam.") | self.critic_adam.arrays("critic_adam.")
        return self.loop.state() | nets | adams | own

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        self.loop.restore(arrays)
        load_module(self.net, arrays)
        self.pupil.fetch()
        load_module(self.critics, arrays, "critics.")
        self.actor_adam.load(arrays, "actor_adam.")
        self.critic_adam.load(arrays, "critic_adam.")
        self.updates = int(arrays["maddpg.updates"])
        self.moments.moments[:] = arrays["maddpg.moments"]
        for flat, name in zip(self.target_flats, ("target", "target_critics"), strict=True):
            flat.vector.copy_(torch.from_numpy(arrays[f"maddpg.{name}"].copy()))
