# SPDX-License-Identifier: MIT
"""Steps a second of PPO where each library has the settings it likes best, so long as it learns.

Both choose copies, blocks, epochs and network from one list. Each takes the fastest that solves
cart-pole from every one of two seeds, which is a mean of 475 over a hundred episodes within
`BUDGET` steps; faster ones that do not are passed over.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import stable_baselines3 as sb3
from measuring import Figure, abba
from parity.cells import load
from parity.ours import actor

from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.nets.net import NetConfig
from flyball.learning.ppo import PPOConfig
from flyball.worlds import classics
from speed.rates import SB3_DEFAULT, Rate, cartpoles, compared, our_rate, their_rate
from speed.reach import CELL, SOLVED, greedy, mean_return

BUDGET, JUDGED, SEEDS = 500_000, 16, (1, 2)
N_STEPS, RATE, GAMMA, LAM = 32, 5e-3, 0.98, 0.9


class Choice(NamedTuple):
    """What may be chosen."""

    copies: int
    epochs: int
    block: int
    hidden: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Of one iteration, all copies together."""
        return self.copies * N_STEPS

    def __str__(self) -> str:
        """Return it in words."""
        layers = " and ".join(map(str, self.hidden))
        return (
            f"{self.copies} copies, {self.epochs} epochs, blocks of {self.block}, net of {layers}"
        )


CHOICES = [
    Choice(copies, *passes, hidden)
    for copies, passes, hidden in product(
        (64, 128, 512, 1024), ((1, 1024), (2, 4096)), ((64, 64), (32,), (16, 16))
    )
    if passes[1] <= copies * N_STEPS
]


def ours_of(choice: Choice, seed: int = 0) -> tuple[NetConfig, PPOConfig]:
    """Return our settings."""
    net = NetConfig(hidden=choice.hidden, critic_hidden=choice.hidden, norm="none")
    own = {"n_steps": N_STEPS, "rate": RATE, "gamma": GAMMA, "lam": LAM, "seed": seed}
    return net, replace(SB3_DEFAULT, epochs=choice.epochs, minibatch=choice.block, **own)


def their_settings(choice: Choice) -> dict[str, Any]:
    """Return theirs, in their words."""
    return {
        "n_steps": N_STEPS,
        "batch_size": choice.block,
        "n_epochs": choice.epochs,
        "learning_rate": RATE,
        "gamma": GAMMA,
        "gae_lambda": LAM,
        "policy_kwargs": {"net_arch": list(choice.hidden)},
    }


def theirs_of(choice: Choice, seed: int = 0) -> Any:
    """Return their model."""
    told = their_settings(choice)
    return sb3.PPO("MlpPolicy", cartpoles(choice.copies), seed=seed, device="cpu", **told)


def we_solve(choice: Choice, seed: int) -> bool:
    """Return whether we learn the task within the budget."""
    env, cell = classics.make("cartpole", choice.copies), load()[CELL]
    run: Any = ALGORITHMS["ppo"].make(env, *ours_of(choice, seed))
    due = BUDGET // JUDGED // choice.steps + 1
    for iteration in range(1, BUDGET // choice.steps + 1):
        run.iterate(iteration, 0.0)
        if iteration % due == 0 and mean_return(greedy(actor(cell, env, run.policy))) >= SOLVED:
            return True
    return False


def they_solve(choice: Choice, seed: int) -> bool:
    """Return whether they do."""
    model = theirs_of(choice, seed)
    while model.num_timesteps < BUDGET:
        model.learn(BUDGET // JUDGED, reset_num_timesteps=False)
        if mean_return(lambda obs: model.predict(obs, deterministic=True)[0]) >= SOLVED:
            return True
    return False


def fastest(rates: dict[Choice, Rate], solves: Callable[[Choice, int], bool]) -> Choice:
    """Return the fastest choice that solves the task from every seed.

    Raises
    ------
    LookupError
        When none does.
    """
    measured = {choice: max(rate(), rate()) for choice, rate in rates.items()}
    for choice in sorted(measured, key=lambda each: -measured[each]):
        if all(solves(choice, seed) for seed in SEEDS):
            return choice
    msg = f"none of {len(rates)} settings solves cart-pole within {BUDGET:,} steps"
    raise LookupError(msg)


def ppo_best(pairs: int, scale: int) -> list[Figure]:
    """PPO with the settings that each likes best."""
    ours = {
        choice: our_rate("cartpole", choice.copies, *ours_of(choice), 4 * scale)
        for choice in CHOICES
    }
    theirs = {
        choice: their_rate(theirs_of(choice), max(choice.steps, 4096 * scale)) for choice in CHOICES
    }
    own, best = fastest(ours, we_solve), fastest(theirs, they_solve)
    return [
        compared(
            "ppo_cartpole_best_steps_per_s",
            abba(ours[own], theirs[best], 2 * pairs),
            peer="stable-baselines3 2.9 PPO",
            target=10.0,
            note=f"each the fastest of {len(CHOICES)} settings that solves the task within "
            f"{BUDGET:,} steps; ours {own}; theirs {best}",
        )
    ]
