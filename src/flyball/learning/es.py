# SPDX-License-Identifier: MIT
"""Evolution strategy: every row of the Env plays with weights of its own.

Salimans et al. (2017), arXiv:1703.03864: antithetic pairs of Gaussian directions, Adam on the
estimated gradient. Deviations: the two of a pair meet the same scenarios and every pair has its
own, so that scenarios average out as directions do; instead of ranks over the population, the
difference within a pair counts, clipped at twice the mean difference, because utilities of
different scenarios cannot be ranked. Nothing is discounted and no credit is assigned: the estimate
follows the episode's own utility, whatever its horizon, for policies with an options head. The
network is given the running mean of the places visited, which is steadier than the last of them
(Polyak and Juditsky, 1992).

Known good result: a bandit over options is solved (``tests/learning/test_es.py``).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from flyball.core.batch import Doubles, Floats, Longs, Options
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env
from flyball.core.random import generator
from flyball.learning.acting.perturbed import pack, scales, score_rows, unpack, widths
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.experience.gae import scalarise
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Net, OptionsActor
from flyball.learning.settings import check, require
from flyball.policies import Said, action_of, choose

STREAM_NOISE = 6


@dataclass(frozen=True, kw_only=True)
class ESConfig:
    """Settings of `ES`."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    pairs: int = 32
    """Antithetic pairs of directions in one iteration; 2 * pairs divides B."""

    sigma: float = 0.5
    """Standard deviation of a direction in the weights of the linear index, over the root mean
    square of those weights at the start: scaling an index changes no choice, so only ratios count.
    """

    sigma_network: float = 0.0
    """The same in the weights of the network, in their own unit; 0 leaves it as it is."""

    first_scenario: int = 0
    """Seed of the first scenario; every iteration takes the next B / 2 seeds."""

    scenarios: int | None = None
    """Seeds start again after this many; None: never."""

    rate: float = 0.3
    """Length of Adam's steps at the start of the budget, in standard deviations."""

    rate_end: float = 0.1
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    def __post_init__(self) -> None:
        check(
            "es",
            self,
            {
                "in [0, 1]": ("rate_end",),
                "above 0": ("rate",),
                "at least 0": ("seed", "sigma", "sigma_network", "first_scenario"),
                "at least 1": ("pairs", "scenarios"),
            },
        )
        ok = self.sigma + self.sigma_network > 0
        require("es.sigma, sigma_network", "both 0", "one above 0", ok=ok, usual="0.5, 0")


class ES:
    """A run of the evolution strategy on equal Envs, each played by a thread of its own.

    Results depend on the number of rows in all, not on how they are shared out.
    """

    name = "es"

    def __init__(self, envs: Sequence[Env], net: Net, config: ESConfig) -> None:
        env, n_envs = envs[0], sum(env.n_envs for env in envs)
        whole = n_envs % (2 * config.pairs) == 0
        allowed = f"half a divisor of {n_envs} rows"
        require("es.pairs", config.pairs, allowed, ok=whole, usual="16")
        if not isinstance(net.actor, OptionsActor):
            raise ConfigError(
                Problem(
                    where=f"world {env.spec.world}",
                    found="categorical heads",
                    allowed="an options head",
                    fix="train with ppo",
                )
            )
        found, allowed = "a network with memory", "one without a cell"
        require("es", found, allowed, ok=not net.n_memory, usual="ppo for memory")
        self.envs, self.net, self.config, self.actor = tuple(envs), net, config, net.actor
        self.n_envs = n_envs
        # Moves are counted in standard deviations from where the first iteration begins, so that
        # one length of step suits the index and the network alike.
        self.origin, self.scale = self.begin()
        self.moved = nn.Parameter(torch.zeros(len(self.scale)))
        self.average = np.zeros(len(self.scale))
        self.optimiser = Adam([nn.ParameterList([self.moved])], config.rate, eps=1e-8)

    def begin(self) -> tuple[Floats, Floats]:
        """Return where the strategy begins and the length of its unit of step there, (P,) each."""
        index = self.actor.index.weight.detach()
        size = float(index.square().mean().sqrt()) or 1.0
        own = scales(self.actor, self.config.sigma * size, self.config.sigma_network)
        return pack(self.actor), own

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Try every direction, step, and return what happened; `share` of the budget is spent."""
        config, n_envs = self.config, self.n_envs
        self.optimiser.rate = config.rate * (1 - share * (1 - config.rate_end))
        if iteration == 0:
            self.origin, self.scale = self.begin()
        centre = self.origin + self.scale * self.moved.detach().numpy()
        noise = generator(config.seed, iteration, STREAM_NOISE).standard_normal(
            (config.pairs, len(centre)), np.float32
        )
        directions = np.concatenate((noise, -noise))  # (2 * pairs, P)
        theta = np.tile(centre + self.scale * directions, (n_envs // (2 * config.pairs), 1))
        seeds = np.arange(n_envs // 2, dtype=np.int64) + iteration * (n_envs // 2)
        if config.scenarios is not None:
            seeds %= config.scenarios
        halves = np.repeat(seeds.reshape(-1, 1, config.pairs), 2, axis=1)
        utility, figures = self.play(theta, halves.ravel() + config.first_scenario)
        gain = gains(utility.reshape(-1, 2, config.pairs))
        gradient = gain @ noise / config.pairs
        self.optimiser.flat.gradient.copy_(torch.from_numpy(-gradient.astype(np.float32)))
        self.optimiser.step()
        moved = self.moved.detach().numpy()
        self.average = MEMORY * self.average + (1 - MEMORY) * moved
        # The first averages would lie too near the start, as Adam's moments would.
        mean = self.average / (1 - MEMORY ** (iteration + 1))
        unpack((self.origin + self.scale * mean).astype(np.float32), self.actor)
        return figures | {
            "gradient_norm": float(np.linalg.norm(gradient)),
            "moved_sigmas": float(self.moved.detach().square().mean().sqrt()),
        }

    def play(self, theta: Floats, seeds: Longs) -> tuple[Doubles, dict[str, float]]:
        """Play one greedy episode a row with its own weights (B, P); return utility and figures."""
        starts = np.cumsum([0, *(env.n_envs for env in self.envs)])
        parts = [slice(*ends) for ends in pairwise(starts.tolist())]
        with ThreadPoolExecutor(len(self.envs)) as pool:
            played = list(pool.map(lambda env, at: self.episodes(env, theta[at], seeds[at]),
                                   self.envs, parts))  # fmt: skip
        utility = np.concatenate([each[0] for each in played])
        outcome = np.concatenate([each[1] for each in played]).mean(0)
        names = [kpi.name for kpi in self.envs[0].spec.kpis]
        return utility, dict(zip(names, outcome.tolist(), strict=True)) | {
            "episodes": float(self.n_envs)
        }

    def episodes(self, env: Env, theta: Floats, seeds: Longs) -> tuple[Doubles, Doubles]:
        """Play one greedy episode of each row of one Env; return utility (B,), outcome (B, Q)."""
        spec = env.spec
        theta = np.repeat(theta, spec.n_agents, axis=0)
        observation = env.reset(seeds)
        reward = np.zeros((env.n_envs, len(spec.objectives)))
        outcome = np.zeros((env.n_envs, len(spec.kpis)))
        running = np.ones(env.n_envs, np.bool_)
        while running.any():
            options = observation.options
            score = self.scores(observation.obs, options, theta)
            none = np.zeros((len(theta), 0), np.float32)
            said = Said(score, none, none)
            mask = observation.mask.reshape(len(theta), -1)
            chosen = choose(said, mask, options.offset, self.net.sizes, None)
            step = env.step(action_of(chosen.choice, none, self.net.sizes))
            reward[running] += step.reward[running].sum(1)
            ended = running & (step.terminated | step.truncated)
            outcome[ended] = step.outcome[ended]
            running &= ~ended
            observation = step.observation
        return scalarise(reward, spec.objectives, self.config.weights), outcome

    def scores(self, obs: Floats, options: Options, theta: Floats) -> Floats:
        """Return the score of every candidate (L,).

        Parameters
        ----------
        obs
            (B, N, F) of the Env; several agents are told apart by a one-hot index.
        options
            Of the B * N rows.
        theta
            (B * N, P) weights of each row.
        """
        own = self.net.obs_norm.of_array(obs.reshape(len(theta), obs.shape[-1]))
        if self.net.sizes.n_index:
            index = np.eye(self.net.sizes.n_index, dtype=np.float32)
            own = np.concatenate((own, np.tile(index, (len(obs), 1))), axis=1)
        return score_rows(
            own,
            self.net.option_norm.of_array(options.features),
            options.offset,
            theta,
            widths(self.actor),
        )

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on; the Env is reset in each."""
        own = {
            "es.origin": self.origin.copy(),
            "es.moved": self.moved.detach().numpy().copy(),
            "es.scale": self.scale.copy(),
            "es.average": self.average.copy(),
        }
        return learner_arrays(self.net, self.optimiser) | own

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        self.origin, self.scale = arrays["es.origin"].copy(), arrays["es.scale"].copy()
        self.average = arrays["es.average"].copy()
        with torch.no_grad():
            self.moved.copy_(torch.from_numpy(arrays["es.moved"]))


CLIP = 2.0

MEMORY = 0.9
"""Share of the running mean that an iteration keeps."""


def gains(utility: Doubles) -> Doubles:
    """Return what each direction gains over its opposite, in [-CLIP, CLIP], shape (pairs,).

    Parameters
    ----------
    utility
        (repeats, 2, pairs): with a direction and with its opposite, on the same scenario; larger
        is better. Differences are divided by their mean size.
    """
    difference = utility[:, 0] - utility[:, 1]  # (repeats, pairs)
    size = float(np.abs(difference).mean())
    if size == 0.0:
        return np.zeros(utility.shape[2])
    gain: Doubles = np.clip(difference / size, -CLIP, CLIP).mean(0)
    return gain
