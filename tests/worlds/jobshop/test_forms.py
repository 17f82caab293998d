# SPDX-License-Identifier: MIT
from pathlib import Path

from flyball.worlds.jobshop.forms import FORMS, PLANT

ROOT = Path(__file__).parents[3]


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


def test_the_page_about_workbooks_explains_every_column() -> None:
    page = (ROOT / "docs" / "how-to" / "describe-your-shop.md").read_text(encoding="utf-8")

    for form in FORMS:
        assert f"### {form.name}\n\n{form.about}" in page
        for column in PLANT if form.name == "Plant" else form.columns:
            filled = "yes" if column.filled else "no"
            assert f"| `{column.name}` | {filled} | {column.about} |" in page
