# SPDX-License-Identifier: MIT
"""What a step of a policy under cost limits learns from, and where it leads to first order.

R decisions · P parameters of an actor · C costs. For a policy near the one that played, an
episode's utility and costs change by the mean over decisions of ratio times advantage, times the
decisions of an episode (see `experience.costs`). Advantages are centred, so that this is zero where
nothing changed; they are never scaled, because a limit has a unit.
"""

import numpy as np
import torch
from torch import Tensor

from flyball.core.batch import Doubles
from flyball.learning.experience.arena import Decisions
from flyball.learning.nets import dists
from flyball.learning.nets.net import Actor, Net
from flyball.learning.quadratic import Quadratic, best_move
from flyball.learning.trust import Product, Region, Try, Verdict, conjugate

TINY = 1e-300


class Lesson:
    """Decisions as one step learns from them, and what the actor's copy makes of them."""

    def __init__(
        self, net: Net, block: Decisions, gain: Doubles, cost: Doubles, decisions: float
    ) -> None:
        """Keep what is learned from.

        Parameters
        ----------
        net
            Whose actor learns.
        block
            R decisions.
        gain, cost
            Advantages of the utility (R,) and of each cost (R, C), native units.
        decisions
            Of an episode.
        """
        if not isinstance(net.actor, Actor):
            msg = "a trust region of options"
            raise TypeError(msg)
        with torch.no_grad():
            rows = net.normalise(block.inputs)
        self.taken, self.region = block.taken, Region(net.actor, net.sizes, rows)
        worth = np.column_stack((gain, cost)) * decisions
        self.worth = torch.from_numpy(worth - worth.mean(0))  # (R, 1 + C)
        with torch.no_grad():
            self.log_prob, entropy = self._terms()
        self.entropy = float(entropy.mean())

    def _terms(self) -> tuple[Tensor, Tensor]:
        """Return log-probability and entropy (R,) by the copy as it is now."""
        region = self.region
        said, rows = region.outputs(region.rows), region.rows
        return dists.joint(region.sizes, said, rows.mask, rows.offset, self.taken)

    def surrogates(self) -> Tensor:
        """Return by how much an episode's utility and costs (1 + C,) change, native units."""
        log_prob, _ = self._terms()
        ratio = (log_prob - self.log_prob).exp()
        return ratio @ self.worth / len(ratio)

    def verdict(self) -> Verdict:
        """Return what the copy as it is now would do."""
        with torch.no_grad():
            worth = self.surrogates().numpy()
            kl = self.region.divergence().mean()
        return Verdict(float(worth[0]), worth[1:], float(kl))


class Course:
    """Where the best steps lead, to first order."""

    def __init__(
        self, lesson: Lesson, fisher: Product, iterations: int, excess: Doubles, delta: float
    ) -> None:
        """Find the directions of reward and costs in the metric of the divergence.

        Parameters
        ----------
        lesson
            What is learned from.
        fisher
            Product with the matrix of the divergence.
        iterations
            Conjugate gradient steps for each direction.
        excess
            (C,) cost of an episode less its limit, native units.
        delta
            Largest divergence of a step, nats.
        """
        slopes = torch.stack([lesson.region.slope(worth) for worth in lesson.surrogates()])
        found = [conjugate(fisher, slope, iterations) for slope in slopes]
        self.directions = torch.stack(found)  # (1 + C, P)
        cross = (slopes @ self.directions.T).numpy()
        cross = 0.5 * (cross + cross.T)
        self.numbers = Quadratic(
            q=float(cross[0, 0]),
            r=cross[0, 1:],
            s=cross[1:, 1:],
            c=excess,
            delta=delta,
        )
        self.best = best_move(self.numbers)
        size = np.sqrt(np.maximum(np.diag(self.numbers.s), TINY))
        self.worst = int(np.argmax(excess / size))

    def step(self, tried: Try) -> Tensor:
        """Return the best step (P,) of a smaller region with tighter limits."""
        c, delta = self.numbers.c + tried.spare, self.numbers.delta * tried.share**2
        move = best_move(self.numbers._replace(c=c, delta=delta))
        return torch.from_numpy(np.append(move.reward, move.cost)) @ self.directions
