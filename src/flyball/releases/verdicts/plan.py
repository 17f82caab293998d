# SPDX-License-Identifier: MIT
"""What is agreed before a comparison begins: metrics, margins, ramp, and how wrong it may be."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flyball.core.errors import ConfigError, Problem
from flyball.core.spec import Sense
from flyball.releases.verdicts.drift import Usual

PLAIN = 2.5
"""Standard errors by which the plain mean must be better than the margin, too, for promotion. Bets
are cut, so they see what most blocks are like; rare blocks that are very bad show in the mean. It
is no part of the proof, costs next to nothing where noise is mild, and never stops a rollback."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of a block, and how much worse it may become."""

    name: str
    unit: str
    sense: Sense
    """Which way is better; *worse* means less of a figure to be maximised."""

    margin: float
    """Promotion needs proof that the challenger is worse by less than this, in `unit`."""

    harm: float = 0.0
    """Proof that it is worse by more than this rolls it back, in `unit`; at most `margin`."""

    span: tuple[float, float] | None = None
    """Lowest and highest figure possible. Then the mean difference is tested exactly, whatever its
    spread from block to block, at the price of blocks where figures use little of the span."""


INTERVENTIONS = Metric(
    name="interventions", unit="share of decisions", sense="min", margin=0.05, harm=0.02
)
"""How often the Shield changed a decision: good figures may be the Shield's, not the policy's."""


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One stage of the ramp."""

    stage: str
    share: float
    """The challenger's probability of a block; blocks with this much or more count for the rung."""

    blocks: int
    """Blocks of evidence, of either arm, before the next stage or promotion."""


RAMP = (
    Rung(stage="10 %", share=0.1, blocks=40),
    Rung(stage="25 %", share=0.25, blocks=40),
    Rung(stage="50 %", share=0.5, blocks=20),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a verdict depends on besides the blocks."""

    primary: Metric
    """What the challenger is for."""

    guards: tuple[Metric, ...] = (INTERVENTIONS,)
    """What it must not spoil; to leave out the Shield's interventions is to say so here."""

    alpha: float = 0.01
    """Probability of rolling back a challenger that does no harm, and of promoting one that is
    worse by a margin: at most this each, all looks and metrics together."""

    challengers: int = 1
    """How many are compared at once; they share `alpha`."""

    ramp: tuple[Rung, ...] = RAMP
    exposed: int = 10
    """Blocks with the challenger before promotion."""

    most: int = 600
    """Blocks of evidence after which it is given up: hold."""

    breaches: int = 0
    """How often a hard guard may trip in the challenger's blocks; once more rolls it back."""

    lost: float = 0.1
    """Share of the challenger's blocks that may be lost and still promote."""

    usual: Usual | None = None
    """What the champion's blocks were like in the primary metric before; None: not watched. Blocks
    of a balanced switchback are not watched."""

    beside_twin: bool = False
    """Whether `usual` is about figures less what the twin says of them."""

    looks: tuple[int, ...] = ()
    """Blocks of evidence at which it is looked at, the last one `most`; empty: at any time."""

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ConfigError(problems)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The primary metric, then the guards."""
        return (self.primary, *self.guards)

    @property
    def alpha_harm(self) -> float:
        """Error of rolling back that each metric has."""
        return self.alpha / (len(self.metrics) * self.challengers)

    @property
    def alpha_promote(self) -> float:
        """Error of promoting that each metric has: as all of them must agree, all of it."""
        return self.alpha / self.challengers


def _problems(plan: Plan) -> Iterator[Problem]:
    for metric in plan.metrics:
        sound = math.isfinite(metric.margin) and math.isfinite(metric.harm)
        if not sound or metric.harm < 0.0 or metric.margin < metric.harm:
            yield Problem(
                where=f"plan, metric {metric.name}",
                found=f"margin {metric.margin:g} {metric.unit}, harm {metric.harm:g}",
                allowed="0 <= harm <= margin",
                fix="a margin is the loss that you accept; harm is the loss that ends the trial",
            )
        low, high = metric.span or (0.0, 1.0)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            yield _found(f"metric {metric.name}", f"span {low:g} to {high:g}", "low below high")
    if len({metric.name for metric in plan.metrics}) < len(plan.metrics):
        yield _found("metrics", "two with one name", "a name for each")
    if not 0.0 < plan.alpha <= 0.2:
        yield _found("alpha", f"{plan.alpha:g}", "above 0, at most 0.2")
    shares = [rung.share for rung in plan.ramp]
    if not shares or sorted(shares) != shares or not all(0.0 < share < 1.0 for share in shares):
        yield _found("ramp", f"shares {shares}", "at least one, in (0, 1), never falling")
    least = sum(rung.blocks for rung in plan.ramp)
    if min([rung.blocks for rung in plan.ramp] + [plan.exposed, plan.breaches]) < 0:
        yield _found("ramp", "a negative number of blocks", "0 or more")
    if plan.most < max(least, 1):
        yield _found("most", f"{plan.most} blocks", f"at least the ramp's {least}")
    if not 0.0 <= plan.lost < 1.0 or plan.challengers not in (1, 2):
        yield _found(
            "lost or challengers", f"{plan.lost:g}, {plan.challengers}", "in [0, 1), 1 or 2"
        )
    yield from _looked(plan.looks, plan.most)


def _looked(looks: Sequence[int], most: int) -> Iterator[Problem]:
    rising = list(looks) == sorted(set(looks)) and (not looks or looks[0] > 0)
    if looks and not (rising and looks[-1] == most):
        yield _found("looks", f"{list(looks)}", f"rising numbers of blocks, the last {most}")


def _found(where: str, found: str, allowed: str) -> Problem:
    return Problem(where=f"plan, {where}", found=found, allowed=allowed, fix="change the plan")
