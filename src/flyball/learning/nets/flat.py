# SPDX-License-Identifier: MIT
"""All parameters of some modules as one vector, and the optimisers that descend on it.

Small networks spend their time between operators, not in them: clipping, the optimiser's step and
averaging a target network are a few operators on one vector instead of a few for each of twenty
tensors. The modules' parameters become views of the vector, their gradients views of another.

- `Adam`: Kingma & Ba, arXiv:1412.6980, as torch.optim.Adam computes it; on the CPU in one compiled
  sweep, since a vector that does not fit the cache is read once instead of once an operation.
- `RMSprop`: as in TensorFlow, with epsilon inside the root and the average starting at one, which
  is what actor-critics were tuned with (Stable-Baselines3's RMSpropTFLike); torch has it outside.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor, nn

from flyball.core.batch import Floats


class Flat:
    """Parameters of modules as one vector (P,), and their gradients as another.

    Several may share parameters, one for each stage of a training: whoever descends first takes
    the values as they are then. Slopes reach `gradient` only while the parameters are views of this
    vector, so that `differentiate` or `clear` comes before whatever writes into ``p.grad``.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        unique = {id(p): p for module in modules for p in module.parameters()}
        self.parameters = list(unique.values())
        self.vector = torch.cat([p.detach().reshape(-1) for p in self.parameters])
        self.gradient = torch.zeros_like(self.vector)
        self.places: list[int] = []
        self.own()

    def own(self) -> None:
        """Make the parameters views of the vector again, with the values that they have."""
        if [p.data_ptr() for p in self.parameters] == self.places:
            return
        sizes = [p.numel() for p in self.parameters]
        for p, own, slope in zip(
            self.parameters, self.vector.split(sizes), self.gradient.split(sizes), strict=True
        ):
            own.copy_(p.detach().reshape(-1))
            p.data = own.view_as(p)
            p.grad = slope.view_as(p)
        self.places = [p.data_ptr() for p in self.parameters]

    def clear(self) -> None:
        """Own the parameters, so that their slopes come here, and set `gradient` to zero."""
        self.own()
        self.gradient.zero_()

    def differentiate(self, loss: Tensor, clip: float | None = None) -> None:
        """Set `gradient` to that of the loss, its norm at most `clip`."""
        self.clear()
        loss.backward()
        if clip is not None:
            norm = torch.linalg.vector_norm(self.gradient)
            self.gradient.mul_((clip / (norm + 1e-6)).clamp_(max=1.0))

    def approach(self, other: "Flat", share: float) -> None:
        """Move every parameter towards another's by a share in (0, 1]: Polyak's average."""
        self.own()
        other.own()
        with torch.no_grad():
            self.vector.lerp_(other.vector, share)


class Adam:
    """Adam on a flat vector."""

    def __init__(
        self,
        modules: Iterable[nn.Module],
        rate: float,
        *,
        eps: float = 1e-5,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        self.flat = Flat(modules)
        self.rate, self.eps, self.betas = rate, eps, betas
        self.first = torch.zeros_like(self.flat.vector)
        self.second = torch.zeros_like(self.flat.vector)
        self.steps = 0

    def descend(self, loss: Tensor, clip: float | None = None) -> None:
        """Take one step down the gradient of the loss, its norm at most `clip`."""
        self.flat.differentiate(loss, clip)
        self.step()

    def step(self) -> None:
        """Take one step down the gradient that stands in the flat vector."""
        self.flat.own()
        self.steps += 1
        (beta, gamma), slope = self.betas, self.flat.gradient
        scale = (1 - gamma**self.steps) ** -0.5
        rate = self.rate / (1 - beta**self.steps)
        if slope.device.type == "cpu":
            vector, first, second = (
                part.numpy() for part in (self.flat.vector, self.first, self.second)
            )
            kind = vector.dtype.type
            pace = _Pace(*map(kind, (1 - beta, gamma, 1 - gamma, scale, self.eps, rate)))
            _descend(vector, slope.numpy(), first, second, pace)
            return
        with torch.no_grad():
            self.first.lerp_(slope, 1 - beta)
            self.second.mul_(gamma).addcmul_(slope, slope, value=1 - gamma)
            spread = self.second.sqrt().mul_(scale).add_(self.eps)
            self.flat.vector.addcdiv_(self.first, spread, value=-rate)

    def arrays(self, prefix: str = "adam.") -> dict[str, NDArray[np.generic]]:
        """Return copies of the moments and the step count."""
        return {
            f"{prefix}first": self.first.cpu().numpy().copy(),
            f"{prefix}second": self.second.cpu().numpy().copy(),
            f"{prefix}steps": np.array(self.steps),
        }

    def load(self, arrays: dict[str, NDArray[np.generic]], prefix: str = "adam.") -> None:
        """Put the arrays of `arrays` back."""
        self.first.copy_(torch.from_numpy(arrays[f"{prefix}first"].copy()))
        self.second.copy_(torch.from_numpy(arrays[f"{prefix}second"].copy()))
        self.steps = int(arrays[f"{prefix}steps"])


class RMSprop:
    """RMSprop of TensorFlow on a flat vector."""

    def __init__(
        self, modules: Iterable[nn.Module], rate: float, *, eps: float = 1e-5, decay: float = 0.99
    ) -> None:
        self.flat = Flat(modules)
        self.rate, self.eps, self.decay = rate, eps, decay
        self.second = torch.ones_like(self.flat.vector)

    def descend(self, loss: Tensor, clip: float | None = None) -> None:
        """Take one step down the gradient of the loss, its norm at most `clip`."""
        self.flat.differentiate(loss, clip)
        slope = self.flat.gradient
        with torch.no_grad():
            self.second.mul_(self.decay).addcmul_(slope, slope, value=1 - self.decay)
            self.flat.vector.addcdiv_(slope, (self.second + self.eps).sqrt(), value=-self.rate)

    def arrays(self, prefix: str = "rmsprop.") -> dict[str, NDArray[np.generic]]:
        """Return a copy of the running squares."""
        return {f"{prefix}second": self.second.cpu().numpy().copy()}

    def load(self, arrays: dict[str, NDArray[np.generic]], prefix: str = "rmsprop.") -> None:
        """Put the array of `arrays` back."""
        self.second.copy_(torch.from_numpy(arrays[f"{prefix}second"].copy()))


class _Pace(NamedTuple):
    """Of one step, in the type of the vectors."""

    towards: np.floating  # share by which the mean moves
    keep: np.floating  # share of the mean square that stays
    add: np.floating
    scale: np.floating  # of the root of the mean square, whose start at zero it undoes
    eps: np.floating
    rate: np.floating


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(vector: Floats, slope: Floats, first: Floats, second: Floats, pace: _Pace) -> None:
    """Take one step of Adam in place, all (P,)."""
    for i in range(len(vector)):
        first[i] += pace.towards * (slope[i] - first[i])
        second[i] = pace.keep * second[i] + pace.add * slope[i] * slope[i]
        vector[i] -= pace.rate * first[i] / (np.sqrt(second[i]) * pace.scale + pace.eps)
