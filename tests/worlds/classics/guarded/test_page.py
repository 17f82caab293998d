# SPDX-License-Identifier: MIT
"""The page says what the code says; `make golden` writes its table of baselines anew."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from flyball.worlds.classics.guarded import NAMES, PROBLEMS, known, policies
from tests.worlds.classics.guarded.play import outcomes
from tests.worlds.classics.play import needs_compiler

PAGE = Path(__file__).parents[4] / "docs" / "worlds" / "guarded.md"
START, END = "<!-- baselines: generated -->\n", "<!-- end -->"
FIGURES = [0, 2, 3]  # return, time in breach, deepest breach
ROWS = {"crossing-robots": 4}


def figures(name):
    """Return the mean figures of each baseline."""
    return {
        key: outcomes(name, policy, n_envs=ROWS.get(name, 64))[0][:, FIGURES].mean(0)
        for key, policy in policies(name).items()
    }


def row(name, found):
    cells = [" / ".join(f"{figure:.4g}" for figure in figures) for figures in found.values()]
    return f"| `{name}` | {' | '.join(cells[:4])} | {list(found)[-1]}: {cells[-1]} |"


@needs_compiler
def test_golden_figures_of_the_baselines_are_those_of_the_page(request):
    """Within 3 %: the last digits of a sine differ between machines, and swings grow from them."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    table, _, tail = rest.partition(END)
    found = {name: figures(name) for name in NAMES}
    if request.config.getoption("--golden"):
        titles = "| problem | random | constant | do nothing | greedy | the strong rule |"
        lines = [titles, "| --- | --- | --- | --- | --- | --- |"]
        lines += [row(name, found[name]) for name in NAMES]
        table = "\n".join(lines) + "\n"
        PAGE.write_text(head + START + table + END + tail, encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]

    assert [own[0] for own in cells] == [f"`{name}`" for name in NAMES]
    for name, own in zip(NAMES, cells, strict=True):
        texts = [*own[1:5], own[5].split(": ")[1]]
        for text, figure in zip(texts, found[name].values(), strict=True):
            want = [float(part) for part in text.split(" / ")]
            np.testing.assert_allclose(figure, want, rtol=0.03, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_plant_and_every_setting(name):
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|") and f"`{name}`" in line]

    assert len(lines) >= 4  # plants, settings, answers, baselines
    for field in fields(PROBLEMS[name].settings):
        assert any(f"`{field.name}`" in line for line in lines), field.name


def test_the_page_tells_the_answers_that_are_known():
    text = PAGE.read_text(encoding="utf-8")

    for name in NAMES:
        for answer in known(name):
            assert f"{answer.value:.4g}" in text, (name, answer)


def test_the_example_of_the_page_says_what_it_says(capsys):
    code = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]

    exec(code, {})  # noqa: S102 - our own page

    assert capsys.readouterr().out.split() == ["True", "0.0"]
