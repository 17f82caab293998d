# SPDX-License-Identifier: MIT
"""Worlds for other people's libraries: Gymnasium, PettingZoo, Stable-Baselines3, sb3-contrib.

Importing this room registers ``flyball/JobShop-v0`` with Gymnasium. What needs another library is a
module of its own that nothing here imports: ``from flyball.interop.sb3 import BatchVecEnv`` brings
torch with it, ``from flyball.interop.parallel import OneAgentEnv`` PettingZoo.
"""

from flyball.interop.jobshop import adapter_config, jobshop_env, jobshop_vector_env
from flyball.interop.registration import register_gymnasium
from flyball.interop.single import SingleEnv
from flyball.interop.translation import AdapterConfig, Translation
from flyball.interop.vector import BatchVectorEnv

__all__ = [
    "AdapterConfig",
    "BatchVectorEnv",
    "SingleEnv",
    "Translation",
    "adapter_config",
    "jobshop_env",
    "jobshop_vector_env",
    "register_gymnasium",
]

register_gymnasium()
