# SPDX-License-Identifier: MIT
"""Settings of the decision log."""

import math
from dataclasses import dataclass
from typing import Literal

from flyball.core.errors import ConfigError, Problem

Durability = Literal["process", "power"]


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """Settings of `DecisionLog`."""

    durability: Durability = "power"
    """What a record survives once it is acknowledged: `power`, that the machine loses power (every
    commit waits for the disk, 0.2 to 4 ms); `process`, that the process is killed."""

    queue: int = 1024
    """Records that may wait to be written by `submit`; the next one is refused."""

    batch: int = 64
    """Most records in one commit."""

    wait_s: float = 1.0
    """Longest wait for a record to be kept, where the caller does not say, s."""

    checkpoint_bytes: int = 4 << 20
    """Bytes beside the main file after which they are carried over into it."""

    wal_bytes: int = 64 << 20
    """Bytes beside the main file above which writing waits for a moment until they are in it."""

    max_bytes: int = 0
    """Largest main file; `retain` drops the oldest records below it whatever their age, and a
    record that would exceed it is refused. 0: as large as the disk."""

    keep_days: float = 0.0
    """Age at which `retain` drops decisions and outcomes, days; 0: never."""

    checked: int = 1000
    """Last records that are checked on opening; `verify` checks all."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        ConfigError
            With every problem at once.
        """
        problems = [
            Problem(
                where=f"log.{name}",
                found=str(getattr(self, name)),
                allowed=f"{low:g} or more" + (f", {high:g} at most" if high < math.inf else ""),
                fix="leave it out to have the default",
            )
            for name, (low, high) in BETWEEN.items()
            if not low <= getattr(self, name) <= high
        ]
        if self.durability not in ("process", "power"):
            problems.append(
                Problem(
                    where="log.durability",
                    found=f"'{self.durability}'",
                    allowed="process, power",
                    fix="choose power where a decision must survive a power failure",
                )
            )
        if 0 < self.max_bytes < LEAST_BYTES:
            problems.append(
                Problem(
                    where="log.max_bytes",
                    found=f"{self.max_bytes} bytes",
                    allowed=f"0, or {LEAST_BYTES} or more",
                    fix="leave room for a thousand decisions",
                )
            )
        if problems:
            raise ConfigError(problems)


LEAST_BYTES = 1 << 20

BETWEEN = {
    "queue": (1, math.inf),
    "batch": (1, 1000),
    "wait_s": (0.0, 86_400.0),
    "checkpoint_bytes": (1, math.inf),
    "wal_bytes": (1, math.inf),
    "max_bytes": (0, math.inf),
    "keep_days": (0.0, math.inf),
    "checked": (0, math.inf),
}
