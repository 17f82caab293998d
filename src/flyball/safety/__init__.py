# SPDX-License-Identifier: MIT
"""What stands between a Policy and a Plant: limits, the filter that bends actions, and the proof.

NumPy and Numba only; nothing here learns, reads a file or imports a world. A world states its
limits, its one-step model and its backup in core's words, and safety enforces any.
"""

from flyball.safety.compiling import Plant, compiled

__all__ = ["Plant", "compiled"]
