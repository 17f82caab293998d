# SPDX-License-Identifier: MIT
"""Other people's environments as a batch: Gymnasium's Envs and VectorEnvs, and PettingZoo's."""

from flyball.interop.incoming.parallel import ParallelRows, from_parallel
from flyball.interop.incoming.single import SingleRows, from_gymnasium
from flyball.interop.incoming.vector import VectorRows, from_vector

__all__ = [
    "ParallelRows",
    "SingleRows",
    "VectorRows",
    "from_gymnasium",
    "from_parallel",
    "from_vector",
]
