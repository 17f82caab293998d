# SPDX-License-Identifier: MIT
import pytest

from flyball.worlds.jobshop import families as families_room
from flyball.worlds.jobshop.families import NO_FAMILY, Families, families
from flyball.worlds.jobshop.orders import orders
from tests.worlds.jobshop.tabled import plant, told
from tests.worlds.jobshop.workbooks import Sheets, put, small


def found(sheets: Sheets | None = None) -> tuple[Families, list[tuple[str, str]]]:
    shop, tables, findings = plant(sheets)
    jobs = orders(tables, shop, findings)
    return families(tables, shop, jobs, findings), told(findings)


def test_families_are_numbered_as_they_are_met_in_any_case() -> None:
    sheets = small()
    put(sheets, "Operations!F3", "RED")

    result, problems = found(sheets)

    assert result.name == ["red", "blue", NO_FAMILY]
    assert (result.of("Red"), result.of(""), result.of("green")) == (0, 2, -1)
    assert problems == []


def test_a_star_row_covers_families_that_no_row_names() -> None:
    sheets = small()
    sheets["Setups"].append(["Paint", "*", "*", 10])
    put(sheets, "Operations!F3", "green")

    result, problems = found(sheets)

    assert "green" in result.name
    assert problems == []


def test_any_family_will_do_where_no_set_up_is_listed() -> None:
    sheets = small()
    put(sheets, "Operations!F2", "thick")

    assert found(sheets)[1] == []


def test_a_machine_may_be_set_up_for_a_family_without_work_where_nothing_is_listed() -> None:
    sheets = small()
    sheets["Setups"] = sheets["Setups"][:1]
    put(sheets, "Machines!E4", "green")

    result, problems = found(sheets)

    assert result.of("green") >= 0
    assert problems == []


def test_more_families_than_a_matrix_can_hold_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(families_room, "MAX_SETUP_CELLS", 10)

    assert found()[1] == [("Setups 2 group", "3 families in 2 groups")]
