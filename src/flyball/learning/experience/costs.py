# SPDX-License-Identifier: MIT
"""Cost advantages of what lies in an arena, and critics of what is still to be paid.

T steps · B parallel copies · N agents · C costs. A limit bounds the *undiscounted* sum of a cost
over an episode, whichever way that ends. So costs are never discounted, and where an episode was
truncated its cost ends too: rewards bootstrap there, costs do not, because what would have come
later is in no sum that a limit bounds. A row has one cost however many agents it has, and so one
cost advantage, from the mean of what the critic says of the agents that act.

For a policy near the one that played, the mean episode cost changes by the mean over decisions of
ratio times advantage, times the decisions of an episode: that is in the limit's own unit.
Advantages are therefore centred, so that the estimate is zero where nothing changed, and never
scaled.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from flyball.core.batch import Bools, Doubles, Floats, Longs
from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.spec import Cost, Spec
from flyball.learning.checkpoint import Arrays, load_module, module_arrays
from flyball.learning.experience.gae import gae
from flyball.learning.experience.metered import Metered
from flyball.learning.experience.onpolicy import VALUED_AT_ONCE, Experience
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Critic, Net, Rows
from flyball.learning.nets.norm import ReturnScale
from flyball.learning.nets.rows import inputs_of

MOST_COSTS = 8


def limits_of(costs: tuple[Cost, ...], asked: Mapping[str, float], where: str) -> Doubles:
    """Return the limits (C,) to learn with: those asked for, and the world's for other costs.

    Parameters
    ----------
    costs
        Of the world.
    asked
        By name of the cost, native units.
    where
        Full name of the setting, ``cpo.limits``.

    Raises
    ------
    ConfigError
        When a name is none of the costs', or a limit is not finite.
    """
    names = [cost.name for cost in costs]
    problems = [
        Problem(where=where, found=f"'{name}'", allowed=", ".join(names), fix=nearest(name, names))
        for name in asked
        if name not in names
    ]
    problems += [
        Problem(
            where=f"{where}.{cost.name}",
            found=f"{limit} {cost.unit}",
            allowed="a finite number",
            fix="write how much of it an episode may have on average",
        )
        for cost in costs
        if not math.isfinite(limit := asked.get(cost.name, cost.limit))
    ]
    if problems:
        raise ConfigError(problems)
    return np.array([asked.get(cost.name, cost.limit) for cost in costs])


def require_costs(spec: Spec, net: Net, name: str) -> None:
    """Raise ConfigError unless a world has costs that can be limited, and a network no memory.

    Parameters
    ----------
    spec
        Of the world.
    net
        That will learn.
    name
        Of the algorithm.
    """
    problems = []
    if not 1 <= len(spec.costs) <= MOST_COSTS:
        allowed = f"1 to {MOST_COSTS} costs with limits, for {name}"
        fix = "state what is to be limited as a Cost, or take ppo"
        place, found = f"world {spec.world}", f"{len(spec.costs)} costs"
        problems.append(Problem(where=place, found=found, allowed=allowed, fix=fix))
    if net.n_memory:
        found, allowed = f"'{net.config.cell}'", f"'none' for {name}, which learns without memory"
        fix = "leave it out, or take ppo for memory without limits"
        problems.append(Problem(where="net.cell", found=found, allowed=allowed, fix=fix))
    if problems:
        raise ConfigError(problems)


class CostCritics(nn.Module):
    """What is still to come of each cost, by a network of its own for each."""

    def __init__(self, net: Net, n_costs: int, seed: int) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        each = [Critic(net.sizes, net.config, draws) for _ in range(n_costs)]
        self.each = nn.ModuleList(each)

    def forward(self, rows: Rows) -> Tensor:
        """Return (R, C) in the learner's unit of each cost."""
        return torch.stack(
            [part(rows.central, rows.features, rows.offset) for part in self.each], -1
        )


@dataclass(frozen=True, kw_only=True)
class CostPlan:
    """How costs are valued."""

    seed: int
    lam: float
    rate: float
    gradient_clip: float


class Costs:
    """Critics, advantages and targets of the costs of an Experience."""

    def __init__(self, metered: Metered, net: Net, plan: CostPlan) -> None:
        n_costs = len(metered.spec.costs)
        self.metered, self.net, self.plan = metered, net, plan
        self.critics = CostCritics(net, n_costs, plan.seed)
        self.optimiser = Adam([self.critics], plan.rate)
        self.scales = [ReturnScale(metered.n_envs, 1.0) for _ in range(n_costs)]
        self.advantage: Doubles = np.zeros((0, n_costs))  # (T * B * N, C) native units
        self.target: Floats = np.zeros((0, n_costs), np.float32)  # (T * B * N, C) by scale

    @property
    def scale(self) -> Doubles:
        """(C,) What critics' targets are divided by: the running deviation of a cost's sum."""
        return np.array([scale.std for scale in self.scales])

    def estimate(self, experience: Experience) -> None:
        """Fill advantage and target of every row of the experience's arena."""
        arena, metered = experience.arena, self.metered
        shape = (arena.n_steps, metered.n_envs, arena.n_agents)
        cost, ended = np.stack(metered.cost), np.stack(metered.ended)
        value, latest = self.values(experience)
        never = np.zeros_like(ended)
        advantage, target = np.zeros_like(cost), np.zeros_like(cost)
        for k, scale in enumerate(self.scales):
            scale.learn(cost[..., k], ended)
            following = np.concatenate((value[1:, :, k], latest[None, :, k]))
            found = gae(
                cost[..., k] / scale.std,
                value[..., k],
                following,
                terminated=ended,
                truncated=never,
                gamma=1.0,
                lam=self.plan.lam,
            )
            advantage[..., k], target[..., k] = found * scale.std, found + value[..., k]
        per_agent = (*shape, len(self.scales))
        flat = (shape[0] * arena.n_columns, len(self.scales))
        self.advantage = np.broadcast_to(advantage[:, :, None], per_agent).reshape(flat)
        targets = np.broadcast_to(target[:, :, None], per_agent).reshape(flat)
        self.target = targets.astype(np.float32)

    def values(self, experience: Experience) -> tuple[Doubles, Doubles]:
        """Return what the critics still expect: (T, B, C) at each step, (B, C) at the end."""
        arena, net = experience.arena, self.net
        rows = np.arange(arena.n_steps * arena.n_columns)
        parts = np.array_split(rows, 1 + len(rows) // VALUED_AT_ONCE)
        with torch.inference_mode():
            each = [self.critics(net.normalise(arena.inputs(part))) for part in parts]
            last = self.critics(net.normalise(inputs_of(experience.observation)))
        shape = (arena.n_steps, self.metered.n_envs, arena.n_agents, len(self.scales))
        value = torch.cat(each).double().numpy().reshape(shape)
        latest = last.double().numpy().reshape(shape[1:])
        counted, alive = arena.counted[: arena.n_steps], experience.observation.alive
        return _mean_over_agents(value, counted), _mean_over_agents(latest, alive)

    def learn(self, experience: Experience, rows: Longs, size: int, *name: int) -> float:
        """Pass once over the decisions at these arena rows; return the mean squared error."""
        losses = []
        for block in experience.arena.blocks(rows, size, *name):
            target = torch.from_numpy(self.target[block.rows])
            loss = (self.critics(block.through(self.net)) - target).square().mean()
            self.optimiser.descend(loss, self.plan.gradient_clip)
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        own = module_arrays(self.critics, "costs.") | self.optimiser.arrays("costs.adam.")
        for k, scale in enumerate(self.scales):
            own[f"costs.{k}.carry"] = scale.carry.copy()
            own[f"costs.{k}.moments"] = scale.moments.copy()
        return own

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_module(self.critics, arrays, "costs.")
        self.optimiser.load(arrays, "costs.adam.")
        for k, scale in enumerate(self.scales):
            scale.carry = arrays[f"costs.{k}.carry"].copy()
            scale.moments = arrays[f"costs.{k}.moments"].copy()


def _mean_over_agents(value: Doubles, acts: Bools) -> Doubles:
    """Return the mean (..., C) of values (..., N, C) over those who act (..., N); if none, all."""
    weight = (acts | ~acts.any(-1, keepdims=True)).astype(np.float64)[..., None]
    mean: Doubles = (value * weight).sum(-2) / weight.sum(-2)
    return mean
