# SPDX-License-Identifier: MIT
"""A run is a folder: everything that was asked for, that happened and that came of it.

``resolved.toml`` settings · ``manifest.json`` versions, seeds, hashes, command ·
``metrics.jsonl`` figures · ``trials.jsonl`` settings of rules tried · ``rules.json`` tuned rules ·
``limits.toml`` of its Shield · ``checkpoint/`` · ``bundle/`` the policy · ``evaluation.json`` ·
``report.html``.
A file stands there whole or not at all.
"""

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flyball import __version__
from flyball.core.clock import Clock
from flyball.core.errors import Problem, RunError

PACKAGES = ("numpy", "numba", "onnxruntime", "torch", "ortools", "openpyxl", "matplotlib", "plotly")

SETTINGS, MANIFEST, METRICS = "resolved.toml", "manifest.json", "metrics.jsonl"
RULES, BUNDLE, CHECKPOINT = "rules.json", "bundle", "checkpoint"
TRIALS, LOCK = "trials.jsonl", ".lock"
EVALUATION, REPORT = "evaluation.json", "report.html"
BASELINES = "baselines.json"
BOARD = "tensorboard"
LIMITS = "limits.toml"

TRAIN, VALIDATE = "train", "validate"
"""Stages of the lines in METRICS: figures while training, and of the greedy policy beside it."""

Watch = Callable[[str, float, Mapping[str, float | str]], None]
"""(stage, share of the stage in [0, 1], figures) for those who watch."""

ERROR = " standard error"
"""Ending of the names in BASELINES under which the standard errors of the means stand."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a draft beside `path` that takes its place, flushed, when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".half-{os.getpid()}-{path.name}")
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write plain data as indented JSON, whole or not at all."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the plain data of a JSON file.

    Raises
    ------
    RunError
        When it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            Problem(
                where=str(path),
                found=f"cannot be read ({error})",
                allowed="a file as flyball wrote it",
                fix="take another run, or train anew",
            )
        ) from error


def new_folder(root: Path, world: str, clock: Clock) -> Path:
    """Make and return the folder of a new run: ``jobshop-20261121-084512``, numbered if taken."""
    stem = f"{world.replace('/', '-')}-{clock.now():%Y%m%d-%H%M%S}"
    for number in range(1, 1000):
        folder = root / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _unusable(root, f"cannot be written ({error.strerror})") from error
        return folder
    raise _unusable(root, "a thousand runs of the same second")


def require_run(folder: Path) -> Path:
    """Return the folder of an existing run.

    Raises
    ------
    RunError
        When it is no run folder; names the newest run beside it.
    """
    if (folder / SETTINGS).is_file():
        return folder
    near = sorted(path.parent for path in folder.parent.glob(f"*/{SETTINGS}"))
    fix = f"did you mean {near[-1]}?" if near else "flyball train makes one"
    found = "no run in this folder" if folder.is_dir() else "no such folder"
    raise RunError(
        Problem(where=str(folder), found=found, allowed="a folder that flyball train made", fix=fix)
    )


def read_manifest(folder: Path, *needed: str) -> dict[str, Any]:
    """Return the manifest of an existing run.

    Parameters
    ----------
    folder
        The run's.
    needed
        Entries that it must have beside *world* and *command*.

    Raises
    ------
    RunError
        When there is no run, or its manifest is missing or damaged.
    """
    path = require_run(folder) / MANIFEST
    manifest = read_json(path)
    if not isinstance(manifest, dict) or not {"world", "command", *needed} <= manifest.keys():
        raise RunError(
            Problem(
                where=str(path),
                found="a manifest that lacks entries",
                allowed="a file as flyball wrote it",
                fix="take another run, or train anew",
            )
        )
    return manifest


def world_of(folder: Path) -> str:
    """Return the name of the world of an existing run; raise RunError where there is none."""
    return str(read_manifest(folder)["world"])


def newest(root: Path) -> Path | None:
    """Return the run with the latest policy under `root`; None where there is none."""
    found = list(root.glob(f"*/{BUNDLE}/manifest.json"))
    if not found:
        return None
    return max(found, key=lambda path: path.stat().st_mtime).parents[1]


@contextmanager
def held(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Hold a run, or what a name in it stands for, so that two processes never work on it at once.

    The system lets go of it whenever the process ends, however it ends. Windows has no such lock;
    nothing is held there.

    Raises
    ------
    RunError
        When another process holds it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (folder / name).open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                Problem(
                    where=str(folder),
                    found="in use: another process works on it",
                    allowed="one process at a time",
                    fix="wait until it ends, or stop it with Ctrl-C",
                )
            ) from error
        yield


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and files of a folder."""
    digest = hashlib.sha256()
    for part in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if part.is_file():
            digest.update(part.name.encode() if path.is_dir() else b"")
            digest.update(part.read_bytes())
    return digest.hexdigest()


def hash_of_arrays(arrays: Any) -> str:
    """Return the SHA-256 of arrays in order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str(array.shape).encode() + array.tobytes())
    return digest.hexdigest()


def environment(command: str, threads: int) -> dict[str, Any]:
    """Return what a result may depend on beside data and settings."""
    return {
        "flyball": __version__,
        "python": platform.python_version(),
        "packages": {name: installed(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {cpu()}",
        "threads": threads,
        "command": command or Path(sys.argv[0]).name,
    }


def cpu() -> str:
    """Return the name of the processor, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown processor"
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else "unknown processor"


def installed(package: str) -> str:
    """Return the version of an installed package, or *not installed*."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON line; a line that a crash cut in two is skipped by `read_lines`."""
    with path.open("ab+") as stream:
        torn = stream.tell() > 0 and stream.seek(-1, os.SEEK_END) >= 0 and stream.read(1) != b"\n"
        stream.write((b"\n" if torn else b"") + json.dumps(record).encode() + b"\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a JSON-lines file, latest of every (stage, iteration) only."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    if not path.is_file():
        return []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        key = str(record.get("stage", "")), int(record.get("iteration", 0))
        found.pop(key, None)
        found[key] = record
    return list(found.values())


def forget_after(path: Path, iteration: int) -> None:
    """Take out of a JSON-lines file what came after an iteration, and what a crash cut in two."""
    if path.is_file():
        kept = [line for line in read_lines(path) if int(line.get("iteration", 0)) <= iteration]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))


def _unusable(root: Path, found: str) -> RunError:
    return RunError(
        Problem(
            where=str(root),
            found=found,
            allowed="a folder that can be written",
            fix="give another one with --out",
        )
    )
