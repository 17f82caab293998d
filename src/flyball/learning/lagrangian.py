# SPDX-License-Identifier: MIT
"""PPO under cost limits: each cost has a price, and a controller moves the price to the limit.

The policy learns from the advantage of the reward less the priced advantages of the costs, divided
by one plus the prices, so that its size stays the same however dear a cost becomes; everything else
is `ppo`. A price (Lagrange's multiplier) is what a PID controller says of how far the mean cost of
an episode lies beyond its limit (Stooke et al., *Responsive safety in reinforcement learning by PID
Lagrangian methods*, arXiv:2007.03964): the integral alone is the classical Lagrangian, which
oscillates. Its parts are projected as in the paper: the integral and the price are never negative,
and the derivative acts only while the cost rises. The integral stands still while the price is at
its largest (no wind-up), and the controller stands still while no episode has ended.

Rewards and costs enter in running deviations of their returns, so that the gains of the controller
suit any unit; the figure `multiplier` is the price in native units, utility per cost. What a cost
of an episode is, and how its advantage is estimated, stands in `experience.costs`: undiscounted, as
its limit is.

A price controls an *expected* cost and never is a guarantee: see
``docs/algorithms/ppo_lagrangian.md``.

Known good result: a three-state problem with one limit, whose linear program is solved by hand, to
within 2 % of its optimum and below its limit (``tests/learning/test_lagrangian.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from flyball.core.batch import Bools, Doubles
from flyball.core.errors import ConfigError
from flyball.core.protocols import Env
from flyball.learning.checkpoint import Arrays
from flyball.learning.devices import device_of
from flyball.learning.experience.costs import CostPlan, Costs, limits_of, require_costs
from flyball.learning.experience.metered import Metered
from flyball.learning.nets.net import Net
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.settings import check

STREAM_COSTS = 12


@dataclass(frozen=True, kw_only=True)
class PPOLagrangianConfig(PPOConfig):
    """Settings of `PPOLagrangian`: those of PPO, and the controller's."""

    limits: Mapping[str, float] = field(default_factory=dict)
    """Largest mean cost of an episode by cost, native units; other costs keep the world's limit."""

    proportional: float = 1.0
    """Price of a deviation of cost beyond the limit now."""

    integral: float = 0.1
    """Price of a deviation of cost beyond the limit that has lasted for an iteration."""

    derivative: float = 0.5
    """Price of a rise of the cost by a deviation since the last iteration."""

    price: float = 0.0
    """Price at the start, reward in deviations per cost in deviations."""

    price_most: float = 100.0
    """Largest price."""

    caution: float = 1.0
    """Standard errors that are added to the mean cost before it is compared with its limit."""

    episodes: int = 32
    """Latest episodes that the mean cost is taken of; more where more end in an iteration."""

    cost_lam: float = 0.97
    """Trace decay of the costs' advantage estimates, in [0, 1]."""

    cost_rate: float = 1e-3
    """Learning rate of the cost critics' Adam at the start of the budget."""

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except ConfigError as error:
            raise ConfigError(
                replace(each, where=each.where.replace("ppo.", "ppo_lagrangian.", 1))
                for each in error.problems
            ) from None
        check(
            "ppo_lagrangian",
            self,
            {
                "in [0, 1]": ("cost_lam",),
                "above 0": ("cost_rate", "price_most"),
                "at least 0": ("proportional", "integral", "derivative", "price", "caution"),
                "at least 1": ("episodes",),
            },
        )


class Controller:
    """PID controllers of C prices; none is ever negative or above the most."""

    def __init__(self, n_costs: int, config: PPOLagrangianConfig) -> None:
        self.config = config
        self.price: Doubles = np.full(n_costs, min(config.price, config.price_most))
        start = config.price / config.integral if config.integral > 0.0 else 0.0
        self.sum: Doubles = np.full(n_costs, start)
        self.last: Doubles = np.full(n_costs, np.nan)  # excess in the iteration before

    def update(self, excess: Doubles) -> Doubles:
        """Return the new prices (C,).

        Parameters
        ----------
        excess
            (C,) cost of an episode less its limit, in deviations. One that is no finite number
            changes nothing: its price stays.
        """
        config, known = self.config, np.isfinite(excess)
        rise = np.where(np.isfinite(self.last), np.maximum(excess - self.last, 0.0), 0.0)
        total = np.maximum(self.sum + excess, 0.0)
        price = config.proportional * excess + config.integral * total + config.derivative * rise
        wound: Bools = (price > config.price_most) & (excess > 0.0)
        self.sum = np.where(known & ~wound, total, self.sum)
        self.price = np.where(known, np.clip(price, 0.0, config.price_most), self.price)
        self.last = np.where(known, excess, self.last)
        return self.price

    def state(self) -> Arrays:
        """Return everything that the next update depends on; nothing in it is NaN."""
        fresh = np.isnan(self.last)
        last = np.where(fresh, 0.0, self.last)
        own = {"price": self.price, "sum": self.sum, "last": last, "fresh": fresh}
        return {f"controller.{name}": array.copy() for name, array in own.items()}

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        self.price = arrays["controller.price"].copy()
        self.sum = arrays["controller.sum"].copy()
        self.last = np.where(arrays["controller.fresh"], np.nan, arrays["controller.last"])


class PPOLagrangian:
    """A run on one Env: `iterate` collects, moves the prices, and lets PPO learn."""

    name = "ppo_lagrangian"

    def __init__(self, env: Env, net: Net, config: PPOLagrangianConfig) -> None:
        require_costs(env.spec, net, self.name)
        device_of(config.device, "ppo_lagrangian.device", net)
        self.limits = limits_of(env.spec.costs, config.limits, "ppo_lagrangian.limits")
        self.env, self.net, self.config = env, net, config
        self.metered = Metered(env, config.episodes)
        self.ppo = PPO(self.metered, net, config)
        self.experience, self.policy = self.ppo.experience, self.ppo.policy
        self.costs = Costs(
            self.metered,
            net,
            CostPlan(
                seed=config.seed + 1,
                lam=config.cost_lam,
                rate=config.cost_rate,
                gradient_clip=config.gradient_clip,
            ),
        )
        self.controller = Controller(len(env.spec.costs), config)

    @property
    def optimiser(self) -> object:
        """Of actor and critic."""
        return self.ppo.optimiser

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by now, in utility."""
        return self.experience.scale.std

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config, ppo, experience = self.config, self.ppo, self.experience
        left = 1 - share * (1 - config.rate_end)
        ppo.optimiser.rate = config.rate * left
        self.costs.optimiser.rate = config.cost_rate * left
        ppo.clip = config.clip * (1 - share * (1 - config.clip_end))
        self.metered.begin()
        tally = experience.collect(iteration)
        scale = experience.estimate()
        self.costs.estimate(experience)
        figures = tally.figures() | {"reward_scale": scale} | self.charge()
        rows = experience.arena.decisions()
        figures |= ppo.learn(iteration)
        if len(rows):
            figures["critic_loss"] = self.teach(iteration)
            if iteration < config.norm_iterations:
                self.net.learn_norm(experience.arena.inputs(rows))
        return figures

    def charge(self) -> dict[str, float]:
        """Move the prices, and put them on the advantages in the arena; return the figures."""
        bill, costs, scale = self.metered.bill(), self.env.spec.costs, self.costs.scale
        named = zip(costs, self.limits.tolist(), strict=True)
        figures = {f"limit.{cost.name}": limit for cost, limit in named}
        if bill is not None and self.metered.n_finished:
            excess = bill.mean + self.config.caution * bill.error - self.limits
            self.controller.update(excess / scale)
            named = zip(costs, bill.mean.tolist(), strict=True)
            figures |= {f"episode_cost.{cost.name}": mean for cost, mean in named}
        price = self.controller.price
        native = price * self.reward_scale / scale
        named = zip(costs, native.tolist(), strict=True)
        figures |= {f"multiplier.{cost.name}": each for cost, each in named}
        arena = self.experience.arena
        steps = arena.n_steps
        charged = (self.costs.advantage @ (price / scale)).reshape(arena.advantage[:steps].shape)
        own = (arena.advantage[:steps] - charged) / (1.0 + price.sum())
        arena.advantage[:steps] = own
        return figures

    def teach(self, iteration: int) -> float:
        """Fit the cost critics to their targets; return the mean squared error."""
        config, rows = self.config, self.experience.arena.decisions()
        losses = [
            self.costs.learn(
                self.experience,
                rows,
                config.minibatch,
                config.seed,
                iteration,
                epoch,
                STREAM_COSTS,
            )
            for epoch in range(config.epochs)
        ]
        return float(np.mean(losses))

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        return self.ppo.state() | self.costs.state() | self.controller.state()

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        self.ppo.restore(arrays)
        self.costs.restore(arrays)
        self.controller.restore(arrays)
