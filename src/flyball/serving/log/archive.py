# SPDX-License-Identifier: MIT
"""Decisions and their outcomes as a Parquet file, for people who analyse them.

Needs pyarrow: ``pip install 'flyball[archive]'``.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from flyball.core.errors import ConfigError, Problem, RunError
from flyball.core.journal import Record

GROUP = 10_000
"""Decisions that are held in memory at a time."""

TEXTS = ("decision_id", "unit", "block", "policy", "stage", "arm")
NUMBERS = ("at_s", "propensity")
LISTS = ("proposed", "applied", "signal")

Joined = Iterable[tuple[Record, Sequence[Record]]]


def to_parquet(path: Path, decisions: Joined) -> int:
    """Write decisions, one row each; the file is whole or not there.

    Parameters
    ----------
    path
        The file; one that is there is replaced.
    decisions
        Each with its outcomes.

    Returns
    -------
    How many there were.

    Raises
    ------
    ConfigError
        Where pyarrow is not installed.
    RunError
        Where it could not be written.
    """
    try:
        pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ConfigError(
            Problem(
                where=str(path),
                found="pyarrow is not installed",
                allowed="pyarrow, which writes Parquet",
                fix="pip install 'flyball[archive]'",
            )
        ) from error
    schema = _schema(pa)
    rough, n = path.with_name(path.name + ".part"), 0
    try:
        with pq.ParquetWriter(rough, schema, compression="zstd") as file:
            for rows in _groups(decisions):
                file.write_table(pa.Table.from_pylist(rows, schema))
                n += len(rows)
        _flush(rough)
        rough.replace(path)
        _flush(path.parent)
    except OSError as error:
        rough.unlink(missing_ok=True)
        raise RunError(
            Problem(
                where=str(path),
                found=f"was not written: {error.strerror or error}",
                allowed="a folder that exists, on a disk with room",
                fix="make the folder, or room; nothing was changed",
            )
        ) from error
    except BaseException:
        rough.unlink(missing_ok=True)
        raise
    return n


def _schema(pa: Any) -> Any:
    outcome = [("outcome_id", pa.string()), ("metric", pa.string()), ("value", pa.float64()),
               ("at_s", pa.float64())]  # fmt: skip
    return pa.schema(
        [
            *((name, pa.string()) for name in (*TEXTS, "reason")),
            *((name, pa.float64()) for name in NUMBERS),
            *((name, pa.list_(pa.float64())) for name in LISTS),
            ("outcomes", pa.list_(pa.struct(outcome))),
        ]
    )


def _groups(decisions: Joined) -> Iterator[list[dict[str, Any]]]:
    rows = (_row(record, outcomes) for record, outcomes in decisions)
    while group := list(islice(rows, GROUP)):
        yield group


def _row(record: Record, outcomes: Sequence[Record]) -> dict[str, Any]:
    return {
        **{name: _text(record, name) for name in TEXTS},
        **{name: _number(record.get(name)) for name in NUMBERS},
        **{name: _numbers(record, name) for name in LISTS},
        "reason": _text(record, "reason") or _text(record, "why"),
        "outcomes": [told for each in outcomes for told in _told(each)],
    }


def _told(outcome: Record) -> Iterator[dict[str, Any]]:
    """Yield each figure of an outcome: its only one, or all of its `metrics`."""
    metrics = outcome.get("metrics", {_text(outcome, "metric"): outcome.get("value")})
    for metric, value in metrics.items():
        yield {
            "outcome_id": _text(outcome, "outcome_id"),
            "metric": metric,
            "value": _number(value),
            "at_s": _number(outcome.get("at_s")),
        }


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    """Return a number as a record holds it: nan and inf are texts there."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _numbers(record: Mapping[str, Any], name: str) -> list[float | None] | None:
    value = record.get(name)
    return [_number(each) for each in value] if isinstance(value, list) else None


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
