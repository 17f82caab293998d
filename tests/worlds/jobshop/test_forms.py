# SPDX-License-Identifier: MIT
from flyball.worlds.jobshop.forms import FORMS, PLANT


def test_sheets_and_columns_have_names_that_a_header_can_match() -> None:
    for form in FORMS:
        names = [column.name for column in form.columns]
        assert len(set(names)) == len(names)
        assert all(name == name.strip().lower().replace(" ", "_") for name in names)
    assert len({form.name.lower() for form in FORMS}) == len(FORMS)


def test_a_column_that_must_be_filled_must_be_there() -> None:
    columns = [column for form in FORMS for column in form.columns] + list(PLANT)

    assert all(column.needed for column in columns if column.filled)


def test_every_column_says_what_it_means_and_minutes_say_their_unit() -> None:
    for form in FORMS:
        assert form.about.endswith(".")
        for column in form.columns:
            assert len(column.about) > 5
            assert "minutes" not in column.name or column.about.endswith("min")
