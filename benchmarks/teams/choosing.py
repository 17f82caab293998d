# SPDX-License-Identifier: MIT
"""Each side's settings: the best of its own search, from runs that no evidence shares."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from parity import ledger

from teams.cells import Cell, Setup, Side

FOLDER = ledger.EVIDENCE / "teams"


def chosen(
    cell: Cell, side: Side, made_by: Mapping[str, str], folder: Path = FOLDER
) -> Setup | None:
    """Return a side as its search says, or None while that lacks runs; of equals the first."""
    if not cell.search:
        return cell.setup(side, {})
    options = cell.options(side)
    found = [ledger.current(option, option.side, made_by, folder) for option in options]
    if any(len(rows) < cell.search_seeds for rows in found):
        return None
    means = [float(np.mean([row["score"] for row in rows])) for rows in found]
    return cell.setup(side, options[int(np.argmax(means))].chosen)
