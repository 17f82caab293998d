# SPDX-License-Identifier: MIT
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from flyball.cli.ending import summary, trained


def test_a_run_that_was_stopped_exits_with_130_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
):
    def stopped(_folder: Path, _watch: object) -> SimpleNamespace:
        return SimpleNamespace(interrupted=True)

    with pytest.raises(typer.Exit) as caught:
        trained(Path("runs/x"), stopped)

    assert caught.value.exit_code == 130
    assert "flyball train --resume runs/x" in capsys.readouterr().err


def test_a_run_that_ended_hands_its_result_on():
    ended = SimpleNamespace(interrupted=False)

    assert trained(Path("x"), lambda _folder, _watch: ended) is ended


def test_the_summary_of_a_shop_leaves_the_verdict_to_evaluate():
    result = SimpleNamespace(figures={"validation_h": 3.24, "best_rule_h": 4.0}, elapsed_s=61.0)

    text = summary(result)

    assert text.startswith("trained in 1 min 01 s: on validation days 3.2 weighted hours late")
    assert "for evaluate to give" in text
