# SPDX-License-Identifier: MIT
"""Adapters both ways: our worlds in other people's libraries, and their environments in ours.

Out: importing this room registers ``flyball/JobShop-v0``, ``flyball/CartPole-v0`` and every other
small problem with Gymnasium. What needs another library is a module of its own that nothing here
imports: ``from flyball.interop.sb3 import BatchVecEnv`` brings torch with it,
``from flyball.interop.parallel import AgentsEnv`` PettingZoo.

In: `from_gymnasium`, `from_vector` and `from_parallel` make a batch of any Gymnasium or PettingZoo
environment, so that our algorithms run on problems that nobody here wrote.
"""

from flyball.interop.incoming import from_gymnasium, from_parallel, from_vector
from flyball.interop.jobshop import adapter_config, jobshop_env, jobshop_vector_env
from flyball.interop.registration import register_gymnasium
from flyball.interop.settings import AdapterConfig
from flyball.interop.single import SingleEnv
from flyball.interop.translation import Translation
from flyball.interop.vector import BatchVectorEnv

__all__ = [
    "AdapterConfig",
    "BatchVectorEnv",
    "SingleEnv",
    "Translation",
    "adapter_config",
    "from_gymnasium",
    "from_parallel",
    "from_vector",
    "jobshop_env",
    "jobshop_vector_env",
    "register_gymnasium",
]

register_gymnasium()
