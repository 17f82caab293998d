# SPDX-License-Identifier: MIT
import html
import re
from pathlib import Path

import pytest

from flyball.core.evaluation import Evaluation
from flyball.experiments import runs
from flyball.experiments.evaluate import evaluate_run
from flyball.experiments.report import CURVE, rows, text, write_report
from tests.experiments.any_runs import unwatched


@pytest.fixture(scope="module")
def evaluation(any_run: Path) -> Evaluation:
    return evaluate_run(any_run, unwatched, episodes=8)


def test_the_verdict_stands_first_and_the_page_needs_nothing_else(
    any_run: Path, evaluation: Evaluation
):
    page = write_report(any_run, evaluation).read_text(encoding="utf-8")

    body = page[page.index("<body>") :]
    assert body.index(html.escape(evaluation.sentence[:30])) < body.index("<table>")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "flyball train &lt;small&gt;" in page  # what a person typed is text
    assert "learned by ppo" in page


def test_the_curve_lies_beside_the_report(any_run: Path, evaluation: Evaluation):
    write_report(any_run, evaluation)

    assert (any_run / CURVE).read_bytes().startswith(b"\x89PNG")
    assert not list(any_run.glob(".half*"))


def test_the_table_has_every_method_once_the_best_first(evaluation: Evaluation):
    found = rows(evaluation)

    assert sorted(row.name for row in found) == sorted(each.name for each in evaluation.methods)
    assert found[0].name == evaluation.best_rule
    assert found[0].difference == "compared with this"
    assert found[0].worst == "500.0"
    assert re.fullmatch(r"500\.0 ± 0\.00", found[0].figures[0])
    policy = next(row for row in found if row.name == "policy")
    assert re.fullmatch(r"-[\d.]+ \(-[\d.]+ to -[\d.]+\)", policy.difference)


def test_the_text_is_the_table_in_columns(evaluation: Evaluation):
    head, *lines = text(evaluation)

    assert head.split() == ["return", "length_steps", "difference", "worst"]
    assert len(lines) == len(evaluation.methods)
    at = head.index("return")
    assert all(line[at - 1] == " " and line[at].isdigit() for line in lines)


def test_a_run_that_was_never_measured_still_has_a_report(
    any_run: Path, evaluation: Evaluation, tmp_path: Path
):
    for name in (runs.MANIFEST, runs.SETTINGS):
        (tmp_path / name).write_bytes((any_run / name).read_bytes())

    page = write_report(tmp_path, evaluation).read_text(encoding="utf-8")

    assert "Nothing was measured." in page
