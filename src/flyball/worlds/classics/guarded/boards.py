# SPDX-License-Identifier: MIT
"""From settings to the scenarios of the board with forbidden cells."""

import numpy as np

from flyball.core.spec import Categorical, Feature, Signal
from flyball.worlds.classics.guarded.board import FORBIDDEN, FREE, GOAL, Board, Walk, table
from flyball.worlds.classics.guarded.scenario import (
    Recipe,
    Scenario,
    agent,
    describe,
    rules,
    seconds,
)
from flyball.worlds.classics.guarded.settings import BoardSettings
from flyball.worlds.classics.scenario import require

MARKS = {".": FREE, "S": FREE, "X": FORBIDDEN, "G": GOAL}

MOST_CELLS = 10_000


def board_scenario(name: str, settings: BoardSettings) -> Scenario:
    """Return the board."""
    rows, steps, slip = settings.board, settings.steps, settings.slip
    require_board(name, rows)
    require(0.0 <= slip <= 1.0, f"{name}.slip", slip, "0 to 1", "0.2 is usual")
    require(steps >= 1, f"{name}.steps", steps, "1 or more", "100 is usual")
    cells = "".join(rows)
    mark = np.array([MARKS[cell] for cell in cells], np.int64)
    columns = tuple(Feature(f"cell_{k}", "-", 0.0, 1.0) for k in range(len(cells)))
    spec = describe(
        name,
        agent(columns, (Categorical("move", 5),)),
        signals=(Signal("cell", "-", 0.0, len(cells) - 1.0),),
        costs=seconds("forbidden cells"),
        state=(),
    )
    return Scenario(
        name=name,
        plant=Board(mark, table(mark, len(rows[0]), slip), slip, len(rows[0])),
        task=Walk(start=cells.index("S")),
        spec=spec,
        rules=rules(spec, 1.0, steps, [0.0]),
        n_real=0,
        n_whole=1,
        n_winds=1,
        n_changes=1,
    )


def require_board(name: str, rows: tuple[str, ...]) -> None:
    """Raise ConfigError unless the rows draw a board."""
    where, fix = f"{name}.board", "write each row as a text, all of one length"
    texts = len(rows) > 0 and all(isinstance(row, str) and row for row in rows)
    require(texts, where, rows, "rows of cells", fix)
    even = len({len(row) for row in rows}) == 1
    require(even, where, [len(row) for row in rows], "rows of one length", fix)
    cells = "".join(rows)
    strange = "".join(sorted(set(cells) - set(MARKS)))
    require(not strange, where, f"'{strange}'", ", ".join(MARKS), "draw with these")
    one = cells.count("S") == 1 and "G" in cells
    found = f"{cells.count('S')} starts, {cells.count('G')} goals"
    require(one, where, found, "one start, at least one goal", "write one S and a G")
    few = len(cells) <= MOST_CELLS
    require(few, where, f"{len(cells)} cells", f"at most {MOST_CELLS}", "draw a smaller board")


PROBLEMS = {"forbidden-grid": Recipe(BoardSettings, board_scenario)}
