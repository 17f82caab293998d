# SPDX-License-Identifier: MIT
from flyball.worlds.jobshop.example_plant import (
    FAMILIES,
    GROUPS,
    HOLIDAYS,
    MAINTENANCE,
    SHIFTS,
    machines,
    setups,
)


def test_thirty_machines_stand_in_eight_groups_on_three_shift_patterns() -> None:
    rows = machines()

    assert len(rows) == 30
    assert {row[1] for row in rows} == {row[0] for row in GROUPS}
    assert {row[2] for row in rows} == {row[0] for row in SHIFTS}
    assert len({row[2] for row in rows}) == 3


def test_every_pattern_has_breaks_and_one_has_overtime_on_saturday() -> None:
    kinds = {(row[0], row[4]) for row in SHIFTS}

    assert all((name, "break") in kinds for name in ("one-shift", "two-shift", "three-shift"))
    assert [row[0] for row in SHIFTS if row[4] == "overtime" and row[1] == "Sat"] == ["two-shift"]


def test_set_ups_name_families_of_their_own_group_once() -> None:
    rows = setups()

    assert len({tuple(row[:3]) for row in rows}) == len(rows)
    for group, before, after, minutes in rows:
        assert {before, after} - {"*", "-"} <= set(FAMILIES[str(group)])
        assert isinstance(minutes, int)
        assert 0 < minutes <= 120


def test_maintenance_is_of_machines_that_exist_and_the_plant_closes_in_summer() -> None:
    assert {row[0] for row in MAINTENANCE} <= {row[0] for row in machines()}
    assert sum(row[2] == "summer closing" for row in HOLIDAYS) == 12
