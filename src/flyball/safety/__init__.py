# SPDX-License-Identifier: MIT
"""What stands between a Policy and a Plant: limits, the filter that bends actions, and the proof.

NumPy and Numba only; nothing here learns, reads a file or imports a world. A world states its
limits, its one-step model and its backup in core's words, and safety enforces any.
"""

from flyball.safety import actuators, certificates
from flyball.safety.compiling import Plant, compiled
from flyball.safety.keeper import Keeper, Kept
from flyball.safety.monitor import Monitor
from flyball.safety.shield import Shield, ShieldConfig
from flyball.safety.shielded import Shielded
from flyball.safety.stop import EmergencyStop, StopConfig

__all__ = [
    "EmergencyStop",
    "Keeper",
    "Kept",
    "Monitor",
    "Plant",
    "Shield",
    "ShieldConfig",
    "Shielded",
    "StopConfig",
    "actuators",
    "certificates",
    "compiled",
]
