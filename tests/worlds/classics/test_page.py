# SPDX-License-Identifier: MIT
"""The world's page says what the code says; `make golden` writes its table of baselines anew."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from flyball.worlds.classics import policies
from flyball.worlds.classics.catalogue import NAMES, PROBLEMS
from tests.worlds.classics.play import mean_outcome, needs_compiler

PAGE = Path(__file__).parents[3] / "docs" / "worlds" / "classics.md"
START, END = "<!-- baselines: generated -->\n", "<!-- end -->"
SLOW = "planned"


def shown(value):
    return f"{value:.4g}"


def scores(name):
    """Return the mean return of each baseline."""
    return {
        key: mean_outcome(name, policy)[0][0]
        for key, policy in policies(name).items()
        if not key.startswith("column") or key == "column 9"
    }


def row(name, found):
    rules = ", ".join(f"{key} {shown(found[key])}" for key in list(found)[2:])
    return f"| `{name}` | {shown(found['random'])} | {shown(found['constant'])} | {rules or '-'} |"


@needs_compiler
def test_golden_scores_of_the_baselines_are_those_of_the_page(request):
    """Within 3 %: the last digits of a sine differ between machines, and swings grow from them."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    table, _, tail = rest.partition(END)
    golden = request.config.getoption("--golden")
    if golden:
        lines = ["| problem | random | constant | rules |", "| --- | --- | --- | --- |"]
        lines += [row(name, scores(name)) for name in NAMES]
        table = "\n".join(lines) + "\n"
        PAGE.write_text(head + START + table + END + tail, encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]

    assert [own[0] for own in cells] == [f"`{name}`" for name in NAMES]
    for own in cells:
        name = own[0].strip("`")
        rules = dict(part.rsplit(" ", 1) for part in own[3].split(", ") if part != "-")
        wanted = {"random": own[1], "constant": own[2], **rules}
        for key, policy in policies(name).items():
            if key in wanted and key != SLOW:
                found = mean_outcome(name, policy)[0][0]
                np.testing.assert_allclose(found, float(wanted[key]), rtol=0.03, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_problem_and_every_setting(name):
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|") and f"`{name}`" in line]
    keys = [field.name for field in fields(PROBLEMS[name].settings)]

    assert len(lines) >= 2  # the table of problems and that of baselines
    for key in keys:
        assert any(f"`{key}`" in line for line in lines), f"{name}.{key} is not on the page"
