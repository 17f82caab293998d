# SPDX-License-Identifier: MIT
"""Two critics as one module: every layer of both is one batched product.

The smaller of two independent estimates bounds the overestimation that a maximising policy seeks
out (Fujimoto, van Hoof & Meger, arXiv:1802.09477). Autograd records nothing of them; the slopes are
those of `passes`.

R rows · I inputs · O outputs: 1 for a value of (observation, action), A for one of each action.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from flyball.learning.nets.bends import Activation
from flyball.learning.nets.net import GAIN, layer
from flyball.learning.nets.passes import Passes


class Twin(nn.Module):
    """Two multilayer perceptrons with weights of their own and one shape."""

    def __init__(
        self, widths: tuple[int, ...], activation: Activation, seed: torch.Generator
    ) -> None:
        """Start orthogonal, hidden layers with gain sqrt(2), the last with 1.

        Parameters
        ----------
        widths
            I, the hidden layers, O.
        activation
            Between the layers.
        seed
            Gives the starting weights.
        """
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for k, (n_in, n_out) in enumerate(pairwise(widths)):
            gain = GAIN if k < len(widths) - 2 else 1.0
            pair = [layer(n_in, n_out, gain, seed).weight.detach().T for _ in range(2)]
            self.weights.append(torch.stack(pair))  # (2, in, out)
            self.biases.append(torch.zeros(2, 1, n_out))
        self.passes = Passes(list(self.weights), list(self.biases), activation)

    def forward(self, x: Tensor, n_critics: int = 2) -> Tensor:
        """Return (2, R, O) estimates of rows (R, I).

        Parameters
        ----------
        x
            What both critics read.
        n_critics
            1 asks the first critic alone, and so do `learn` and `trace` after it.
        """
        return self.passes(x, n_critics)

    def learn(self, slope: Tensor) -> None:
        """Write the slopes of a loss into every parameter's `grad` (see `Passes.learn`)."""
        self.passes.learn(slope)

    def trace(self, slope: Tensor, n_last: int) -> Tensor:
        """Return a loss's slope (R, n_last) with respect to the action (see `Passes.trace`)."""
        return self.passes.trace(slope, n_last)

    def trace_one(self, slope: Tensor, which: Tensor, n_last: int) -> Tensor:
        """Return that of a loss that depends on one critic a row (see `Passes.trace_one`)."""
        return self.passes.trace_one(slope, which, n_last)
