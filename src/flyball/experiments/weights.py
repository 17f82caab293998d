# SPDX-License-Identifier: MIT
"""Weights of a network as arrays, into a file and back.

Networks are touched through ``state_dict`` alone, so that nothing here imports torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from flyball.experiments import runs

Arrays = dict[str, NDArray[Any]]


def arrays_of(net: Any) -> Arrays:
    """Return copies of a network's parameters and buffers, by name."""
    return {name: np.array(each.detach().cpu().numpy()) for name, each in net.state_dict().items()}


def put(net: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put arrays of `arrays_of` back, in place."""
    for name, tensor in net.state_dict().items():
        tensor.copy_(tensor.new_tensor(arrays[name]))


def save(path: Path, arrays: Arrays) -> None:
    """Write arrays, whole or not at all."""
    with runs.replacing(path) as draft:
        save_file(arrays, draft)


def load(path: Path) -> Arrays:
    """Return the arrays of a file that `save` wrote."""
    arrays: Arrays = load_file(path)
    return arrays
