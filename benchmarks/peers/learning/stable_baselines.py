# SPDX-License-Identifier: MIT
"""Train Stable-Baselines3 and sb3-contrib on a cell, as rl-baselines3-zoo would."""

import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import sb3_contrib
import stable_baselines3
import torch
from numpy.typing import NDArray
from parity.cells import EPISODES, Cell, schedule
from parity.problems import make
from parity.scoring import Actor, scores
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

CLASSES: dict[str, tuple[type[BaseAlgorithm], str]] = {
    "ppo": (stable_baselines3.PPO, "MlpPolicy"),
    "a2c": (stable_baselines3.A2C, "MlpPolicy"),
    "dqn": (stable_baselines3.DQN, "MlpPolicy"),
    "sac": (stable_baselines3.SAC, "MlpPolicy"),
    "maskable_ppo": (sb3_contrib.MaskablePPO, "MlpPolicy"),
    "recurrent_ppo": (sb3_contrib.RecurrentPPO, "MlpLstmPolicy"),
}
PACKAGES = ("stable-baselines3", "sb3-contrib", "gymnasium", "torch", "numpy")
NETWORK = ("ortho_init", "log_std_init", "lstm_hidden_size", "n_lstm_layers", "enable_critic_lstm")
SCHEDULED = ("learning_rate", "clip_range")
POINTS = 20


def made_by(cell: Cell) -> dict[str, str]:
    """Return the versions that a run depends on."""
    packages = (*PACKAGES, "mujoco") if cell.problem.endswith("-v5") else PACKAGES
    return {package: version(package) for package in packages}


class Curve(BaseCallback):
    """Notes mean return of the episodes that ended in each of `POINTS` parts of the training."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.points: list[tuple[int, float]] = []
        self._every = max(1, steps // POINTS)
        self._ended: list[float] = []

    def _on_step(self) -> bool:
        self._ended += [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
        if self.num_timesteps >= self._every * (len(self.points) + 1):
            mean = float(np.mean(self._ended)) if self._ended else float("nan")
            self.points.append((self.num_timesteps, mean))
            self._ended.clear()
        return True


def train(cell: Cell, seed: int, episodes: int = EPISODES) -> dict[str, Any]:
    """Train one model and return what a run's line says about it."""
    torch.set_num_threads(1)
    venv = _envs(cell, seed)
    made, policy = CLASSES[cell.algorithm]
    model: Any = made(policy, venv, seed=seed, device="cpu", **arguments(cell))
    curve = Curve(cell.steps)
    wall, cpu = time.perf_counter(), time.process_time()
    model.learn(cell.steps, callback=curve)
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    found = scores(cell, _actor(cell, model, venv), episodes)
    return {
        "score": float(found.mean()),
        "low": float(found.min()),
        "high": float(found.max()),
        "steps": model.num_timesteps,
        "curve": [[step, round(mean, 4)] for step, mean in curve.points if np.isfinite(mean)],
        **{key: round(seconds, 2) for key, seconds in spent.items()},
    }


def _envs(cell: Cell, seed: int) -> VecEnv:
    """Return the training environments, normalised with the algorithm's discount if asked for."""
    settings = cell.settings

    def one() -> Any:
        return make(cell.problem, cell.arguments)

    venv: VecEnv = make_vec_env(one, n_envs=settings["n_envs"], seed=seed)
    return VecNormalize(venv, gamma=settings["gamma"]) if settings["normalize"] else venv


def arguments(cell: Cell) -> dict[str, Any]:
    """Return the arguments of the algorithm's class, `policy_kwargs` among them."""
    left = dict(cell.settings)
    for ours in ("n_envs", "normalize"):
        del left[ours]
    if cell.algorithm == "maskable_ppo":
        del left["normalize_advantage"]
    activation = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[left.pop("activation")]
    network = {"net_arch": list(left.pop("net_arch")), "activation_fn": activation}
    network |= {key: left.pop(key) for key in NETWORK if key in left}
    for key in SCHEDULED:
        if key in left:
            left[key] = _schedule(left[key])
    return {**left, "policy_kwargs": network}


def _schedule(value: float | str) -> float | Callable[[float], float]:
    first, falls = schedule(value)
    return (lambda remaining: remaining * first) if falls else first


def _actor(cell: Cell, model: Any, venv: VecEnv) -> Actor:
    """Return the trained policy: greedy, its normaliser frozen."""
    memory: Any = None

    def act(
        obs: NDArray[Any], mask: NDArray[np.bool_] | None, start: NDArray[np.bool_]
    ) -> NDArray[Any]:
        nonlocal memory
        seen = venv.normalize_obs(obs) if isinstance(venv, VecNormalize) else obs
        more: Mapping[str, Any] = {}
        if cell.algorithm == "maskable_ppo":
            more = {"action_masks": mask}
        if cell.algorithm == "recurrent_ppo":
            more = {"state": memory, "episode_start": start}
        actions, memory = model.predict(seen, deterministic=True, **more)
        return np.asarray(actions)

    return act
