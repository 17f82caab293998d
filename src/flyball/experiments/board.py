# SPDX-License-Identifier: MIT
"""Figures of a run as TensorBoard scalars, where its package is installed.

Only the writer of TensorBoard's own package is used; it needs neither torch nor TensorFlow.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flyball.core.clock import Clock
from flyball.core.errors import ConfigError, Problem

Write = Callable[[int, Mapping[str, float]], None]
"""(step, scalars by name) for a board of curves."""


def require_board() -> None:
    """Refuse to write scalars where the package is missing.

    Raises
    ------
    ConfigError
        With what to install.
    """
    if find_spec("tensorboard") is None:
        raise ConfigError(
            Problem(
                where="--tensorboard",
                found="the package tensorboard is not installed",
                allowed="an installation with the extra of that name",
                fix="pip install 'flyball[tensorboard]'",
            )
        )


@contextmanager
def board(folder: Path | None, clock: Clock) -> Iterator[Write]:
    """Yield a function that writes scalars of a step into event files in `folder`.

    Every scalar is on its way to the disk when the function returns. What a killed run wrote after
    the step that it resumes from is hidden by the first event of the next sitting.

    Parameters
    ----------
    folder
        None: nothing is written.
    clock
        Source of the time that events are stamped with.

    Raises
    ------
    ConfigError
        When the package is missing.
    """
    if folder is None:
        yield lambda _step, _scalars: None
        return
    require_board()
    records = import_module("tensorboard.summary.writer.record_writer")
    events = import_module("tensorboard.compat.proto.event_pb2")
    summaries = import_module("tensorboard.compat.proto.summary_pb2")
    folder.mkdir(parents=True, exist_ok=True)
    # Its reader takes files by name, and only such that have this beginning.
    number = len(list(folder.glob("events.out.tfevents.*")))
    with (folder / f"events.out.tfevents.{number:010d}.flyball").open("wb") as stream:
        again = number > 0
        writer = records.RecordWriter(stream)

        def add(step: int, **content: Any) -> None:
            stamp = clock.now().timestamp()
            writer.write(events.Event(step=step, wall_time=stamp, **content).SerializeToString())
            stream.flush()

        def write(step: int, scalars: Mapping[str, float]) -> None:
            nonlocal again
            if again:
                add(step, session_log=events.SessionLog(status=events.SessionLog.START))
                again = False
            values = [summaries.Summary.Value(tag=k, simple_value=v) for k, v in scalars.items()]
            add(step, summary=summaries.Summary(value=values))

        add(0, file_version="brain.Event:2")
        yield write
