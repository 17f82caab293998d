# SPDX-License-Identifier: MIT
"""A learned safety critic that may only tighten: it vetoes actions, and never allows one.

B parallel copies · N agents · C costs · n examples (see `experience.sequel`).
An ensemble of small networks predicts what each cost will come to within the next steps of an
episode; a split-conformal margin on examples that it never learned from turns the prediction into
an upper bound. Whatever the networks are worth, and whatever the plant does, the bound holds with
probability at least 1 - alpha for a further example that is exchangeable with those of the margin
(Vovk et al., *Algorithmic learning in a random world*, 2005; Lei et al., arXiv:1604.04173).
Examples of one episode belong together, so the unit is the episode: with `covers` "decision" one
example drawn from each is its score, and the bound holds for a decision drawn from a further
episode; with "episode" it is the worst example, and the bound holds for all decisions of a further
episode at once, at the price of a wide margin. An action whose bound is above what is tolerated is
vetoed; so of such decisions, or episodes, at most the share alpha costs more than is tolerated
without a veto. That is for the policy and the plant that the examples came from: a policy that
learned since, or that avoids what is vetoed, is another one. Hence a Shield may send what is vetoed
to its backup, and must check what is not vetoed all the same.

With fewer groups than the share asked for can be told from, the margin is infinite and everything
is vetoed; so is an action outside its range, and whatever is no number.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Action, Bools, Doubles, Floats, Observation
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.random import generator
from flyball.core.spec import Cost, Spec
from flyball.learning.checkpoint import Arrays, load_module, module_arrays
from flyball.learning.experience.sequel import Encoding, Examples, lived
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import layer, mlp
from flyball.learning.nets.norm import FeatureNorm
from flyball.learning.settings import check

__all__ = ["Examples", "Veto", "VetoConfig", "fit", "lived", "margin"]

STREAM_SPLIT, STREAM_ORDER, STREAM_DRAWN = 21, 22, 23

Covers = Literal["decision", "episode"]


@dataclass(frozen=True, kw_only=True)
class VetoConfig:
    """Settings of a `Veto`."""

    seed: int = 0
    """Names every random draw, at least 0."""

    alpha: float = 0.05
    """Largest share of decisions, or episodes, for which the bound may be too low, in (0, 1)."""

    covers: Covers = "decision"
    """What alpha is a share of: decisions, each drawn from an episode, or whole episodes."""

    tolerated: Mapping[str, float] = field(default_factory=dict)
    """Coming cost that is let through, by its name; others: the limit of an episode."""

    members: int = 5
    """Networks in the ensemble."""

    hidden: tuple[int, ...] = (64, 64)
    """Widths of their layers."""

    calibration: float = 0.4
    """Share of the groups that the margin is taken of, in (0, 1)."""

    epochs: int = 60
    """Passes over the examples."""

    minibatch: int = 256
    """Examples in one gradient step."""

    rate: float = 3e-3
    """Learning rate of Adam at the start; it falls to nothing."""

    def __post_init__(self) -> None:
        check(
            "veto",
            self,
            {
                "in (0, 1)": ("alpha", "calibration"),
                "above 0": ("rate",),
                "at least 0": ("seed",),
                "at least 1": ("members", "epochs", "minibatch"),
            },
            {"covers": get_args(Covers)},
        )


def margin(score: Doubles, alpha: float) -> float:
    """Return the split-conformal quantile of n scores (n,): infinite where n is too small.

    A further score that is exchangeable with them lies at or below it with probability at least
    1 - alpha: it is the score of rank ceil((n + 1)(1 - alpha)). A score that is no number counts as
    infinite.
    """
    n = len(score)
    rank = math.ceil((n + 1) * (1.0 - alpha) - 1e-12)
    if rank > n:
        return math.inf
    return float(np.sort(np.where(np.isnan(score), np.inf, score))[rank - 1])


class Veto:
    """Ensemble, margin, and what is tolerated; made by `fit`."""

    def __init__(self, spec: Spec, config: VetoConfig) -> None:
        """Make an unfitted critic, which vetoes everything.

        Raises
        ------
        ConfigError
            When the world has no costs or has options, or a tolerated cost is none of its.
        """
        self.encoding, self.config = Encoding(spec), config
        sizes = self.encoding.sizes
        width = sizes.n_obs + sizes.n_index + sum(sizes.actions) + sizes.n_values
        draws = torch.Generator().manual_seed(config.seed)
        self.norm = FeatureNorm(width, kind="standard")
        widths = (width, *config.hidden)
        self.members = nn.ModuleList(
            nn.Sequential(
                mlp(widths, "relu", draws), layer(widths[-1], len(spec.costs), 1.0, draws)
            )
            for _ in range(config.members)
        )
        self.unit: Doubles = np.ones(len(spec.costs))
        self.margin: Doubles = np.full(len(spec.costs), np.inf)
        self.tolerated: Doubles = _tolerated(spec.costs, config.tolerated)

    def vetoes(self, observation: Observation, action: Action) -> Bools:
        """Return which actions (B, N) the Shield should send to its backup.

        One that is not vetoed is not allowed by that: it has to pass all other checks.
        """
        kept = self.bound(observation, action) <= self.tolerated  # False where it is no number
        allowed: Bools = np.all(kept, axis=-1)
        return ~allowed

    def bound(self, observation: Observation, action: Action) -> Doubles:
        """Return upper bounds (B, N, C) of what each cost comes to within the horizon.

        Infinite for an action that the heads could not have said, and for what is no number.
        """
        rows, fine = self.encoding.rows(observation, action)
        found = self.predicted(rows) + self.margin
        found = np.where(fine[:, None] & ~np.isnan(found), found, np.inf)
        return found.reshape(*observation.alive.shape, -1)

    def predicted(self, seen: Floats) -> Doubles:
        """Return what each cost comes to (n, C), by the member that expects the most."""
        with torch.inference_mode():
            x = self.norm(torch.from_numpy(seen))
            each = torch.stack([member(x) for member in self.members])
        most: Doubles = each.amax(0).double().numpy() * self.unit
        return most

    def calibrate(self, examples: Examples) -> None:
        """Take the margin of each cost from examples that were not learned from."""
        if self.config.covers == "decision":  # the first of each episode in an order that is drawn
            order = generator(self.config.seed, STREAM_DRAWN).permutation(len(examples.group))
            examples = examples.at(order[np.unique(examples.group[order], return_index=True)[1]])
        short = examples.coming - self.predicted(examples.seen)
        groups = np.unique(examples.group, return_inverse=True)[1]
        worst = np.full((groups.max(initial=-1) + 1, short.shape[1]), -np.inf)
        np.maximum.at(worst, groups, np.where(np.isnan(short), np.inf, short))
        # Each cost has its share of what may go wrong, so that together it is alpha.
        alpha = self.config.alpha / short.shape[1]
        self.margin = np.array([margin(column, alpha) for column in worst.T])

    def state(self) -> Arrays:
        """Return everything that was fitted, as named arrays."""
        own = module_arrays(self.members, "veto.members.") | module_arrays(self.norm, "veto.norm.")
        return own | {"veto.unit": self.unit.copy(), "veto.margin": self.margin.copy()}

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`."""
        load_module(self.members, arrays, "veto.members.")
        load_module(self.norm, arrays, "veto.norm.")
        self.unit, self.margin = arrays["veto.unit"].copy(), arrays["veto.margin"].copy()


def fit(spec: Spec, examples: Examples, config: VetoConfig) -> Veto:
    """Return a critic that was fitted to some groups of examples, with the margin of the others.

    Raises
    ------
    ConfigError
        When the world has no costs or has options, or a tolerated cost is none of its.
    """
    veto = Veto(spec, config)
    names = np.unique(examples.group)
    order = generator(config.seed, STREAM_SPLIT).permutation(len(names))
    held = names[order[: round(config.calibration * len(names))]]
    kept = np.isin(examples.group, held)
    if not kept.all():
        _learn(veto, examples.at(~kept))
    veto.calibrate(examples.at(kept))
    return veto


def _learn(veto: Veto, examples: Examples) -> None:
    """Fit every member to the examples, each in an order of its own."""
    config = veto.config
    spread = examples.coming.std(0)
    veto.unit = np.where(spread > 0.0, spread, 1.0)
    veto.norm.learn(examples.seen)
    x = veto.norm(torch.from_numpy(examples.seen))
    y = torch.from_numpy((examples.coming / veto.unit).astype(np.float32))
    for k, member in enumerate(veto.members):
        optimiser = Adam([member], config.rate)
        for epoch in range(config.epochs):
            optimiser.rate = config.rate * (1.0 - epoch / config.epochs)
            for block in _blocks(len(x), config.minibatch, config.seed, k, epoch):
                optimiser.descend((member(x[block]) - y[block]).square().mean(), 1.0)


def _blocks(n: int, size: int, *name: int) -> Iterator[Tensor]:
    order = generator(*name, STREAM_ORDER).permutation(n)
    for part in np.array_split(order, max(1, round(n / size))):
        yield torch.from_numpy(part)


def _tolerated(costs: tuple[Cost, ...], asked: Mapping[str, float]) -> Doubles:
    """Return what is tolerated of each cost (C,)."""
    names = [cost.name for cost in costs]
    problems = [
        Problem(where="veto.tolerated", found=f"'{name}'", allowed=", ".join(names),
                fix=nearest(name, names))
        for name in asked
        if name not in names
    ]  # fmt: skip
    problems += [
        Problem(where=f"veto.tolerated.{name}", found=str(value), allowed="a finite number",
                fix="write how much of it may come within the horizon")
        for name, value in asked.items()
        if name in names and not math.isfinite(value)
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    return np.array([asked.get(cost.name, cost.limit) for cost in costs])
