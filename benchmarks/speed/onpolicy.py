# SPDX-License-Identifier: MIT
"""PPO's figures: equal settings, many actions, memory."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3 as sb3
from measuring import Figure, abba
from sb3_contrib import MaskablePPO, RecurrentPPO
from sb3_contrib.common.envs import InvalidActionEnvDiscrete
from stable_baselines3.common.vec_env import DummyVecEnv

from speed.rates import SAME, SB3_DEFAULT, cartpoles, compared, our_rate, their_rate


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
            compared(
                f"ppo_cartpole_{n_envs}_copies_steps_per_s",
                abba(ours, theirs, pairs),
                peer="stable-baselines3 2.9 PPO",
                target=target,
                note="same settings: 2,048 steps, 10 epochs, blocks of 64, two layers of 64",
            )
        )
    return found


def masked(pairs: int, scale: int) -> list[Figure]:
    """PPO over 1,000 actions, 900 of them forbidden in every state."""
    n_envs, n_steps = 8, 128
    config = replace(SB3_DEFAULT, n_steps=n_steps)
    ours = our_rate("masked", n_envs, SAME, config, scale, actions=1000, forbidden=900, steps=100)
    env = DummyVecEnv([lambda: InvalidActionEnvDiscrete(dim=1000, n_invalid_actions=900)] * n_envs)
    model = MaskablePPO("MlpPolicy", env, n_steps=n_steps, device="cpu")
    return [
        compared(
            "masked_ppo_1000_actions_steps_per_s",
            abba(ours, their_rate(model, n_steps * n_envs), pairs),
            peer="sb3-contrib 2.9 MaskablePPO",
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
        compared(
            "recurrent_ppo_steps_per_s",
            abba(ours, their_rate(model, n_steps * n_envs), pairs),
            peer="sb3-contrib 2.9 RecurrentPPO",
            target=5.0,
            note="8 copies, 128 steps, 10 epochs, blocks of 128, LSTM of 64 each for actor and "
            "critic, then one layer of 64; our gradients flow through windows of 32 steps",
        )
    ]
