# SPDX-License-Identifier: MIT
"""How fast the algorithms learn, each beside the library that people would use instead.

Every pair has the same settings, the same network and one thread, and each library steps its own
environment, unless the figure says that each has its best settings. Rates are per second of one
core's time, measured in turn (ours, theirs, theirs, ours), so that other programs on the machine
take nothing from either. ``--quick`` measures for a moment; ``--only NAME`` one figure. To keep the
figures: ``python tools/evidence.py record learning_speed --rooms core policies learning
worlds/classics --seeds 0 -- benchmarks/learning_speed.py``.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3 as sb3
import torch
from measuring import Figure, abba, absolute, against, one_core, yardstick
from sb3_contrib import MaskablePPO, RecurrentPPO
from sb3_contrib.common.envs import InvalidActionEnvDiscrete
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.vec_env import DummyVecEnv

from flyball.core.batch import Action
from flyball.learning.catalogue import ALGORITHMS
from flyball.learning.experience.arena import Arena
from flyball.learning.experience.gae import gae
from flyball.learning.nets.net import NetConfig
from flyball.learning.ppo import PPOConfig
from flyball.policies import sizes_of
from flyball.worlds import classics

warnings.filterwarnings("ignore")

SAME = NetConfig(hidden=(64, 64), critic_hidden=(64, 64), norm="none")
SB3_DEFAULT = PPOConfig(
    minibatch=64,
    epochs=10,
    rate=3e-4,
    rate_end=1.0,
    target_kl=None,
    scale_rewards=False,
    norm_iterations=0,
)
"""The settings that Stable-Baselines3 has by itself; it has no limit on the divergence."""


def spent_s(work: Callable[[], None]) -> float:
    """Return the processor time that some work takes, s."""
    began = time.process_time()
    work()
    return time.process_time() - began


def our_rate(
    name: str, n_envs: int, net: NetConfig, config: PPOConfig, iterations: int, **settings: Any
) -> Callable[[], float]:
    """Return what measures steps a second of our PPO on one of the classics."""
    env = classics.make(name, n_envs, **settings)
    run = ALGORITHMS["ppo"].make(env, net, config)
    run.iterate(0, 0.0)
    at = iter(range(1, 1_000_000))

    def work() -> None:
        for _ in range(iterations):
            run.iterate(next(at), 0.0)

    return lambda: iterations * n_envs * config.n_steps / spent_s(work)


def their_rate(model: Any, steps: int) -> Callable[[], float]:
    """Return what measures steps a second of one of their models."""
    model.learn(model.n_steps * model.n_envs)
    return lambda: steps / spent_s(lambda: model.learn(steps, reset_num_timesteps=False))


def cartpoles(n_envs: int) -> DummyVecEnv:
    """Return copies of Gymnasium's cart-pole in one process, their fastest way for it."""
    return DummyVecEnv([lambda: gymnasium.make("CartPole-v1")] * n_envs)


def ppo_same(pairs: int, scale: int) -> list[Figure]:
    """PPO with Stable-Baselines3's own settings on eight copies and on one."""
    found = []
    for n_envs, target in ((8, 2.0), (1, 3.0)):
        n_steps = 2048 // n_envs
        config = replace(SB3_DEFAULT, n_steps=n_steps)
        model = sb3.PPO("MlpPolicy", cartpoles(n_envs), n_steps=n_steps, device="cpu")
        ours = our_rate("cartpole", n_envs, SAME, config, 2 * scale)
        theirs = their_rate(model, 4096)
        found.append(
            against(
                f"ppo_cartpole_{n_envs}_copies_steps_per_s",
                abba(ours, theirs, pairs),
                peer_name="stable-baselines3 2.9 PPO",
                target=target,
                note="same settings: 2,048 steps, 10 epochs, blocks of 64, two layers of 64",
            )
        )
    return found


BEST_GRID = ((8, 256), (32, 256), (32, 2048), (128, 2048), (128, 8192))
"""Copies and size of a block that either library may choose from; ours may also take 512."""


def ppo_best(pairs: int, scale: int) -> list[Figure]:
    """PPO with four epochs, copies and blocks as each likes them best."""
    rates = {}
    for n_envs, size in BEST_GRID:
        n_steps = max(64, size // n_envs)
        model = sb3.PPO(
            "MlpPolicy",
            cartpoles(n_envs),
            n_steps=n_steps,
            batch_size=size,
            n_epochs=4,
            device="cpu",
        )
        rates[n_envs, size] = their_rate(model, n_steps * n_envs)
    best = max(rates, key=lambda key: rates[key]())
    ours = {}
    for n_envs, size in (*BEST_GRID, (512, 8192), (512, 16384)):
        config = replace(SB3_DEFAULT, epochs=4, minibatch=size, n_steps=max(64, size // n_envs))
        ours[n_envs, size] = our_rate("cartpole", n_envs, SAME, config, scale)
    own = max(ours, key=lambda key: ours[key]())
    return [
        against(
            "ppo_cartpole_best_steps_per_s",
            abba(ours[own], rates[best], pairs),
            peer_name="stable-baselines3 2.9 PPO",
            target=10.0,
            note=f"four epochs; ours {own[0]} copies, blocks of {own[1]}; theirs {best[0]} "
            f"copies, blocks of {best[1]}, the best of {len(BEST_GRID)}",
        )
    ]


def data_plane(pairs: int, scale: int) -> list[Figure]:
    """Step, store and advantages with a policy that only draws, 256 copies, 2,048 steps."""
    n_envs, n_steps = 256, 2048 if scale > 1 else 256
    env = classics.make("cartpole", n_envs)
    arena = Arena(n_steps, n_envs, sizes_of(env.spec))
    value = np.zeros((n_envs, 1, 0))
    draws = np.random.default_rng(0)
    observation = env.reset(np.arange(n_envs, dtype=np.int64))

    def ours() -> None:
        nonlocal observation
        arena.clear()
        for _ in range(n_steps):
            choice = draws.integers(0, 2, (n_envs, 1, 1), np.int32)
            t = arena.store(observation, observation.alive)
            arena.choice[t] = choice
            step = env.step(Action(choice, value))
            arena.reward[t] = step.reward[:, :, 0]
            arena.terminated[t] = step.terminated[:, None]
            arena.truncated[t] = step.truncated[:, None]
            observation = step.observation
        shape = (n_steps, n_envs)
        zeros = np.zeros(shape)
        gae(
            arena.reward.reshape(shape),
            zeros,
            zeros,
            terminated=arena.terminated.reshape(shape),
            truncated=arena.truncated.reshape(shape),
            gamma=0.99,
            lam=0.95,
        )

    theirs_env = cartpoles(n_envs)
    buffer = RolloutBuffer(
        n_steps, theirs_env.observation_space, theirs_env.action_space, n_envs=n_envs
    )
    seen = theirs_env.reset()
    start = np.ones(n_envs, bool)
    zero = torch.zeros(n_envs)

    def theirs() -> None:
        nonlocal seen, start
        buffer.reset()
        for _ in range(n_steps):
            choice = draws.integers(0, 2, n_envs)
            following, reward, ended, _ = theirs_env.step(choice)
            buffer.add(seen, choice[:, None], reward, start, zero, zero)
            seen, start = following, ended
        buffer.compute_returns_and_advantage(zero, start)

    ours()
    count = n_steps * n_envs
    both = abba(lambda: count / spent_s(ours), lambda: count / spent_s(theirs), pairs)
    return [
        against(
            "step_store_gae_transitions_per_s",
            both,
            peer_name="stable-baselines3 2.9 DummyVecEnv and RolloutBuffer",
            target=40.0,
            note=f"cart-pole, {n_envs} copies, {n_steps:,} steps, a policy that only draws",
        )
    ]


def masked(pairs: int, scale: int) -> list[Figure]:
    """PPO over 1,000 actions, 900 of them forbidden in every state."""
    n_envs, n_steps = 8, 128
    config = replace(SB3_DEFAULT, n_steps=n_steps)
    ours = our_rate("masked", n_envs, SAME, config, scale, actions=1000, forbidden=900, steps=100)
    env = DummyVecEnv([lambda: InvalidActionEnvDiscrete(dim=1000, n_invalid_actions=900)] * n_envs)
    model = MaskablePPO("MlpPolicy", env, n_steps=n_steps, device="cpu")
    return [
        against(
            "masked_ppo_1000_actions_steps_per_s",
            abba(ours, their_rate(model, n_steps * n_envs), pairs),
            peer_name="sb3-contrib 2.9 MaskablePPO",
            target=8.0,
            note="same settings: 8 copies, 128 steps, 10 epochs, blocks of 64, two layers of 64",
        )
    ]


class NoVelocity(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Cart-pole whose velocities read zero, as RL Zoo masks them."""

    def observation(self, observation: Any) -> Any:
        """Return the observation without velocities."""
        return observation * np.array([1, 0, 1, 0], np.float32)


def recurrent(pairs: int, scale: int) -> list[Figure]:
    """PPO with an LSTM for actor and critic each on the cart-pole without velocities."""
    n_envs, n_steps = 8, 128
    config = replace(SB3_DEFAULT, n_steps=n_steps, minibatch=128, window=32)
    net = replace(SAME, hidden=(64,), critic_hidden=(64,), cell="lstm", cell_size=64)
    ours = our_rate("cartpole-no-velocity", n_envs, net, config, scale)
    env = DummyVecEnv([lambda: NoVelocity(gymnasium.make("CartPole-v1"))] * n_envs)
    shape = {"lstm_hidden_size": 64, "net_arch": [64], "enable_critic_lstm": True}
    model = RecurrentPPO(
        "MlpLstmPolicy",
        env,
        n_steps=n_steps,
        batch_size=128,
        n_epochs=10,
        device="cpu",
        policy_kwargs=shape,
    )
    return [
        against(
            "recurrent_ppo_steps_per_s",
            abba(ours, their_rate(model, n_steps * n_envs), pairs),
            peer_name="sb3-contrib 2.9 RecurrentPPO",
            target=5.0,
            note="8 copies, 128 steps, 10 epochs, blocks of 128, LSTM of 64 each for actor and "
            "critic, then one layer of 64; our gradients flow through windows of 32 steps",
        )
    ]


def sac(pairs: int, scale: int) -> list[Figure]:
    """Gradient steps of SAC on the pendulum, blocks of 256, two layers of 256."""
    recipe = ALGORITHMS["sac"]
    env = classics.make("pendulum", 1)
    net = NetConfig(hidden=(256, 256), critic_hidden=(256, 256), activation="relu", norm="none")
    run: Any = recipe.make(env, net, recipe.config(minibatch=256, learning_starts=512))
    while run.iterate(0, 0.0).get("updates", 1.0) == 0.0:
        pass
    model = sb3.SAC("MlpPolicy", "Pendulum-v1", learning_starts=512, device="cpu")
    model.learn(520)
    n = 50 * scale

    def ours() -> float:
        return n / spent_s(lambda: run.gradient_steps(n))

    def theirs() -> float:
        return n / spent_s(lambda: model.train(n, 256))

    a, b = torch.randn(256, 256), torch.randn(256, 256)
    products = spent_s(lambda: [torch.mm(a, b) for _ in range(2000)] and None)
    limit = 2000 * 2 * 256**3 / products / 1e9
    figure = against(
        "sac_gradient_steps_per_s",
        abba(ours, theirs, pairs),
        peer_name="stable-baselines3 2.9 SAC",
        target=1.6,
        note=f"blocks of 256, two layers of 256; this core multiplies 256 x 256 matrices at "
        f"{limit:.0f} GFLOP/s at most",
    )
    return [figure]


FIGURES: dict[str, Callable[[int, int], list[Figure]]] = {
    "ppo_same": ppo_same,
    "ppo_best": ppo_best,
    "data_plane": data_plane,
    "masked": masked,
    "recurrent": recurrent,
    "sac": sac,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short pair of each")
    parser.add_argument("--only", choices=sorted(FIGURES), action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pinned = one_core()
    note = f"{pinned}one thread of torch; steps of a fixed compiled loop"
    absolute(
        "yardstick_mega_steps_per_s", [yardstick()], better="more", target=None, note=note
    ).print()
    pairs, scale = (1, 1) if arguments.quick else (5, 4)
    for name, measure in FIGURES.items():
        if arguments.only is None or name in arguments.only:
            for figure in measure(pairs, scale):
                figure.print()


if __name__ == "__main__":
    main()
