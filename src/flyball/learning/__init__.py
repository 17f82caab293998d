# SPDX-License-Identifier: MIT
"""Algorithms that improve a Policy from experience; the only room that needs torch.

It is handed an Env and never imports a world. Each algorithm is one file that reads from top to
bottom and has one method that counts, `iterate`; `train` gives any of them a budget, progress,
checkpoints and a clean stop.
"""

from flyball.learning.acting import NetPolicy, set_threads
from flyball.learning.imitate import Imitate, ImitateConfig
from flyball.learning.nets import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, Progress, train

__all__ = [
    "PPO",
    "Budget",
    "Imitate",
    "ImitateConfig",
    "Net",
    "NetConfig",
    "NetPolicy",
    "PPOConfig",
    "Progress",
    "set_threads",
    "train",
]
