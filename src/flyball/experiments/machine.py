# SPDX-License-Identifier: MIT
"""The machine that things run on: what is there."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flyball import worlds
from flyball.experiments import runs

State = Literal["ok", "missing", "wrong"]

FREE_BYTES = 500 * 2**20


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    found: str
    fix: str = ""


def diagnose(threads: dict[str, str], folder: Path) -> list[Finding]:
    """Look at Python, packages, threads, disk and compiler cache.

    Parameters
    ----------
    threads
        Thread settings of native libraries by their environment name; empty where not set.
    folder
        Where runs would be written.
    """
    return [*_python(), *_packages(), *_threads(threads), *_disk(folder), *_cache()]


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding("Python", "ok" if good else "wrong", found, "" if good else "use 3.11 or newer")


EXTRAS = {
    "torch": "train",
    "onnx": "train",
    "ortools": "solve",
    "optuna": "tune",
    "tensorboard": "tensorboard",
}
"""Packages of an extra, by the extra."""

NEEDED = ("numpy", "numba", "onnxruntime", "safetensors", "openpyxl", "matplotlib", "plotly")


def _packages() -> Iterator[Finding]:
    for name in (*NEEDED, *EXTRAS):
        found = runs.installed(name)
        if found != "not installed":
            yield Finding(name, "ok", found)
            continue
        extra = f"[{EXTRAS[name]}]" if name in EXTRAS else ""
        yield Finding(name, "missing", found, f"pip install 'flyball{extra}'")


def _threads(threads: dict[str, str]) -> Iterator[Finding]:
    for name, value in threads.items():
        good = value in {"1", "2"}
        fix = "" if good else f"export {name}=1; native threads that fight are 10-40 times slower"
        yield Finding(name, "ok" if good else "wrong", value or "not set", fix)


def _disk(folder: Path) -> Iterator[Finding]:
    near = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(near).free
    good = free > FREE_BYTES
    found = f"{free / 2**30:.1f} GiB free under {near}"
    fix = "" if good else "free at least 0.5 GiB, or give another folder with --runs"
    yield Finding("disk", "ok" if good else "wrong", found, fix)


def _cache() -> Iterator[Finding]:
    compiled = len(list(Path(worlds.__file__).parent.rglob("__pycache__/*.nbi")))
    if compiled:
        yield Finding("compiler cache", "ok", f"{compiled} compiled functions")
    else:
        fix = "nothing to do: the first run compiles for less than a minute; then it is kept"
        yield Finding("compiler cache", "ok", "empty", fix)
