# SPDX-License-Identifier: MIT
"""Where records go that must never be lost or changed: the face of an append-only log.

The latch of the emergency stop and the audit of decisions write to it. There is one chain in the
product: whoever keeps the log (memory and a file here, the decision log where a plant is served)
gives each record a hash of itself and of the record before it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

Record = Mapping[str, Any]
"""What JSON can hold: texts, finite numbers, lists, mappings with text keys."""


class Journal(Protocol):
    """Records in the order in which they came."""

    def append(self, record: Record) -> str:
        """Keep a record; on return it survives the process. Return its hash (64 hex digits)."""
        ...

    def records(self) -> Iterator[Record]:
        """Yield every record from the first one.

        Raises
        ------
        RunError
            Where the chain is broken.
        """
        ...
