# SPDX-License-Identifier: MIT
"""Deep Q-learning for masked categorical heads.

Mnih et al. (2015), *Human-level control*; by choice double (van Hasselt et al., arXiv:1509.06461),
duelling (Wang et al., arXiv:1511.06581), with n-step returns and prioritised replay
(arXiv:1511.05952). ``target = r + gamma^k * Q'(s_k, a*)`` with a* the best *legal* action by Q'
(double: by Q), no bootstrap where the episode terminated, and Huber's loss. Steps, not updates,
move the target network, as in Stable-Baselines3, whose published settings can be stated here.

Deviations: a truncated episode bootstraps from its last observation before the reset; several
choice heads are worth the sum of their values, each with a maximum of its own; several agents learn
one network each for itself. The duelling value has a network of its own (`net.critic`, which sees
the privileged state where there is one) beside that of the advantages (`net.actor`): the best
action is then the actor's alone, so that acting and export need nothing else. Advantages are taken
relative to the mean over all actions, equation 9. Rewards are not clipped.

Known good result: a two-state chain to its closed-form values (``tests/learning/test_dqn.py``), and
CartPole at the settings of rl-baselines3-zoo to a mean return of 475 and more.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Action, Observation
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.learning.acting.greedy import EpsilonGreedy, own_rows, scores, told_apart
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.devices import DeviceName, Pupil, device_of
from flyball.learning.experience.offpolicy import Loop
from flyball.learning.experience.replay import Batch, Replay
from flyball.learning.experience.sumtree import Priorities, PriorityConfig
from flyball.learning.nets.flat import Adam, Flat
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.settings import check, require

ROWS_AT_ONCE = 16_384
"""Transitions that are gathered together for several gradient steps: more only take memory."""


@dataclass(frozen=True, kw_only=True)
class DQNConfig:
    """Settings of `DQN`; the defaults are those of Stable-Baselines3 where it has them."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    device: DeviceName = "cpu"
    """Where the network learns: cpu, cuda, or auto for cuda where there is one."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    rate: float = 1e-4
    """Learning rate of Adam."""

    minibatch: int = 32
    """Transitions in one gradient step."""

    capacity: int = 100_000
    """Transitions that are kept, all parallel rows together."""

    file_above_mb: float = 256.0
    """A larger replay lies in a file of the run's folder, MB."""

    learning_starts: int = 100
    """Transitions, all rows together, that are collected at random before learning begins."""

    train_freq: int = 4
    """Steps of every row in one iteration."""

    gradient_steps: int = 1
    """Gradient steps in one iteration; -1: as many as transitions were collected."""

    gamma: float = 0.99
    """Discount per decision, in [0, 1]."""

    n_step: int = 1
    """Steps of reward before the bootstrap, at least 1."""

    double: bool = False
    """Whether the learned network names the action that the target network values."""

    duelling: bool = False
    """Whether the value of a state has a network of its own."""

    prioritised: bool = False
    """Whether transitions are drawn by their error."""

    alpha: float = 0.6
    """Prioritised: how much the error counts, in [0, 1]."""

    beta: float = 0.4
    """Prioritised: how far weights undo that at first, in [0, 1]; 1 at the end of the budget."""

    target_every: int = 10_000
    """Transitions, all rows together, from one move of the target network to the next."""

    tau: float = 1.0
    """How far it moves towards the learned one, in (0, 1]; 1 copies."""

    epsilon: float = 1.0
    """Share of random actions at the start, in [0, 1]."""

    epsilon_end: float = 0.05
    """Share of random actions in the end, in [0, 1]."""

    exploration_share: float = 0.1
    """Share of the budget over which that falls, in [0, 1]."""

    gradient_clip: float = 10.0
    """Largest norm of a gradient."""

    norm_updates: int = 1000
    """Gradient steps after which the feature normalisers stand still."""

    def __post_init__(self) -> None:
        check(
            "dqn",
            self,
            {
                "in [0, 1]": (
                    "gamma",
                    "alpha",
                    "beta",
                    "epsilon",
                    "epsilon_end",
                    "exploration_share",
                ),
                "in (0, 1]": ("tau",),
                "above 0": ("rate",),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "learning_starts", "norm_updates"),
                "at least 0, or inf": ("file_above_mb",),
                "at least 1": ("minibatch", "capacity", "train_freq", "n_step", "target_every"),
                "at least 1, or -1": ("gradient_steps",),
            },
        )


def value_net(spec: Spec, config: NetConfig, seed: int) -> Net:
    """Return a network whose layers start as torch's own do (He et al., arXiv:1502.01852).

    The published settings of DQN belong to this start; the orthogonal one of policies has no
    biases, so that all kinks of its first layer go through the origin.
    """
    net, draws = Net(spec, config, seed), torch.Generator().manual_seed(seed)
    for part in (net.actor, net.critic):
        for layer in part.modules():
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                nn.init.uniform_(layer.weight, -bound, bound, generator=draws)
                nn.init.uniform_(layer.bias, -bound, bound, generator=draws)
    return net


class Now(NamedTuple):
    """What was seen and done in R rows."""

    own: Tensor  # (R, E) normalised
    central: Tensor  # (R, E') normalised, for the duelling value
    column: Tensor  # (R, H) i64  of the actions taken, among all A
    weight: Tensor  # (R,)  of the error in the loss; 0 for an agent that did not act


class Then(NamedTuple):
    """What followed in R rows."""

    own: Tensor  # (R, E)
    central: Tensor  # (R, E')
    legal: Tensor  # (R, A) bool
    reward: Tensor  # (R,)
    discount: Tensor  # (R,)


class DQN:
    """A run of DQN on one Env: `iterate` collects and learns once."""

    name = "dqn"

    def __init__(self, env: Env, net: Net, config: DQNConfig, folder: Path | None = None) -> None:
        """Reset the Env.

        Parameters
        ----------
        env
            Its agents are of one kind, with Categorical heads.
        net
            Without memory; its actor's scores are the values.
        config
            Settings.
        folder
            Of the run, for a replay that is too large for memory.
        """
        sizes = net.sizes
        found = f"{sizes.n_heads} choice heads, {sizes.n_values} continuous, {sizes.n_features} "
        found += f"features of options, memory {net.n_memory}"
        ok = bool(sizes.actions) and not sizes.n_values and not sizes.n_features
        allowed = "Categorical heads and no memory"
        usual = "ppo, or a net without cell"
        require("dqn", found, allowed, ok=ok and not net.n_memory, usual=usual)
        self.env, self.net, self.config = env, net, config
        self.pupil = Pupil(net, device_of(config.device, "dqn.device", net))
        self.device = self.pupil.device
        self.target = deepcopy(self.pupil.net)
        self.optimiser = Adam(_learned(self.pupil.net, config), config.rate, eps=1e-8)
        self.target_flat = Flat(_learned(self.target, config))
        self.head = torch.from_numpy(sizes.starts[:-1]).to(self.device)
        self.replay = Replay(env.spec, env.n_envs, config, folder)
        self.priorities: Priorities | None = None
        if config.prioritised:
            own = PriorityConfig(alpha=config.alpha, beta=config.beta)
            self.priorities = Priorities(self.replay.n_slots * env.n_envs, own)
        self.policy = EpsilonGreedy(net)
        self.memory = self.policy.initial(env.n_envs)
        self.loop = Loop(
            env,
            self.replay,
            seed=config.seed,
            learning_starts=config.learning_starts,
            on_add=self._prioritise if config.prioritised else None,
        )
        self.updates = 0

    def iterate(self, iteration: int, share: float) -> dict[str, float]:  # noqa: ARG002
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config, before = self.config, self.loop.steps
        spent = min(1.0, share / config.exploration_share) if config.exploration_share else 1.0
        self.policy.epsilon = config.epsilon + spent * (config.epsilon_end - config.epsilon)
        self.loop.collect(self._explore, config.train_freq)
        self._move_target(before)
        figures = self.loop.figures() | {"epsilon": self.policy.epsilon}
        if not self.loop.ready:
            return figures
        n_updates = config.gradient_steps
        if n_updates < 0:
            n_updates = config.train_freq * self.env.n_envs
        return figures | self._learn(n_updates, share)

    def _explore(self, observation: Observation, key: tuple[int, int]) -> Action:
        return self.policy.act(observation, self.memory, key)[0]

    def _prioritise(self) -> None:
        if self.priorities is not None:
            self.priorities.add(self.replay.newest, self.env.n_envs)

    def _move_target(self, before: int) -> None:
        """Follow the learned network once for each multiple of `target_every` that was passed."""
        every = self.config.target_every
        times = self.loop.steps // every - before // every
        if times:
            # The learned network stood still meanwhile, so that several moves are a longer one.
            self.target_flat.approach(self.optimiser.flat, 1.0 - (1.0 - self.config.tau) ** times)

    def _learn(self, n_updates: int, share: float) -> dict[str, float]:
        """Take gradient steps; return the mean loss, and error and value of the last step."""
        size, seed, priorities = self.config.minibatch, self.config.seed, self.priorities
        losses: list[Tensor] = []
        self.pupil.fetch()
        at_once = max(1, ROWS_AT_ONCE // size) if priorities is None else 1
        for first in range(0, n_updates, at_once):
            n = min(at_once, n_updates - first)
            if priorities is None:
                places = self.replay.draw(size, seed=seed, update=self.updates, n_updates=n)
                weight = None
            else:
                places = priorities.draw(size, seed=seed, update=self.updates)
                weight = torch.from_numpy(priorities.weights(places, priorities.beta(share)))
            for now, goal in self.lessons(self.replay.sample(places), weight):
                loss, value = self.update(now, goal)
                losses.append(loss)
            error = (value - goal).abs_()
            if priorities is not None:
                priorities.update(places, error.view(size, -1).amax(-1).cpu().numpy())
        self.pupil.bring()
        figures = torch.stack((torch.stack(losses).mean(), error.mean(), value.mean()))
        return dict(zip(("loss", "error", "value"), figures.tolist(), strict=True))

    def lessons(self, batch: Batch, weight: Tensor | None = None) -> Iterator[tuple[Now, Tensor]]:
        """Yield the rows and the goals (R,) of one gradient step after the other.

        Where the target network alone says what follows, it says so of all steps at once: it
        stands still until the next iteration.

        Parameters
        ----------
        batch
            Transitions of one or more minibatches.
        weight
            (n,) of each transition in the loss; None: they count alike.
        """
        if self.updates < self.config.norm_updates and self.net.config.norm != "none":
            self.net.obs_norm.learn(batch.obs.flatten(0, 1).numpy())
            self.net.state_norm.learn(batch.state.numpy())
        now, then = self.now(batch, weight), self.then(batch)
        n_rows = self.config.minibatch * self.net.sizes.n_agents
        parts = zip(*(part.split(n_rows) for part in now), strict=True)
        if self.config.double:  # lazily: the learned network changes from step to step
            later = zip(*(part.split(n_rows) for part in then), strict=True)
            goals = (self.goal(Then(*part), self.pupil.net) for part in later)
        else:
            goals = iter(self.goal(then, self.target).split(n_rows))
        for part, goal in zip(parts, goals, strict=True):
            yield Now(*part), goal

    def now(self, batch: Batch, weight: Tensor | None) -> Now:
        """Return the rows of transitions, weights divided by the number of agents that acted."""
        own, central = self._rows(batch.obs, batch.state)
        acted = batch.alive.reshape(-1, self.config.minibatch * self.net.sizes.n_agents)
        counts = (acted / acted.sum(-1, keepdim=True).clamp_(min=1)).view(batch.alive.shape)
        if weight is not None:
            counts = counts * weight[:, None]
        column = (batch.choice.to(self.device) + self.head).flatten(0, 1)
        return Now(own, central, column, counts.flatten().to(self.device))

    def then(self, batch: Batch) -> Then:
        """Return the rows of what followed."""
        own, central = self._rows(batch.next_obs, batch.next_state)
        rest = (batch.next_mask.flatten(0, 1), batch.reward.flatten(), batch.discount.flatten())
        return Then(own, central, *(part.to(self.device) for part in rest))

    def goal(self, then: Then, chooser: Net) -> Tensor:
        """Return (R,) reward and discounted value of the action that `chooser` finds best.

        A head with nothing legal counts as choosing its first action, as acting does; where the
        episode terminated its value is not used at all.
        """
        with torch.no_grad():
            q = self.values(self.target, then.own, then.central)
            said = q if chooser is self.target else self.values(chooser, then.own, then.central)
            said = said.masked_fill(~then.legal, torch.finfo(said.dtype).min)
            heads = said.split(self.net.sizes.actions, -1)
            best = torch.stack([head.argmax(-1) for head in heads], -1) + self.head
            return q.gather(-1, best).sum(-1).mul_(then.discount).add_(then.reward)

    def update(self, now: Now, goal: Tensor) -> tuple[Tensor, Tensor]:
        """Take one gradient step towards a goal (R,); return the loss and the values (R,)."""
        value = self.values(self.pupil.net, now.own, now.central).gather(-1, now.column).sum(-1)
        error = nn.functional.smooth_l1_loss(value, goal, reduction="none")
        loss = torch.dot(error, now.weight)
        self.optimiser.descend(loss, self.config.gradient_clip)
        self.updates += 1
        return loss.detach(), value.detach()

    def values(self, net: Net, own: Tensor, central: Tensor) -> Tensor:
        """Return the value (R, A) of every action; those of several heads add up."""
        q = scores(net.actor, own)
        if not self.config.duelling:
            return q
        sizes, none = net.sizes.actions, q.new_zeros(0)
        value: Tensor = net.critic(central, none, none)
        parts = [part - part.mean(-1, keepdim=True) for part in q.split(sizes, -1)]
        return torch.cat(parts, -1) + value[:, None] / len(sizes)

    def _rows(self, obs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the actor and, with duelling, the critic read of observations."""
        own = own_rows(self.net, obs).to(self.device)
        if not (self.config.duelling and self.net.critic.sees_state):
            return own, own
        central = self.net.state_norm(state)[:, None].expand(-1, self.net.sizes.n_agents, -1)
        return own, told_apart(self.net, central).flatten(0, 1).to(self.device)

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        own: Arrays = {
            "dqn.updates": np.array(self.updates),
            "dqn.target": self.target_flat.vector.cpu().numpy().copy(),
        }
        priorities = self.priorities.state() if self.priorities is not None else {}
        return learner_arrays(self.net, self.optimiser) | self.loop.state() | priorities | own

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        self.pupil.fetch()
        self.loop.restore(arrays)
        if self.priorities is not None:
            self.priorities.restore(arrays)
        self.updates = int(arrays["dqn.updates"])
        self.target_flat.vector.copy_(torch.from_numpy(arrays["dqn.target"].copy()))


def _learned(net: Net, config: DQNConfig) -> list[nn.Module]:
    return [net.actor, net.critic] if config.duelling else [net.actor]
