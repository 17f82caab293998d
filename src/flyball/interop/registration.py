# SPDX-License-Identifier: MIT
"""Make the worlds known to Gymnasium by name."""

import gymnasium

ID = "flyball/JobShop-v0"


def register_gymnasium() -> None:
    """Register every world with `gymnasium.make` and `make_vec`; calling it twice is harmless.

    Gymnasium since 1.0 reads no entry points of packages: importing `flyball.interop` is what
    registers, and ``gymnasium.make("flyball.interop:flyball/JobShop-v0")`` imports it by itself.
    """
    if ID in gymnasium.registry:
        return
    gymnasium.register(
        id=ID,
        entry_point="flyball.interop.jobshop:jobshop_env",
        vector_entry_point="flyball.interop.jobshop:jobshop_vector_env",
    )
