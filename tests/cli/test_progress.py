# SPDX-License-Identifier: MIT
import pytest

from flyball.cli.progress import EVERY_S, Shown
from flyball.core.clock import ManualClock


def test_without_a_terminal_a_line_comes_every_few_seconds(capsys: pytest.CaptureFixture[str]):
    clock = ManualClock()

    with Shown(clock) as watch:
        for k in range(20):
            watch("improve", k / 20, {"decisions": 1000.0})
            clock.advance(1.0)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20 // EVERY_S
    assert lines[0].startswith("  improving by comparing its own schedules:   0%")
    assert "left" in lines[-1]
    assert "decisions/s" in lines[-1]


def test_time_left_is_what_the_share_so_far_took(capsys: pytest.CaptureFixture[str]):
    clock = ManualClock()

    with Shown(clock) as watch:
        watch("plan", 0.0, {})
        clock.advance(10.0)
        watch("plan", 0.25, {"best_h": 3.0})

    assert "30 s left, best so far 3.0 weighted hours late" in capsys.readouterr().err


def test_what_was_measured_stands_in_the_lines_that_follow(capsys: pytest.CaptureFixture[str]):
    clock = ManualClock()

    with Shown(clock) as watch:
        watch("measure", 0.0, {"validation_h": 8.0, "best_rule_h": 9.0})
        watch("improve", 0.5, {})

    assert "policy 8.0 h late, best rule 9.0 h" in capsys.readouterr().err


def test_a_training_shows_steps_a_second_and_what_the_policy_returns(
    capsys: pytest.CaptureFixture[str],
):
    clock = ManualClock()

    with Shown(clock) as watch:
        watch("train", 0.0, {"steps": 0.0})
        clock.advance(10.0)
        watch("train", 0.25, {"steps": 5000.0, "return": 31.25, "validation": 40.0})

    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "  training:  25% 30 s left, 500 steps/s, return 31.25, greedy 40"


def test_a_resumed_training_counts_from_where_it_goes_on(capsys: pytest.CaptureFixture[str]):
    clock = ManualClock()

    with Shown(clock) as watch:
        watch("train", 0.5, {"steps": 5000.0})
        clock.advance(10.0)
        watch("train", 0.75, {"steps": 7500.0})

    assert "10 s left, 250 steps/s" in capsys.readouterr().err


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    clock = ManualClock()

    with Shown(clock) as watch:
        watch("tune", 0.5, {"best_rule": "ATC", "hours": 4.0})
        watch("improve", 0.25, {})
        bar = watch._bar

    assert bar is not None
    assert bar.tasks[0].completed == 0.25
