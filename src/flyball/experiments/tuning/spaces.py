# SPDX-License-Identifier: MIT
"""Where settings are searched for: one table an algorithm, keys as ``--set`` writes them.

Ranges are those that published settings span (Stable-Baselines3's zoo, CleanRL), a little wider.
A setting that is not here keeps what the file, ``--set`` or the default says.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Real:
    """A number in [low, high]; `log`: every factor is as likely as any other."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Whole:
    """A whole number in [low, high]."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values; written as text, since studies hold nothing else."""

    values: tuple[str, ...]


Range = Real | Whole | Choice
Space = Mapping[str, Range]

RATE = Real(1e-5, 1e-2, log=True)
DISCOUNT = Choice(("0.9", "0.95", "0.98", "0.99", "0.995", "0.999"))
SMALL = Choice(("[32, 32]", "[64, 64]", "[128, 128]", "[256, 256]"))
TRACE = Choice(("0.8", "0.9", "0.95", "0.98", "1.0"))
BATCH = Choice(("32", "64", "128", "256", "512"))

NET: Space = {"net.hidden": SMALL, "net.activation": Choice(("tanh", "relu"))}

ON_POLICY: Space = {
    "rate": RATE,
    "gamma": DISCOUNT,
    "lam": TRACE,
    "entropy": Choice(("0.0", "0.0001", "0.001", "0.003", "0.01", "0.03", "0.1")),
    "value_weight": Real(0.1, 1.0),
    "gradient_clip": Choice(("0.3", "0.5", "1.0", "5.0")),
}

PPO: Space = {
    **ON_POLICY,
    "n_steps": Choice(("16", "32", "64", "128", "256", "512")),
    "epochs": Whole(1, 20, log=True),
    "minibatch": Choice(("64", "128", "256", "512", "1024")),
    "clip": Choice(("0.1", "0.2", "0.3", "0.4")),
}

COSTS: Space = {
    "caution": Choice(("0.0", "0.5", "1.0", "2.0")),
    "episodes": Choice(("16", "32", "64")),
    "cost_lam": Choice(("0.9", "0.95", "0.97", "1.0")),
}
"""Settings of algorithms that keep limits of costs; the limits themselves are nobody's to tune."""

OFF_POLICY: Space = {
    "rate": RATE,
    "actor_rate": RATE,
    "critic_rate": RATE,
    "gamma": DISCOUNT,
    "minibatch": BATCH,
    "batch": BATCH,
    "tau": Real(0.001, 1.0, log=True),
    "n_step": Whole(1, 5),
    "train_freq": Choice(("1", "4", "8", "16", "64")),
    "gradient_steps": Choice(("-1", "1", "4", "8", "32")),
    "target_every": Choice(("100", "500", "1000", "5000", "10000")),
    "exploration_share": Real(0.05, 0.5),
    "epsilon_end": Real(0.01, 0.2, log=True),
    "noise": Real(0.05, 0.5),
}
"""Settings of algorithms that replay; each takes those that it has."""

SPACES: Mapping[str, Space] = {
    "ppo": PPO,
    "a2c": {**ON_POLICY, "n_steps": Choice(("5", "8", "16", "32", "64"))},
    "cpo": {
        "rate": RATE,
        "gamma": DISCOUNT,
        "lam": TRACE,
        **COSTS,
        "n_steps": Choice(("64", "128", "256", "512", "1024")),
        "target_kl": Real(0.001, 0.05, log=True),
        "damping": Real(0.001, 0.3, log=True),
        "epochs": Whole(3, 40, log=True),
        "minibatch": Choice(("64", "128", "256", "512", "1024")),
    },
    "ppo_lagrangian": {
        **PPO,
        **COSTS,
        "proportional": Real(0.01, 10.0, log=True),
        "integral": Real(0.001, 1.0, log=True),
        "derivative": Real(0.01, 10.0, log=True),
        "cost_rate": RATE,
    },
}
"""Tables of algorithms that need one of their own; every other one is given OFF_POLICY."""


def space_of(
    algorithm: str, usual: Mapping[str, Any], fixed: Collection[str] = ()
) -> dict[str, Range]:
    """Return the space of an algorithm by full key, ``ppo.rate``, so wide that it holds the usual.

    Parameters
    ----------
    algorithm
        Its name in the catalogue.
    usual
        The settings without tuning, by full key; what an algorithm lacks is left out of its space.
    fixed
        Keys that are not searched.
    """
    own = {f"{algorithm}.{key}": each for key, each in SPACES.get(algorithm, OFF_POLICY).items()}
    return {
        key: holding(each, usual[key])
        for key, each in {**own, **NET}.items()
        if usual.get(key) is not None and key not in fixed
    }


def holding(each: Range, value: Any) -> Range:
    """Return the range, widened where it does not hold a value."""
    if isinstance(each, Choice):
        text = written(value)
        return each if text in each.values else Choice((*each.values, text))
    return replace(each, low=min(each.low, value), high=max(each.high, value))


def usual_in(space: Mapping[str, Range], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usual settings as a study writes them."""
    return {
        key: written(usual[key]) if isinstance(each, Choice) else usual[key]
        for key, each in space.items()
    }


def written(value: Any) -> str:
    """Return a value as the text of a choice."""
    return str(list(value)) if isinstance(value, tuple) else str(value)
