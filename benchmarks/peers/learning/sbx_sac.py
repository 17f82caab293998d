# SPDX-License-Identifier: MIT
"""SAC of SBX (JAX) on the pendulum: gradient steps asked for, one compiled call for all of them."""

import sys

import jax
from answering import answer
from sbx import SAC


def main() -> None:
    """Train until the replay has something, compile for the number to come, and answer."""
    n_usual = int(sys.argv[1])
    model = SAC("MlpPolicy", "Pendulum-v1", learning_starts=512)
    model.learn(520)

    def train(n: int) -> int:
        model.train(n, 256)
        jax.block_until_ready((model.policy.actor_state.params, model.policy.qf_state.params))
        return n

    train(n_usual)
    answer(train)


if __name__ == "__main__":
    main()
