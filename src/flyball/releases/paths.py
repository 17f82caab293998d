# SPDX-License-Identifier: MIT
"""The path of verdicts on each comparison: what was judged, and when."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select

from flyball.core.clock import Clock
from flyball.releases.database import Database
from flyball.releases.manifest import json_of
from flyball.releases.moments import moment
from flyball.releases.tables import VERDICTS


class Paths:
    """The verdicts in a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def add(self, plant: str, number: int, record: Mapping[str, Any]) -> int:
        """Keep what was judged; return its place in the path of its comparison: 0, 1, 2, ...

        Raises
        ------
        ReleaseError
            When JSON cannot hold it.
        """
        text = json_of(record, "verdict").decode()
        own = (VERDICTS.c.plant == plant) & (VERDICTS.c.number == number)
        with self._database.writing() as connection:
            last = connection.scalar(select(func.max(VERDICTS.c.place)).where(own))
            place = 0 if last is None else int(last) + 1
            values = {"plant": plant, "number": number, "place": place}
            now = moment(self._clock.now())
            connection.execute(insert(VERDICTS).values(**values, at=now, record=text))
            return place

    def page(
        self, plant: str, number: int, *, after: int = -1, limit: int = 1000
    ) -> list[dict[str, Any]]:
        """Return what was judged of a comparison, in order, each with its `place` and `at`."""
        wanted = (
            select(VERDICTS.c.place, VERDICTS.c.at, VERDICTS.c.record)
            .where(VERDICTS.c.plant == plant, VERDICTS.c.number == number)
            .where(VERDICTS.c.place > after)
            .order_by(VERDICTS.c.place)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [
                json.loads(row.record) | {"place": row.place, "at": row.at}
                for row in connection.execute(wanted)
            ]
