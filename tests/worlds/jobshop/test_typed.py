# SPDX-License-Identifier: MIT
from datetime import date

from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.tables import Book, Sheet
from flyball.worlds.jobshop.typed import typed
from tests.worlds.jobshop.tabled import tables, told
from tests.worlds.jobshop.workbooks import START, put, small


def test_every_cell_of_the_small_shop_has_its_type() -> None:
    found, findings = tables()

    job = found["jobs"].rows[1]
    assert dict(job.values) == {
        "job": "B", "customer": "Birk", "product": "box", "release": START,
        "due": START.replace(day=5, hour=14), "weight": 2.0, "important": True,
    }  # fmt: skip
    assert found["operations"].rows[0].text("operation") == "10"
    assert found["holidays"].rows[0].values["date"] == date(2026, 4, 3)
    assert found["shifts"].rows[0].values["days"] == frozenset(range(5))
    assert told(findings) == []


def test_the_plant_is_one_row_whose_places_are_the_values() -> None:
    found, _ = tables()

    assert found.plant is not None
    assert found.plant.text("name") == "Small shop"
    assert found.plant.where("start") == "Plant 3 start"


def test_headers_may_have_blanks_capitals_and_hyphens() -> None:
    sheets = small()
    sheets["Machines"][0] = ["MACHINE", " Group ", "Calendar", "Speed", "Set-up for"]

    found, findings = tables(sheets)

    assert found["machines"].rows[2].text("set_up_for") == "red"
    assert told(findings) == []


def test_a_faulty_name_makes_its_table_unknown_so_that_users_of_names_are_not_blamed() -> None:
    sheets = small()
    put(sheets, "Jobs!A2", "x" * 999)

    found, findings = tables(sheets)

    assert not found["jobs"].known
    assert told(findings) == [("Jobs 2 job", "a text of 999 characters")]


def test_a_sheet_that_its_reader_refused_is_not_called_empty() -> None:
    findings = Findings()
    refused = Sheet("Jobs", (), lambda *_: "Jobs", refused=True)

    typed(Book("x", {"jobs": refused}, lambda name: name), findings)

    assert "Jobs" not in [where for where, _ in told(findings)]


def test_rows_shorter_than_the_header_have_blanks_at_the_end() -> None:
    sheets = small()
    sheets["Jobs"][1] = ["A", None, None, None, START]

    found, findings = tables(sheets)

    assert not found["jobs"].rows[0].has("weight")
    assert told(findings) == []
