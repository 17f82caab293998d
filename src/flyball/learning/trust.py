# SPDX-License-Identifier: MIT
"""Trust regions of policies: divergence, products with Fisher's matrix, and a search that is safe.

R decisions · P parameters of an actor · C costs. As in TRPO (Schulman et al., arXiv:1502.05477) the
region is the mean KL divergence of the policy from what it was, its matrix is never formed, and a
step is tried in full and then ever smaller. All of it runs in float64 on a copy of the actor; what
is judged is a vector rounded to float32, as it will act.

Where codes differ (OmniSafe): there a KL that is NaN passes, because it is not larger than the
limit, and a reward that is not finite passes, because its cost is. Here whatever cannot be shown to
be right is refused, and the step is shortened and tried again.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from flyball.core.batch import Bools, Doubles
from flyball.learning.nets import dists
from flyball.learning.nets.net import Actor, Outputs, Rows
from flyball.policies import Sizes

Product = Callable[[Tensor], Tensor]


def divergence(sizes: Sizes, old: Outputs, new: Outputs, mask: Tensor) -> Tensor:
    """Return KL(old || new) of each row (R,) in float64, nats.

    Values are compared before the tanh, which changes no divergence; those of a hybrid head count
    by the old probability that they are used.

    Parameters
    ----------
    sizes
        Of the heads, none of them over options.
    old, new
        What two actors say of the same rows.
    mask
        (R, A) legal choices.
    """
    total = torch.zeros(len(mask), dtype=torch.float64)
    parts = zip(*(x.split(sizes.actions, -1) for x in (old.scores, new.scores, mask)), strict=True)
    for before, after, legal in parts if sizes.actions else ():
        (log_p, _), (log_q, _) = dists.categorical(before, legal), dists.categorical(after, legal)
        terms = log_p.exp() * (log_p - log_q)
        total = total + torch.where(legal, terms, torch.zeros_like(terms)).sum(-1)
    if not sizes.n_values:
        return total
    gap, log_p, log_q = old.mean.double() - new.mean, old.log_std.double(), new.log_std.double()
    terms = log_q - log_p + 0.5 * ((2 * log_p).exp() + gap * gap) * (-2 * log_q).exp() - 0.5
    if sizes.active:
        chosen, _ = dists.categorical(old.scores, mask)
        terms = terms * (chosen.exp() @ torch.tensor(sizes.active, dtype=torch.float64))
    return total + terms.sum(-1)


def conjugate(product: Product, b: Tensor, iterations: int) -> Tensor:
    """Return x (P,) with H x nearly b, by conjugate gradients.

    Parameters
    ----------
    product
        H times a vector; H is symmetric and positive.
    b
        (P,).
    iterations
        At most; P are enough but for rounding.
    """
    x, residual = torch.zeros_like(b), b.clone()
    towards, square = b.clone(), b @ b
    enough = 1e-20 * square
    for _ in range(iterations):
        if not square > enough:
            break
        image = product(towards)
        curvature = towards @ image
        if not curvature > 0.0:
            break
        length = square / curvature
        x = x + length * towards
        residual = residual - length * image
        before, square = square, residual @ residual
        towards = residual + (square / before) * towards
    return x


class Region:
    """An actor where it stands, in float64, and what other parameters would say instead."""

    def __init__(self, actor: Actor, sizes: Sizes, rows: Rows) -> None:
        """Keep a copy of the actor and what it says of some rows."""
        self.actor, self.sizes = deepcopy(actor).double(), sizes
        self.rows = rows._replace(own=rows.own.double())
        self.parameters = list(self.actor.parameters())
        self.origin = parameters_to_vector(self.parameters).detach().clone()  # (P,)
        with torch.no_grad():
            self.old = self.outputs(self.rows)

    def outputs(self, rows: Rows) -> Outputs:
        """Return what the copy says now."""
        out: Outputs = self.actor(rows.own, rows.features, rows.offset)
        return out

    def place(self, vector: Tensor) -> Tensor:
        """Put parameters (P,) into the copy, rounded as they would act, and return them."""
        rounded = vector.float().double()
        vector_to_parameters(rounded, self.parameters)
        return rounded

    def give(self, vector: Tensor, actor: nn.Module) -> None:
        """Write parameters (P,) into an actor that acts."""
        sizes = [part.numel() for part in self.parameters]
        with torch.no_grad():
            for part, own in zip(actor.parameters(), vector.split(sizes), strict=True):
                part.copy_(own.view_as(part))

    def divergence(self) -> Tensor:
        """Return KL(old || now) of each row (R,), nats."""
        return divergence(self.sizes, self.old, self.outputs(self.rows), self.rows.mask)

    def slope(self, loss: Tensor) -> Tensor:
        """Return the gradient (P,) of a loss of the copy."""
        own = torch.autograd.grad(loss, self.parameters, retain_graph=True)
        return torch.cat([part.reshape(-1) for part in own])

    def fisher(self, every: int, damping: float) -> Product:
        """Return the product with the Hessian of the mean divergence where the actor stands.

        Parameters
        ----------
        every
            Only each so manieth row counts: the matrix needs fewer than the gradients.
        damping
            Is added to its diagonal.
        """
        rows = self.rows._replace(own=self.rows.own[::every], mask=self.rows.mask[::every])
        old = Outputs(*(part[::every] for part in self.old))
        self.place(self.origin)
        mean = divergence(self.sizes, old, self.outputs(rows), rows.mask).mean()
        own = torch.autograd.grad(mean, self.parameters, create_graph=True)
        slope = torch.cat([part.reshape(-1) for part in own])

        def product(vector: Tensor) -> Tensor:
            return self.slope(slope @ vector) + damping * vector

        return product


class Verdict(NamedTuple):
    """What a step would do, by the experience that there is."""

    gain: float  # of the reward surrogate
    change: Doubles  # (C,) of the costs, native units an episode
    kl: float  # mean divergence, nats


class Terms(NamedTuple):
    """What a step has to keep."""

    room: Doubles  # (C,) largest change of each cost; below 0: it has to fall
    mended: Bools  # (C,) costs that have to become smaller, however little
    kl: float  # largest mean divergence, nats
    gains: bool  # whether the reward surrogate has to rise


def acceptable(verdict: Verdict, terms: Terms) -> bool:
    """Return whether a step keeps all terms; with a number that is none it does not."""
    finite = np.isfinite((verdict.gain, verdict.kl)).all() and np.isfinite(verdict.change).all()
    kept = (verdict.change <= terms.room).all() and (verdict.change[terms.mended] < 0.0).all()
    near = verdict.kl <= terms.kl
    return bool(finite and kept and near and (verdict.gain > 0.0 or not terms.gains))


class Try(NamedTuple):
    """How a step is tried."""

    share: float  # of the region's radius, in (0, 1]; 0: not at all
    spare: Doubles  # (C,) by which each limit is tightened, because steps bend


def search(
    judge: Callable[[Try], Verdict], terms: Terms, *, tries: int, shrink: float
) -> tuple[Try, Verdict | None]:
    """Return the first try that is acceptable, and its verdict; share 0 and None for none.

    Where a step would be right but for a cost, it is the curvature that spoils it: the limit is
    tightened by what was too much, as in sequential quadratic programming. Else the region shrinks.

    Parameters
    ----------
    judge
        What a try would do.
    terms
        What has to be kept.
    tries
        At most.
    shrink
        What the radius is multiplied by, in (0, 1).
    """
    own = Try(1.0, np.zeros_like(terms.room))
    for _ in range(tries):
        verdict = judge(own)
        if acceptable(verdict, terms):
            return own, verdict
        over = np.maximum(verdict.change - terms.room, 0.0)
        if acceptable(verdict._replace(change=verdict.change - over), _eased(terms)):
            own = own._replace(spare=own.spare + over + EDGE * np.abs(verdict.change))
        else:
            own = Try(own.share * shrink, own.spare * shrink**2)
    return Try(0.0, own.spare), None


EDGE = 1e-3
"""Share of a change by which a limit is tightened beyond what was too much."""


def _eased(terms: Terms) -> Terms:
    """Return the terms without what only a cost can break."""
    return terms._replace(mended=np.zeros_like(terms.mended))
