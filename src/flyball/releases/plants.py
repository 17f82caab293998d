# SPDX-License-Identifier: MIT
"""The rows of one plant: who sits where, and where its comparison stands."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from flyball.releases.refusals import MissingError, problem
from flyball.releases.seats import Seats, seats_of
from flyball.releases.staging import Staging, plain, state_of
from flyball.releases.tables import ALIASES, STAGINGS


def aliases_of(connection: Connection, plant: str) -> dict[str, str]:
    """Return the targets at a plant by the names of their aliases."""
    wanted = select(ALIASES.c.name, ALIASES.c.target).where(ALIASES.c.plant == plant)
    return {str(name): str(target) for name, target in connection.execute(wanted)}


def standing(connection: Connection, plant: str) -> Staging | None:
    """Return where a plant's comparison stands, or None for a plant that nobody has set up."""
    seats: Seats | None = seats_of(aliases_of(connection, plant))
    if seats is None:
        return None
    last = connection.execute(
        select(STAGINGS.c.number, STAGINGS.c.state)
        .where(STAGINGS.c.plant == plant)
        .order_by(STAGINGS.c.number.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return Staging(plant=plant, seats=seats)
    return state_of(plant, seats, last.number, json.loads(last.state))


def required(connection: Connection, plant: str) -> Staging:
    """Return where a plant's comparison stands.

    Raises
    ------
    MissingError
        When nobody has set up the plant.
    """
    state = standing(connection, plant)
    if state is None:
        fix = "point its baseline and its champion first"
        raise MissingError(problem(plant[:64], "no champion", "a plant that was set up", fix))
    return state


def seat(
    connection: Connection,
    state: tuple[str, int, str],
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> None:
    """Write the aliases that have changed.

    Parameters
    ----------
    state
        Plant, generation and moment.
    before, after
        Targets by name.
    """
    plant, generation, now = state
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        own = (ALIASES.c.plant == plant) & (ALIASES.c.name == name)
        connection.execute(delete(ALIASES).where(own))
        if name in after:
            row = {"plant": plant, "name": name, "target": after[name], "changed": now}
            connection.execute(insert(ALIASES).values(**row, generation=generation))


def keep(connection: Connection, state: Staging, generation: int, now: str) -> None:
    """Write down where a comparison stands."""
    if state.number == 0:
        # Control went back before anything was compared: seats and audit say it all.
        return
    kept = json.dumps(plain(state))
    own = (STAGINGS.c.plant == state.plant) & (STAGINGS.c.number == state.number)
    values = {"stage": str(state.stage), "generation": generation, "changed": now}
    rows = connection.execute(update(STAGINGS).where(own).values(**values, state=kept))
    if rows.rowcount == 0:
        values |= {"plant": state.plant, "number": state.number, "began": now}
        connection.execute(insert(STAGINGS).values(**values, state=kept))
