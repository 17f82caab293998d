# SPDX-License-Identifier: MIT
"""Make the worlds known to Gymnasium by name."""

import gymnasium

from flyball.interop.classics import classics_id
from flyball.worlds.classics import NAMES

JOBSHOP_ID = "flyball/JobShop-v0"


def register_gymnasium() -> None:
    """Register every world with `gymnasium.make` and `make_vec`; calling it twice is harmless.

    Gymnasium since 1.0 reads no entry points of packages: importing `flyball.interop` is what
    registers, and ``gymnasium.make("flyball.interop:flyball/JobShop-v0")`` imports it by itself.
    A problem with several agents has its id too; making it says which adapter serves it.
    """
    if JOBSHOP_ID in gymnasium.registry:
        return
    gymnasium.register(
        id=JOBSHOP_ID,
        entry_point="flyball.interop.jobshop:jobshop_env",
        vector_entry_point="flyball.interop.jobshop:jobshop_vector_env",
    )
    for problem in NAMES:
        gymnasium.register(
            id=classics_id(problem),
            entry_point="flyball.interop.classics:classics_env",
            vector_entry_point="flyball.interop.classics:classics_vector_env",
            kwargs={"problem": problem},
        )
