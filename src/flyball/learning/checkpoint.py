# SPDX-License-Identifier: MIT
"""Stop anywhere, go on as if nothing had happened.

A checkpoint is a folder ``checkpoint-<iteration>`` with ``state.safetensors`` (weights, optimiser,
normalisers, the Env's snapshot) and ``state.json`` (counters and what the run was). It is written
beside its place, flushed to the disk and renamed, so that a folder with the right name is complete
whatever was killed. Random draws are functions of the counters, so there is no generator to save.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from torch import nn

from flyball.core.errors import Problem, RunError
from flyball.policies import write_folder

Arrays = dict[str, NDArray[Any]]

KEEP = 2


def module_arrays(module: nn.Module, prefix: str = "net.") -> Arrays:
    """Return copies of the parameters and buffers of a module, by name."""
    return {
        f"{prefix}{name}": t.detach().cpu().numpy().copy()
        for name, t in module.state_dict().items()
    }


def load_module(module: nn.Module, arrays: Arrays, prefix: str = "net.") -> None:
    """Put arrays of `module_arrays` back, in place."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            tensor.copy_(torch.from_numpy(arrays[f"{prefix}{name}"].copy()))


class Optimiser(Protocol):
    """What remembers between gradient steps (see `flat`)."""

    def arrays(self) -> Arrays:
        """Return copies of the moments."""
        ...

    def load(self, arrays: Arrays) -> None:
        """Put them back."""
        ...


def learner_arrays(net: nn.Module, optimiser: Optimiser) -> Arrays:
    """Return copies of a network's and its optimiser's arrays."""
    return module_arrays(net) | optimiser.arrays()


def load_learner(net: nn.Module, optimiser: Optimiser, arrays: Arrays) -> None:
    """Put arrays of `learner_arrays` back; others are ignored."""
    load_module(net, arrays)
    optimiser.load(arrays)


def save(folder: Path, iteration: int, arrays: Arrays, facts: dict[str, Any]) -> Path:
    """Write a checkpoint into `folder` and remove all but the latest two; return its path.

    Parameters
    ----------
    folder
        Made when missing.
    iteration
        Number of iterations behind it.
    arrays
        Everything that changes.
    facts
        Counters and names that fit into JSON.
    """
    target = folder / f"checkpoint-{iteration:08d}"
    content = {
        "state.safetensors": to_bytes({n: np.copy(a, order="C") for n, a in arrays.items()}),
        "state.json": json.dumps({"iteration": iteration} | facts, indent=1).encode(),
    }
    write_folder(target, content)
    for old in _complete(folder)[:-KEEP]:
        shutil.rmtree(old)
    for left in folder.glob(".checkpoint-*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    return target


def latest(folder: Path) -> Path | None:
    """Return the newest complete checkpoint of a folder; None when there is none."""
    found = _complete(folder)
    return found[-1] if found else None


def _complete(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("checkpoint-*") if (path / "state.json").is_file())


def load(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Return arrays and facts of one checkpoint.

    Raises
    ------
    RunError
        When it cannot be read.
    """
    try:
        arrays: Arrays = load_file(path / "state.safetensors")
        facts: dict[str, Any] = json.loads((path / "state.json").read_text())
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(
            Problem(
                where=str(path),
                found=f"a checkpoint that cannot be read ({error})",
                allowed="state.safetensors and state.json as written by training",
                fix="delete this folder; the run then goes on from the one before",
            )
        ) from error
    return arrays, facts
