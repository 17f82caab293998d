# SPDX-License-Identifier: MIT
"""Small experiments of any algorithm for the tests of experiments and cli."""

from flyball.experiments.experiment import Experiment, experiment_of

SMALL = {
    "ppo": ["ppo.n_steps=16", "ppo.minibatch=32", "envs=4", "steps=768"],
    "a2c": ["a2c.n_steps=8", "a2c.window=4", "envs=4", "steps=768"],
    "dqn": ["dqn.learning_starts=64", "dqn.train_freq=4", "dqn.gradient_steps=2", "envs=4",
            "dqn.target_every=128", "dqn.capacity=300", "steps=768"],
    "sac": ["sac.learning_starts=64", "sac.train_freq=8", "sac.minibatch=16", "envs=4",
            "sac.capacity=300", "sac.gradient_steps=2", "steps=768"],
    "td3": ["td3.learning_starts=64", "td3.train_freq=8", "td3.minibatch=16", "envs=4",
            "td3.capacity=300", "td3.gradient_steps=2", "steps=768"],
    "qmix": ["qmix.n_steps=4", "qmix.learning_starts=8", "qmix.batch=4", "qmix.capacity=64",
             "qmix.max_steps=2", "envs=4", "steps=384"],
    "maddpg": ["maddpg.n_steps=4", "maddpg.updates=2", "maddpg.minibatch=16",
               "maddpg.learning_starts=32", "maddpg.capacity=128", "envs=4", "steps=384"],
    "cpo": ["cpo.n_steps=16", "cpo.minibatch=32", "cpo.epochs=2", "cpo.episodes=2", "envs=4",
            "steps=768"],
    "ppo_lagrangian": ["ppo_lagrangian.n_steps=16", "ppo_lagrangian.minibatch=32",
                       "ppo_lagrangian.epochs=2", "envs=4", "steps=768"],
}  # fmt: skip
"""Settings by algorithm: seconds, and every part of the algorithm is passed through."""

WORLDS = {
    "sac": "classics/pendulum",
    "td3": "classics/pendulum",
    "qmix": "classics/two-step",
    "maddpg": "classics/spread",
    "cpo": "classics/double-integrator",
    "ppo_lagrangian": "classics/forbidden-grid",
}
"""Where it is tried; the others hold a pole."""


def small(algorithm: str = "ppo", *changes: str, world: str | None = None) -> Experiment:
    world = world or WORLDS.get(algorithm, "classics/cartpole")
    usual = ["validations=6", "validation_episodes=4", "net.hidden=[16, 16]"]
    return experiment_of(
        None, [*usual, *SMALL[algorithm], *changes], world=world, algorithm=algorithm
    )


def unwatched(stage: str, share: float, figures: object) -> None:
    """Watch nothing."""
    del stage, share, figures
