# SPDX-License-Identifier: MIT
import sys
from pathlib import Path

import pytest

from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError
from flyball.experiments.board import board, require_board


def events_of(folder: Path) -> list:
    """Return what TensorBoard's own reader finds, files in the order they were made."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [event for path in files for event in loader.EventFileLoader(str(path)).Load()]


def test_tensorboard_s_own_reader_finds_every_scalar_at_its_step(tmp_path: Path):
    clock = ManualClock()

    with board(tmp_path / "tb", clock) as write:
        write(8, {"train/return": 1.5, "train/kl": 0.25})
        clock.advance(2.0)
        write(16, {"train/return": 2.5})

    events = [event for event in events_of(tmp_path / "tb") if event.HasField("summary")]
    found = [
        (event.step, value.tag, value.tensor.float_val[0])
        for event in events
        for value in event.summary.value
    ]
    assert found == [(8, "train/return", 1.5), (8, "train/kl", 0.25), (16, "train/return", 2.5)]
    assert events[1].wall_time - events[0].wall_time == 2.0


def test_a_resumed_run_tells_the_reader_from_which_step_on_it_counts_again(tmp_path: Path):
    for steps in ((8, 16, 24), (16, 24)):
        with board(tmp_path / "tb", ManualClock()) as write:
            for step in steps:
                write(step, {"x": float(len(steps))})

    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = accumulator.EventAccumulator(str(tmp_path / "tb")).Reload()
    scalars = read.Scalars("x")
    assert [(event.step, event.value) for event in scalars] == [(8, 3.0), (16, 2.0), (24, 2.0)]


def test_without_a_folder_nothing_is_written_and_nothing_is_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    with board(None, ManualClock()) as write:
        write(1, {"x": 1.0})


def test_without_the_package_the_fix_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)

    with (
        pytest.raises(ConfigError, match=r"pip install 'flyball\[tensorboard\]'"),
        board(tmp_path / "tb", ManualClock()),
    ):
        pass
    with pytest.raises(ConfigError, match="not installed"):
        require_board()
    assert not (tmp_path / "tb").exists()
