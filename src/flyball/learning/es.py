# SPDX-License-Identifier: MIT
"""Evolution strategy: every row of the Env plays with weights of its own.

Salimans et al. (2017), arXiv:1703.03864: antithetic pairs of Gaussian directions, every pair on the
same scenarios, utilities shaped into centred ranks within each scenario, Adam on the estimated
gradient. Nothing is discounted and no credit is assigned: the estimate follows the episode's own
utility, whatever its horizon, for policies with an options head.

Known good result: a bandit over options is solved (``tests/learning/test_es.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from flyball.core.batch import Action, Doubles, Floats, Longs, Observation
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env
from flyball.core.random import generator
from flyball.learning.arena import Arena
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.collect import collect_episodes
from flyball.learning.loss import set_rate
from flyball.learning.nets import Net, OptionsActor, inputs_of
from flyball.learning.perturbed import pack, score_rows, unpack
from flyball.learning.settings import require
from flyball.policies import choose_options

STREAM_NOISE = 6


@dataclass(frozen=True, kw_only=True)
class ESConfig:
    """Settings of `ES`."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    pairs: int = 16
    """Antithetic pairs of directions in one iteration; 2 * pairs divides B."""

    sigma: float = 0.02
    """Standard deviation of a direction, in units of the weights."""

    first_scenario: int = 0
    """Seed of the first scenario; every iteration takes the next B / (2 * pairs) seeds."""

    scenarios: int | None = None
    """Seeds start again after this many; None: never."""

    rate: float = 5e-3
    """Learning rate of Adam at the start of the budget."""

    rate_end: float = 0.1
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    def __post_init__(self) -> None:
        require("es.pairs", self.pairs, "at least 1", ok=self.pairs >= 1, usual="8 to 32")
        require("es.sigma", self.sigma, "above 0", ok=self.sigma > 0, usual="0.01 to 0.1")
        require("es.rate", self.rate, "above 0", ok=self.rate > 0, usual="1e-3 to 1e-2")


class ES:
    """A run of the evolution strategy on one Env."""

    name = "es"

    def __init__(self, env: Env, net: Net, config: ESConfig) -> None:
        whole = env.n_envs % (2 * config.pairs) == 0
        allowed = f"half a divisor of {env.n_envs} rows"
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
        self.env, self.net, self.config, self.actor = env, net, config, net.actor
        self.optimiser = torch.optim.Adam(net.actor.parameters(), config.rate, eps=1e-8)
        self.arena = Arena(64, env.n_envs, env.spec.n_agents, net.sizes)

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Try every direction, step, and return what happened; `share` of the budget is spent."""
        config, n_envs = self.config, self.env.n_envs
        set_rate(self.optimiser, config.rate * (1 - share * (1 - config.rate_end)))
        n_scenarios = n_envs // (2 * config.pairs)
        centre = pack(self.actor)
        noise = generator(config.seed, iteration, STREAM_NOISE).standard_normal(
            (config.pairs, len(centre)), np.float32
        )
        directions = np.concatenate((noise, -noise))  # (2 * pairs, P)
        theta = np.tile(centre + np.float32(config.sigma) * directions, (n_scenarios, 1))
        seeds = np.arange(n_scenarios, dtype=np.int64) + iteration * n_scenarios
        if config.scenarios is not None:
            seeds %= config.scenarios
        utility, figures = self.play(
            theta, np.repeat(seeds + config.first_scenario, 2 * config.pairs)
        )
        shaped = ranks(utility.reshape(n_scenarios, -1)).mean(0)
        gain = shaped[: config.pairs] - shaped[config.pairs :]
        gradient = gain @ noise / (config.pairs * config.sigma)
        unpack(-gradient.astype(np.float32), self.actor, into_gradient=True)
        self.optimiser.step()
        return figures | {
            "gradient_norm": float(np.linalg.norm(gradient)),
            "utility_spread": float(utility.reshape(n_scenarios, -1).std(1).mean()),
        }

    def play(self, theta: Floats, seeds: Longs) -> tuple[Doubles, dict[str, float]]:
        """Play one greedy episode a row with its own weights (B, P); return utility and figures."""
        none = np.zeros((self.env.n_envs, self.env.spec.n_agents), np.float32)
        widths = (self.actor.embed.out_features, self.actor.mix.out_features)
        theta = np.repeat(theta, self.env.spec.n_agents, axis=0)

        def act(observation: Observation, _step: int) -> tuple[Action, Action, Floats]:
            with torch.inference_mode():
                x = self.net.normalise(inputs_of(observation))
            offset = observation.options.offset
            score = score_rows(x.obs.numpy(), x.features.numpy(), offset, theta, widths)
            action, _ = choose_options(score, observation, None)
            return action, action, none

        played = collect_episodes(self.env, seeds, act, self.arena, self.config.weights)
        return played.utility, played.tally.figures()

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on; the Env is reset in each."""
        return learner_arrays(self.net, self.optimiser)

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)


def ranks(utility: Doubles) -> Doubles:
    """Return centred ranks in [-0.5, 0.5] within each row; equal utilities share their mean rank.

    Parameters
    ----------
    utility
        (scenarios, directions); larger is better.
    """
    below = (utility[:, None, :] < utility[:, :, None]).sum(-1)
    same = (utility[:, None, :] == utility[:, :, None]).sum(-1)
    rank: Doubles = (below + 0.5 * (same - 1)) / max(1, utility.shape[1] - 1) - 0.5
    return rank
