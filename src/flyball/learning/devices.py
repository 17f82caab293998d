# SPDX-License-Identifier: MIT
"""Where a network learns: on the processor, or on a GPU where there is one.

Acting always happens on the processor, because a few rows a step cost more to send than to
compute. On a GPU a copy of the network learns, and its weights come back after each iteration.
"""

from copy import deepcopy
from typing import Literal

import torch

from flyball.learning.nets.net import Net
from flyball.learning.settings import require

DeviceName = Literal["cpu", "cuda", "auto"]
"""The processor, a GPU, or a GPU where there is one."""


def device_of(name: DeviceName, where: str) -> torch.device:
    """Return the device called cpu, cuda, or auto: cuda where there is one.

    Parameters
    ----------
    name
        Of the device.
    where
        Full name of the setting, for messages.

    Raises
    ------
    ConfigError
        When there is no such device.
    """
    there = torch.cuda.is_available()
    allowed = "cpu, cuda or auto" if there else "cpu or auto: torch finds no GPU here"
    ok = name in ("cpu", "auto") or (name == "cuda" and there)
    require(where, f"'{name}'", allowed, ok=ok, usual="cpu")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


class Pupil:
    """The network that learns: the one that acts, or its copy on another device."""

    def __init__(self, net: Net, device: torch.device) -> None:
        self.acting, self.device = net, device
        self.net = net if device.type == "cpu" else deepcopy(net).to(device)

    def fetch(self) -> None:
        """Take weights and statistics from the network that acts."""
        if self.net is not self.acting:
            _copy(self.acting, self.net)

    def bring(self) -> None:
        """Give weights and statistics back to the network that acts."""
        if self.net is not self.acting:
            _copy(self.net, self.acting)


def _copy(source: Net, target: Net) -> None:
    with torch.no_grad():
        for own, other in zip(
            target.state_dict().values(), source.state_dict().values(), strict=True
        ):
            own.copy_(other)
