# SPDX-License-Identifier: MIT
"""Recurrent cells: one step, and a sequence whose memory starts anew where an episode does.

C columns · L steps · F inputs · H size · M floats of memory. A sequence is the same arithmetic as
its steps one by one, so that what was acted on is what is learned from.

- `LSTM`: Hochreiter & Schmidhuber 1997 with forget gates. Memory (h, c).
- `SLSTM`: the scalar cell of xLSTM with exponential gates and a normaliser state, stabilised as in
  equations 15 to 17 of Beck et al., arXiv:2405.04517. Memory (h, c, n, m).

With `memory_steps` above 0 the gates start "chrono" (Tallec & Ollivier, arXiv:1804.11188): forget
biases log(u) and input biases -log(u), u uniform in [1, memory_steps]. A cell then keeps things
for about that long before it has learned to, which is what lets it learn from events that lie
further back than the window through which gradients flow.
"""

from typing import Literal

import torch
from torch import Tensor, nn

CellKind = Literal["none", "lstm", "slstm"]


class LSTM(nn.Module):
    """Long short-term memory; gates in the order input, forget, candidate, output."""

    kind, parts = "lstm", 2

    def __init__(self, n_in: int, size: int, memory_steps: int, seed: torch.Generator) -> None:
        super().__init__()
        self.size, self.n_memory = size, self.parts * size
        self.x = _linear(n_in, 4 * size, seed)
        self.h = nn.Parameter(_orthogonal(4, size, seed))
        _start_gates(self.x, size, memory_steps, seed)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return output (C, H) and memory (C, M) after one step from x (C, F)."""
        return self.advance(self.x(x), memory)

    def advance(self, projected: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Do one step from the input's share of the gates (C, 4H)."""
        h, c = memory.split(self.size, -1)
        i, f, g, o = torch.addmm(projected, h, self.h).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, torch.cat((h, c), -1)


class SLSTM(nn.Module):
    """Scalar xLSTM cell; gates in the order input, forget, candidate, output."""

    kind, parts = "slstm", 4

    def __init__(self, n_in: int, size: int, memory_steps: int, seed: torch.Generator) -> None:
        super().__init__()
        self.size, self.n_memory = size, self.parts * size
        self.x = _linear(n_in, 4 * size, seed)
        self.h = nn.Parameter(_orthogonal(4, size, seed))
        _start_gates(self.x, size, memory_steps, seed)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return output (C, H) and memory (C, M) after one step from x (C, F)."""
        return self.advance(self.x(x), memory)

    def advance(self, projected: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Do one step from the input's share of the gates (C, 4H)."""
        h, c, n, m = memory.split(self.size, -1)
        i, f, z, o = torch.addmm(projected, h, self.h).chunk(4, -1)
        kept = nn.functional.logsigmoid(f) + m
        # Where nothing is remembered yet (n = 0) the stabiliser m means nothing either.
        top = torch.where(n == 0.0, i, torch.maximum(kept, i))
        keep, take = torch.exp(torch.minimum(kept - top, top.new_zeros(()))), torch.exp(i - top)
        c = keep * c + take * torch.tanh(z)
        n = keep * n + take
        h = torch.sigmoid(o) * c / n
        return h, torch.cat((h, c, n, top), -1)


Cell = LSTM | SLSTM


def cell_of(
    kind: CellKind, n_in: int, size: int, memory_steps: int, seed: torch.Generator
) -> Cell | None:
    """Return a new cell of a kind; None for "none"."""
    if kind == "none":
        return None
    return (LSTM if kind == "lstm" else SLSTM)(n_in, size, memory_steps, seed)


def sequence(cell: Cell, x: Tensor, memory: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs (L, C, H) and the last memory (C, M) of a sequence.

    Parameters
    ----------
    x
        (L, C, F).
    memory
        (C, M) before the first step.
    keep
        (L, C, 1) 0 where an episode starts with that step, else 1.
    """
    projected = cell.x(x)
    outputs = []
    for t in range(len(x)):
        out, memory = cell.advance(projected[t], memory * keep[t])
        outputs.append(out)
    return torch.stack(outputs), memory


def _linear(n_in: int, n_out: int, seed: torch.Generator) -> nn.Linear:
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, n_in, n_out)
    bound = (3.0 / max(1, n_in)) ** 0.5
    nn.init.uniform_(linear.weight, -bound, bound, generator=seed)
    nn.init.zeros_(linear.bias)
    return linear


def _orthogonal(gates: int, size: int, seed: torch.Generator) -> Tensor:
    """Return (H, gates * H) recurrent weights, one orthogonal block a gate."""
    blocks = [torch.empty(size, size) for _ in range(gates)]
    for block in blocks:
        nn.init.orthogonal_(block, generator=seed)
    return torch.cat(blocks, 1)


def _start_gates(linear: nn.Linear, size: int, memory_steps: int, seed: torch.Generator) -> None:
    """Set the biases of input and forget gates, the first two blocks of `linear`."""
    with torch.no_grad():
        forget = torch.ones(size)
        if memory_steps > 1:
            forget = torch.log(torch.empty(size).uniform_(1.0, memory_steps, generator=seed))
            linear.bias[:size] = -forget
        linear.bias[size : 2 * size] = forget
