# SPDX-License-Identifier: MIT
"""The hard limits of the small problems: there are none.

Nothing here can be damaged. What a problem forbids is a rule of its game: a masked choice or a
value out of range is replaced before it acts and counted in `illegal`, a cart that leaves its track
or a pole that falls ends the episode, and the reward says what that costs. None of these is a
constraint that a Shield could be asked to keep, and inventing one would change a published problem.
"""

from flyball.core.protocols import Severity

LIMITS: tuple[tuple[str, Severity], ...] = ()
"""Every hard limit, as name and severity: none."""
