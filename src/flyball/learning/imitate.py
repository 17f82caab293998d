# SPDX-License-Identifier: MIT
"""Imitation: learn to choose as the best teacher of each scenario chooses.

Behaviour cloning (Pomerleau 1989) with the option of DAgger (Ross, Gordon, Bagnell,
arXiv:1011.0686): in a share of the rows the learner acts while the teacher still labels, so that
the learner also sees where its own mistakes lead. Each iteration plays every row of the Env once,
every row on its own scenario and with that scenario's best teacher, then descends the
cross-entropy of the teachers' choices.

Known good result: a rule over options is reproduced with more than 95 % agreement
(``tests/learning/test_imitate.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from flyball.core.batch import Action, Bools, Doubles, Floats, Longs, Observation
from flyball.core.protocols import Env, Policy
from flyball.core.random import uniform
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.experience.arena import Arena
from flyball.learning.experience.collect import Played, collect_episodes
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Net
from flyball.learning.settings import EPISODE_STRIDE, check
from flyball.policies import Sizes, sizes_of

STREAM_EPOCH, STREAM_MIX = 2, 3

BestTeacher = Callable[[Longs], Sequence[str]]
"""Seeds (B,) of the rows to the name of the best teacher of each."""


@dataclass(frozen=True, kw_only=True)
class ImitateConfig:
    """Settings of `Imitate`."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    first_scenario: int = 0
    """Seed of row 0 in iteration 0; every iteration takes the next B seeds."""

    scenarios: int | None = None
    """Seeds start again after this many; None: never."""

    epochs: int = 2
    """Passes over the decisions of an iteration."""

    minibatch: int = 2048
    """Decisions in one gradient step."""

    rate: float = 2e-3
    """Learning rate of Adam at the start of the budget."""

    rate_end: float = 0.1
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    learner_rows: float = 0.5
    """Share of the rows in which the learner acts and the teacher only labels, in [0, 1]."""

    gradient_clip: float = 1.0
    """Largest norm of a gradient."""

    norm_iterations: int = 4
    """Iterations after which the feature normalisers stand still."""

    window: int = 16
    """Steps through which gradients flow, for networks with memory."""

    def __post_init__(self) -> None:
        check(
            "imitate",
            self,
            {
                "in [0, 1]": ("learner_rows", "rate_end"),
                "above 0": ("rate",),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "first_scenario", "norm_iterations"),
                "at least 1": ("scenarios", "epochs", "minibatch", "window"),
            },
        )


class Imitate:
    """A run of imitation on one Env: `iterate` plays every row once and learns from it."""

    name = "imitate"

    def __init__(
        self,
        env: Env,
        net: Net,
        config: ImitateConfig,
        teachers: Mapping[str, Policy],
        best: BestTeacher,
    ) -> None:
        self.env, self.net, self.config = env, net, config
        self.teachers, self.best = dict(teachers), best
        self.policy = NetPolicy(net)
        self.optimiser = Adam([net.actor], config.rate)
        self.arena = Arena(64, env.n_envs, net.sizes, n_memory=net.n_memory, window=config.window)

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Play, learn, and return what happened; `share` of the budget is spent."""
        config = self.config
        self.optimiser.rate = config.rate * (1 - share * (1 - config.rate_end))
        seeds = np.arange(self.env.n_envs, dtype=np.int64) + iteration * self.env.n_envs
        if config.scenarios is not None:
            seeds %= config.scenarios
        seeds += config.first_scenario
        lesson = Lesson(self, seeds, iteration)
        trajectories = collect_episodes(self.env, seeds, lesson.act, self.arena, {})
        if iteration < config.norm_iterations:
            self.net.learn_norm(self.arena.inputs(self.arena.decisions()))
        return trajectories.tally.figures() | self.learn(iteration)

    def learn(self, iteration: int) -> dict[str, float]:
        """Descend the cross-entropy of the labels in the arena; return loss and agreement."""
        config = self.config
        sums, n = torch.zeros(2, dtype=torch.float64), 0
        for epoch in range(config.epochs):
            name = (config.seed, iteration, epoch, STREAM_EPOCH)
            for batch in self.arena.blocks(self.arena.decisions(), config.minibatch, *name):
                log_prob, _ = self.net.terms(batch.through(self.net), batch.taken)
                self.optimiser.descend(-log_prob.mean(), config.gradient_clip)
                with torch.no_grad():
                    sums += torch.stack((-log_prob.mean(), log_prob.exp().mean()))
                n += 1
        loss, agreement = (sums / max(1, n)).tolist()
        return {"cross_entropy_nats": loss, "teacher_probability": agreement}

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on; the Env is reset in each."""
        return learner_arrays(self.net, self.optimiser)

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)


class Lesson:
    """Who teaches and who acts in each row, for one iteration."""

    def __init__(self, run: Imitate, seeds: Longs, iteration: int) -> None:
        names = run.best(seeds)
        self.run, self.iteration = run, iteration
        self.rows: dict[str, Bools] = {
            name: np.array([name == own for own in names]) for name in sorted(set(names))
        }
        draw = uniform(run.config.seed, iteration, np.arange(len(seeds)), STREAM_MIX)
        # Before its first lesson the learner knows nothing worth visiting.
        self.learner: Bools = (draw < run.config.learner_rows) & (iteration > 0)
        self.recalled: dict[str, Floats] = {}  # what each teacher remembers
        width = run.net.n_memory
        rows_in_all = len(seeds) * run.net.sizes.n_agents
        self.memory = np.zeros((rows_in_all, width), np.float32) if width else None

    def act(self, observation: Observation, step: int) -> Played:
        """Return what is played, and what the teachers say to learn from."""
        run, n_envs = self.run, len(observation.alive)
        rows = observation.alive.size
        label = self.said(observation)
        played, memory = label, self.memory
        if memory is not None or self.learner.any():
            key = (run.config.seed, self.iteration * EPISODE_STRIDE + step)
            before = memory if memory is not None else np.zeros((rows, 0), np.float32)
            own = run.policy.sample(observation, before.reshape(n_envs, -1), key)
            mine = self.learner[:, None, None]
            played = Action(
                np.where(mine, own.action.choice, label.choice),
                np.where(mine, own.action.value, label.value),
            )
            if memory is not None:
                self.memory = own.memory.reshape(rows, -1)
                # The critic is not taught; its half of the memory is not read.
                memory = np.concatenate((memory, np.zeros_like(memory)), 1)
        sizes = run.net.sizes
        choice = label.choice.reshape(rows, -1).astype(np.int64)
        log_prob = np.zeros(rows, np.float32)
        return Played(played, choice, latent_of(label.value, sizes), log_prob, memory)

    def said(self, observation: Observation) -> Action:
        """Return what each row's teacher does; an option's own index in its row, native values."""
        n_envs, n_agents = observation.alive.shape
        label: Action | None = None
        for name, rows in self.rows.items():
            teacher = self.run.teachers[name]
            memory = self.recalled.get(name, teacher.initial(n_envs))
            said, _, self.recalled[name] = teacher.act(observation, memory, None)
            if label is None:
                label = Action(said.choice.copy(), said.value.copy())
            else:
                label.choice[rows] = said.choice[rows]
                label.value[rows] = said.value[rows]
        if label is None:
            heads = self.run.net.sizes.n_heads
            none = np.zeros((n_envs, n_agents, self.run.net.sizes.n_values))
            label = Action(np.zeros((n_envs, n_agents, heads), np.int32), none)
        return label


def best_of(
    env: Env, teachers: Mapping[str, Policy], seeds: Longs, weights: Mapping[str, float]
) -> list[str]:
    """Return the name of the teacher that does best on each seed (B,), one episode of each.

    Of equals the first one stands.
    """
    sizes, utility = sizes_of(env.spec), []
    for teacher in teachers.values():
        memory = teacher.initial(env.n_envs)

        def act(observation: Observation, step: int, teacher: Policy = teacher) -> Played:
            nonlocal memory
            action, log_prob, memory = teacher.act(observation, memory, (0, step))
            choice = action.choice.reshape(log_prob.size, -1).astype(np.int64)
            return Played(action, choice, latent_of(action.value, sizes), log_prob.ravel())

        played = collect_episodes(env, seeds, act, Arena(64, env.n_envs, sizes), weights)
        utility.append(played.utility)
    names = list(teachers)
    return [names[k] for k in np.argmax(utility, axis=0)]


def latent_of(value: Doubles, sizes: Sizes) -> Floats:
    """Return latent values (R, D) of native ones (B, N, D); a bound is taken as 0.995 of the way.

    The bound itself lies at infinity, where no network can be taught to go.
    """
    low, high = np.array(sizes.low), np.array(sizes.high)
    if not sizes.n_values:
        return np.zeros((value.shape[0] * value.shape[1], 0), np.float32)
    share = np.clip(2.0 * (value - low) / (high - low) - 1.0, -0.995, 0.995)
    latent: Floats = np.arctanh(share).reshape(-1, sizes.n_values).astype(np.float32)
    return latent
