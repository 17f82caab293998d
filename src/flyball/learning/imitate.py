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

from flyball.core.batch import Action, Bools, Floats, Longs, Observation
from flyball.core.protocols import Env, Policy
from flyball.core.random import uniform
from flyball.learning.acting import NetPolicy
from flyball.learning.arena import Arena
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.collect import collect_episodes
from flyball.learning.loss import descend, minibatches, set_rate
from flyball.learning.nets import Net
from flyball.learning.settings import EPISODE_STRIDE, require

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

    def __post_init__(self) -> None:
        require("imitate.rate", self.rate, "above 0", ok=self.rate > 0, usual="1e-3 to 3e-3")
        share = self.learner_rows
        require("imitate.learner_rows", share, "in [0, 1]", ok=0 <= share <= 1, usual="0.5")
        least = min(self.epochs, self.minibatch)
        require("imitate.epochs, minibatch", least, "at least 1", ok=least > 0, usual="2, 2048")


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
        self.optimiser = torch.optim.Adam(net.actor.parameters(), config.rate, eps=1e-5)
        self.arena = Arena(64, env.n_envs, env.spec.n_agents, net.sizes)

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Play, learn, and return what happened; `share` of the budget is spent."""
        config = self.config
        set_rate(self.optimiser, config.rate * (1 - share * (1 - config.rate_end)))
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
            for rows in minibatches(self.arena.decisions(), config.minibatch, *name):
                batch = self.arena.minibatch(rows)
                log_prob, _ = self.net.terms(self.net.normalise(batch.inputs), batch.choice)
                descend(-log_prob.mean(), self.net.actor, self.optimiser, config.gradient_clip)
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

    def act(self, observation: Observation, step: int) -> tuple[Action, Action, Floats]:
        """Return what is played, what the teachers say, and zeros for a log-probability."""
        n_envs, n_agents = observation.alive.shape
        empty = np.zeros((n_envs, 0), np.float32)
        label: Action | None = None
        for name, rows in self.rows.items():
            said, _, _ = self.run.teachers[name].act(observation, empty, None)
            if label is None:
                label = Action(said.choice.copy(), said.value.copy())
            else:
                label.choice[rows] = said.choice[rows]
        if label is None:
            label = Action(
                np.zeros((n_envs, n_agents, 1), np.int32), np.zeros((n_envs, n_agents, 0))
            )
        played = label
        if self.learner.any():
            key = (self.run.config.seed, self.iteration * EPISODE_STRIDE + step)
            own, _, _ = self.run.policy.act(observation, empty, key)
            mixed = np.where(self.learner[:, None, None], own.choice, label.choice)
            played = Action(mixed, label.value)
        return played, label, np.zeros((n_envs, n_agents), np.float32)
