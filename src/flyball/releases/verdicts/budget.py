# SPDX-License-Identifier: MIT
"""How often a year may be wrong: every judged update spends some of it, and it can run out.

Twenty updates judged at 5 % each pass at least one bad one with probability up to 64 %. Under a
budget the probabilities of all updates of a period add up to no more than `alpha`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flyball.core.errors import ConfigError, Problem


@dataclass(frozen=True)
class Spending:
    """One update that was judged."""

    release: str
    at: str
    """When, as text: ``2026-11-21``."""

    alpha: float


@dataclass(frozen=True)
class Budget:
    """The error of a period and what of it is spent; plain data through `as_json`."""

    period: str
    """``2026``, or any other name."""

    alpha: float
    """Probability of at least one wrong verdict in the period, in (0, 1)."""

    spendings: tuple[Spending, ...] = ()

    def __post_init__(self) -> None:
        amounts = [each.alpha for each in self.spendings]
        if not 0.0 < self.alpha < 1.0 or not all(0.0 < amount < 1.0 for amount in amounts):
            raise ConfigError(_wrong(self, f"alpha {self.alpha} with spendings {amounts}"))
        if math.fsum(amounts) > self.alpha * (1.0 + 1e-12):
            raise ConfigError(_wrong(self, f"{math.fsum(amounts):g} spent of {self.alpha:g}"))

    @property
    def left(self) -> float:
        """What is not spent."""
        return max(0.0, self.alpha - math.fsum(each.alpha for each in self.spendings))

    def share(self, updates: int) -> float:
        """Return what each of so many updates to come may spend."""
        return self.left / updates if updates > 0 else 0.0

    def spend(self, release: str, at: str, alpha: float) -> "Budget":
        """Return the budget after an update, which is to be judged at `alpha`.

        The same release is charged once: judging it again at the same alpha costs nothing.

        Raises
        ------
        ConfigError
            When less is left, or the release was charged another amount.
        """
        earlier = [each for each in self.spendings if each.release == release]
        if earlier and earlier[0].alpha == alpha:
            return self
        if earlier:
            raise ConfigError(_wrong(self, f"{release} was charged {earlier[0].alpha:g} before"))
        if not 0.0 < alpha <= self.left * (1.0 + 1e-12):
            raise ConfigError(_wrong(self, f"{alpha:g} asked for, {self.left:g} left"))
        return replace(self, spendings=(*self.spendings, Spending(release, at, alpha)))

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "period": self.period,
            "alpha": self.alpha,
            "spendings": [[each.release, each.at, each.alpha] for each in self.spendings],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Budget":
        """Return the budget that `as_json` wrote.

        Raises
        ------
        ConfigError
            When the data are none, or more was spent than there was.
        """
        try:
            spendings = tuple(
                Spending(str(release), str(at), float(alpha))
                for release, at, alpha in plain["spendings"]
            )
            return cls(str(plain["period"]), float(plain["alpha"]), spendings)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                Problem(
                    where="alpha budget",
                    found=f"data that are none: {error!r}",
                    allowed="period, alpha, and spendings of release, time and alpha",
                    fix="take it from the registry's last sound copy",
                )
            ) from error


def _wrong(budget: Budget, found: str) -> Problem:
    return Problem(
        where=f"alpha budget of {budget.period}",
        found=found,
        allowed="what is left; every amount above 0, all together at most alpha, in (0, 1)",
        fix="judge fewer updates, each at a smaller alpha, or wait for the next period",
    )
