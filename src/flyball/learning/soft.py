# SPDX-License-Identifier: MIT
"""What soft actor-critic computes for one kind of head: continuous values, or a masked choice.

R rows · D continuous dims · A actions. Both answer the same three questions: what following the
policy is worth, entropy included; how wrong the critics were; and which way the actor should go.
"""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from flyball.learning.acting.noise import normals, squashed
from flyball.learning.experience.minibatch import Minibatch
from flyball.learning.nets.dists import LOG_SQRT_2PI, categorical
from flyball.learning.nets.dists import slope as log_slope
from flyball.learning.nets.net import Actor
from flyball.learning.nets.squashed import Squashed
from flyball.learning.nets.twin import Twin

NEXT_STREAM, OWN_STREAM = 1_936_682_342, 1_936_682_343


class Update(NamedTuple):
    """One gradient step."""

    batch: Minibatch
    alpha: Tensor  # () temperature: the worth of one nat of entropy
    key: tuple[int, int]  # (seed, update) names the draws


class Climb(NamedTuple):
    """What the actor's step saw; R rows."""

    value: Tensor  # (R,) smaller estimate of what the policy would do
    entropy: Tensor  # (R,) nats


class Heads(Protocol):
    """The three questions."""

    def ahead(self, target: Twin, now: Update) -> Tensor:
        """Return (R,) the soft value of what follows."""
        ...

    def error(self, critics: Twin, batch: Minibatch, goal: Tensor) -> Tensor:
        """Return (2, R, O) how far the estimates lie above the goal (R,), 0 where none was."""
        ...

    def climb(self, critics: Twin, now: Update) -> Climb:
        """Add the slope of the actor's loss to its `grad`, which is zero before."""
        ...

    def entropy_target(self, batch: Minibatch) -> Tensor:
        """Return (R,) the entropy that the temperature holds, nats."""
        ...


class Draw(NamedTuple):
    """Fresh actions of R rows."""

    action: Tensor  # (R, D) in (-1, 1)
    log_prob: Tensor  # (R,)
    spread: Tensor  # (R, D) latent value less its mean


class Values:
    """Tanh-Gaussian heads; critics estimate one value of (observation, action).

    The actor's slope passes through the sampled action (Haarnoja et al., arXiv:1801.01290, equation
    13): with a = tanh(m + s n) and n drawn, that of ``alpha log pi(a) - Q(a)`` with respect to m is
    ``2 alpha a - (1 - a^2) dQ/da``, and to log s that times ``s n``, less alpha.
    """

    def __init__(self, actor: Actor, used: Tensor | None, entropy: float | None) -> None:
        """Keep what does not change.

        Parameters
        ----------
        actor
            Of the network.
        used
            (N, D) bool which dims an agent has; None: all.
        entropy
            To hold, nats; None: minus the number of dims.
        """
        self.actor, self.used, self.entropy = Squashed(actor), used, entropy
        every = np.ones((1, actor.n_values), bool)
        self._owned = every if used is None else used.numpy()

    def ahead(self, target: Twin, now: Update) -> Tensor:
        """Return (R,) the smaller target estimate of a fresh action, and its entropy's worth."""
        batch = now.batch
        drawn = self.draw(*self.actor(batch.next_own), now.key, NEXT_STREAM)
        estimates: Tensor = target(torch.cat((batch.next_seen, drawn.action), -1))[..., 0]
        return estimates.amin(0) - now.alpha * drawn.log_prob

    def error(self, critics: Twin, batch: Minibatch, goal: Tensor) -> Tensor:
        """Return (2, R, 1)."""
        error: Tensor = critics(torch.cat((batch.seen, batch.value), -1)) - goal[:, None]
        return error

    @torch.no_grad()
    def climb(self, critics: Twin, now: Update) -> Climb:
        """Write the slope of the actor's loss for fresh actions."""
        batch = now.batch
        drawn = self.draw(*self.actor(batch.own), now.key, OWN_STREAM)
        action = drawn.action
        estimates = critics(torch.cat((batch.seen, action), -1))[..., 0]
        second = estimates[1] < estimates[0]
        rise = critics.trace_one(batch.weight[:, None], second, action.shape[-1])
        worth = (now.alpha * batch.weight)[:, None]
        fall = torch.addcmul(rise * action.square() - rise, worth, action, value=2.0)
        cost = worth
        if self.used is not None:
            used = self._used(action)
            fall, cost = fall * used, worth * used
        self.actor.learn(fall, fall * drawn.spread - cost)
        return Climb(estimates.amin(0), -drawn.log_prob)

    def entropy_target(self, batch: Minibatch) -> Tensor:
        """Return (R,) the given entropy, or minus the number of dims that the agent has."""
        if self.entropy is not None or self.used is None:
            wanted = -batch.value.shape[-1] if self.entropy is None else self.entropy
            return torch.full_like(batch.reward, wanted)
        return -self._used(batch.value).sum(-1)

    def draw(self, mean: Tensor, log_std: Tensor, key: tuple[int, int], stream: int) -> Draw:
        """Return fresh actions of rows with these means and deviations (R, D).

        The density is exact at any size of the latent value (see `dists.slope`). CleanRL and
        Stable-Baselines3 take the logarithm of ``1 - a^2 + 1e-6`` instead, which is wrong by up to
        nats where the tanh is saturated, and with it the entropy that the temperature sees. On the
        CPU one kernel does it all.
        """
        if mean.device.type != "cpu":
            return self.draw_by_torch(mean, log_std, key, stream)
        parts = squashed(mean.numpy(), log_std.numpy(), self._owned, key, stream)
        return Draw(*map(torch.from_numpy, parts))

    def draw_by_torch(
        self, mean: Tensor, log_std: Tensor, key: tuple[int, int], stream: int
    ) -> Draw:
        """Return the same on any device: the twin of the kernel."""
        n_rows, width = mean.shape
        draws = torch.from_numpy(normals(*key, n_rows, width, stream)).to(mean.device)
        spread = log_std.exp() * draws
        latent = mean + spread
        minus = 0.5 * draws.square() + log_std + log_slope(latent) + LOG_SQRT_2PI
        action = torch.tanh(latent)
        if self.used is not None:
            used = self._used(action)
            action, minus = action * used, minus * used
        return Draw(action, -minus.sum(-1), spread)

    def _used(self, like: Tensor) -> Tensor:
        """Return (R, D) 1 where the row's agent has the dim, else 0."""
        if self.used is None:
            return torch.ones_like(like)
        return self.used.to(like).repeat(len(like) // len(self.used), 1)


class Choices:
    """One masked categorical head; critics estimate every action (Christodoulou, 1910.07207).

    What is expected under the policy is summed over legal actions, never sampled. A row with
    nothing legal takes its first action, as acting does.
    """

    def __init__(self, actor: Actor, share: float) -> None:
        """Keep the actor, and the share of the entropy of uniform legal actions to hold."""
        self.actor, self.share = actor, share

    def ahead(self, target: Twin, now: Update) -> Tensor:
        """Return (R,) the expected smaller target estimate, and the entropy's worth."""
        batch = now.batch
        p, _, entropy = self._policy(batch.next_own, legal_of(batch.next_mask))
        estimates = target(batch.next_seen).amin(0)
        value: Tensor = (p * estimates).sum(-1) + now.alpha * entropy
        return value.float()

    def error(self, critics: Twin, batch: Minibatch, goal: Tensor) -> Tensor:
        """Return (2, R, A), zero but for the applied action."""
        estimates = critics(batch.seen)
        column = batch.choice.expand(2, -1, -1)
        error = estimates.gather(-1, column) - goal[:, None]
        return torch.zeros_like(estimates).scatter_(-1, column, error)

    def climb(self, critics: Twin, now: Update) -> Climb:
        """Add the slope of the actor's loss, in expectation over its legal actions."""
        batch = now.batch
        p, log_p, entropy = self._policy(batch.own, legal_of(batch.mask))
        estimates = critics(batch.seen).amin(0).double()
        value = (p * estimates).sum(-1)
        (((p * log_p).sum(-1) * now.alpha - value) * batch.weight).sum().backward()
        return Climb(value.detach().float(), entropy.detach().float())

    def entropy_target(self, batch: Minibatch) -> Tensor:
        """Return (R,) a share of the logarithm of the number of *legal* actions."""
        return self.share * legal_of(batch.mask).sum(-1).float().log()

    def _policy(self, own: Tensor, legal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return probabilities and logarithms (R, A), both 0 where illegal, and entropy (R,)."""
        log_p, entropy = categorical(self.actor.last(self.actor.layers(own)), legal)
        # Minus infinity times a probability of zero would be no number, and no gradient either.
        return log_p.exp(), log_p.masked_fill(~legal, 0.0), entropy


def legal_of(mask: Tensor) -> Tensor:
    """Return the mask (R, A) with the first action legal where nothing is."""
    legal = mask.clone()
    legal[:, 0] |= ~mask.any(-1)
    return legal
