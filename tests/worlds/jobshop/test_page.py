# SPDX-License-Identifier: MIT
"""The world's page says what the code says; `make golden` writes its tables anew."""

from pathlib import Path

import pytest

from flyball.worlds.jobshop.env import SPEC
from flyball.worlds.jobshop.features import FAR, FEATURES

PAGE = Path(__file__).parents[3] / "docs" / "worlds" / "jobshop.md"


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value):
    return f"{value:g}" if abs(value) < FAR else "any"


TABLES = {
    "features": table(
        ["index", "feature", "unit", "range", "meaning"],
        [
            [str(index), f"`{f.name}`", f.unit, f"{number(f.low)} to {number(f.high)}", f.meaning]
            for index, f in enumerate(FEATURES)
        ],
    ),
    "objectives": table(
        ["objective", "unit", "better"], [[f"`{o.name}`", o.unit, o.sense] for o in SPEC.objectives]
    ),
    "kpis": table(
        ["figure", "unit", "better", "meaning"],
        [[f"`{k.name}`", k.unit, k.sense, k.meaning] for k in SPEC.kpis],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_golden_tables_of_the_page_are_those_of_the_code(name, request):
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {name}: generated -->\n")
    found, mark, tail = rest.partition("<!-- end -->")
    assert mark, f"{PAGE.name} has no place for the table of {name}"
    wanted = f"{TABLES[name]}\n"
    if request.config.getoption("--golden"):
        found = wanted
        PAGE.write_text(f"{head}<!-- {name}: generated -->\n{wanted}{mark}{tail}", encoding="utf-8")

    assert found == wanted, "run: make golden"
