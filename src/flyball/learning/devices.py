# SPDX-License-Identifier: MIT
"""Where a network learns: on the processor, or on a GPU where there is one.

Acting always happens on the processor, because a few rows a step cost more to send than to
compute. On a GPU a copy of the network learns, and its weights come back after each iteration.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor

from flyball.learning.nets.net import Net
from flyball.learning.settings import require

DeviceName = Literal["cpu", "cuda", "auto"]
"""The processor, a GPU, or a GPU where there is one."""


def device_of(name: DeviceName, where: str, net: Net | None = None) -> torch.device:
    """Return the device called cpu, cuda, or auto: cuda where there is one that suits.

    Parameters
    ----------
    name
        Of the device.
    where
        Full name of the setting, for messages.
    net
        That will learn there; one over options computes on the processor only (see `segments`).

    Raises
    ------
    ConfigError
        When there is no such device, or the network cannot learn there.
    """
    there, ragged = torch.cuda.is_available(), net is not None and net.sizes.n_features > 0
    allowed = "cpu, cuda or auto" if there else "cpu or auto: torch finds no GPU here"
    if ragged:
        allowed = "cpu or auto: a network over options learns on the processor"
    ok = name in ("cpu", "auto") or (name == "cuda" and there and not ragged)
    require(where, f"'{name}'", allowed, ok=ok, usual="cpu")
    return torch.device("cuda" if there and not ragged and name != "cpu" else "cpu")


class Pupil:
    """The network that learns: the one that acts, or its copy on another device."""

    def __init__(self, net: Net, device: torch.device) -> None:
        self.acting, self.device = net, device
        self.net = net if device.type == "cpu" else deepcopy(net).to(device)

    def fetch(self) -> None:
        """Take weights and statistics from the network that acts."""
        if self.net is not self.acting:
            _copy(self.acting.state_dict(), self.net.state_dict())

    def bring(self) -> None:
        """Give the weights back to the network that acts; only that one learns statistics."""
        if self.net is not self.acting:
            weights = (dict(net.named_parameters()) for net in (self.net, self.acting))
            _copy(*weights)


def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in target.items():
            tensor.copy_(source[name])
