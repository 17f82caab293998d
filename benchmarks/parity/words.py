# SPDX-License-Identifier: MIT
"""A cell in our words: network, settings and number of iterations.

What has no equal of ours: weights always start orthogonal, Gaussians are squashed by a tanh, and a
normalised reward is never clipped.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flyball.learning import NetConfig
from flyball.learning.catalogue import ALGORITHMS
from parity.cells import Cell, schedule

Settings = Mapping[str, Any]


class Asked(NamedTuple):
    """A cell in our words."""

    algorithm: str
    net: NetConfig
    config: Any
    iterations: int


FIXED: Mapping[str, Mapping[str, Any]] = {
    "a2c": {"use_rms_prop": True, "rms_prop_eps": 1e-5, "normalize_advantage": False},
    "dqn": {"n_envs": 1, "normalize": False},
    "sac": {"n_envs": 1, "normalize": False, "target_update_interval": 1, "target_entropy": "auto"},
    "recurrent_ppo": {"n_lstm_layers": 1, "enable_critic_lstm": True},
}
"""What ours always does, so that a cell cannot ask for anything else."""

UNLIKE = frozenset(("ortho_init",))
"""Settings that theirs has and ours has not."""


def translate(cell: Cell, seed: int) -> Asked:
    """Return the cell in our words.

    Raises
    ------
    ValueError
        When it asks for what ours does not do.
    """
    for setting, ours in FIXED.get(cell.algorithm, {}).items():
        if cell.settings[setting] != ours:
            msg = f"{cell.name}: {setting} is {cell.settings[setting]}, ours has {ours} only"
            raise ValueError(msg)
    name, words = TRANSLATIONS[cell.algorithm]
    net, config = words(cell.settings)
    iterations = math.ceil(cell.steps / (cell.settings["n_envs"] * steps_of(cell)))
    if "capacity" in config:  # room for more than a whole run is never used
        config["capacity"] = min(
            config["capacity"], iterations * cell.settings["n_envs"] * steps_of(cell)
        )
    made = ALGORITHMS[name].config(seed=seed, **config)
    return Asked(name, NetConfig(**net), made, iterations)


def steps_of(cell: Cell) -> int:
    """Return the steps of every row in one iteration."""
    return int(cell.settings.get("n_steps") or cell.settings["train_freq"])


def _network(settings: Settings) -> dict[str, Any]:
    widths = tuple(settings["net_arch"])
    return {
        "hidden": widths,
        "critic_hidden": widths,
        "activation": settings["activation"],
        "norm": "standard" if settings["normalize"] else "none",
        "feature_clip": 10.0,
        "log_std": settings.get("log_std_init", 0.0),
    }


def _ppo(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what PPO is called in Schulman's words; the whole of a falling setting falls."""
    (rate, rate_falls), (clip, clip_falls) = (
        schedule(settings[name]) for name in ("learning_rate", "clip_range")
    )
    config = {
        "n_steps": settings["n_steps"],
        "epochs": settings["n_epochs"],
        "minibatch": settings["batch_size"],
        "clip": clip,
        "clip_end": 0.0 if clip_falls else 1.0,
        "rate": rate,
        "rate_end": 0.0 if rate_falls else 1.0,
        "gamma": settings["gamma"],
        "lam": settings["gae_lambda"],
        "entropy": settings["ent_coef"],
        "value_weight": settings["vf_coef"],
        "gradient_clip": settings["max_grad_norm"],
        "standardise": settings["normalize_advantage"],
        "scale_rewards": settings["normalize"],
        "target_kl": None,
        "norm_iterations": 2**62,
    }
    return _network(settings), config


def _recurrent_ppo(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return PPO with a cell; gradients flow through all steps of an iteration, as theirs do."""
    net, config = _ppo(settings)
    net |= {"cell": "lstm", "cell_size": settings["lstm_hidden_size"]}
    return net, config | {"window": settings["n_steps"]}


def _dqn(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    config = {
        "rate": settings["learning_rate"],
        "minibatch": settings["batch_size"],
        "capacity": settings["buffer_size"],
        "learning_starts": settings["learning_starts"],
        "train_freq": settings["train_freq"],
        "gradient_steps": settings["gradient_steps"],
        "gamma": settings["gamma"],
        "target_every": settings["target_update_interval"],
        "tau": settings["tau"],
        "epsilon": settings["exploration_initial_eps"],
        "epsilon_end": settings["exploration_final_eps"],
        "exploration_share": settings["exploration_fraction"],
        "gradient_clip": settings["max_grad_norm"],
    }
    return _network(settings), config


def _sac(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    config = {
        "rate": settings["learning_rate"],
        "minibatch": settings["batch_size"],
        "capacity": settings["buffer_size"],
        "learning_starts": settings["learning_starts"],
        "train_freq": settings["train_freq"],
        "gradient_steps": settings["gradient_steps"],
        "gamma": settings["gamma"],
        "tau": settings["tau"],
        "entropy": settings["ent_coef"],
    }
    return _network(settings) | {"deviation": "state"}, config


def _a2c(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    rate, falls = schedule(settings["learning_rate"])
    config = {
        "n_steps": settings["n_steps"],
        "gamma": settings["gamma"],
        "lam": settings["gae_lambda"],
        "rate": rate,
        "rate_end": 0.0 if falls else 1.0,
        "entropy": settings["ent_coef"],
        "value_weight": settings["vf_coef"],
        "gradient_clip": settings["max_grad_norm"],
        "scale_rewards": settings["normalize"],
        "norm_iterations": 2**62,
    }
    return _network(settings), config


TRANSLATIONS: Mapping[str, tuple[str, Callable[[Settings], tuple[dict[str, Any], dict[str, Any]]]]]
TRANSLATIONS = {
    "ppo": ("ppo", _ppo),
    "maskable_ppo": ("ppo", _ppo),
    "recurrent_ppo": ("ppo", _recurrent_ppo),
    "a2c": ("a2c", _a2c),
    "dqn": ("dqn", _dqn),
    "sac": ("sac", _sac),
}
