# SPDX-License-Identifier: MIT
"""PPO's gradient steps for plain perceptrons, compiled (see `fused`); `ppo` states the mathematics.

R rows · A actions of all choice heads · H heads · D continuous dims. Used where it can be: an actor
and a critic without memory and without options, on the CPU. Its gradient is that of torch's
autograd on `dists.joint` and `loss.clipped`, which the tests compare it with.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit

from flyball.core.batch import Bools, Doubles, Floats, Longs
from flyball.learning.experience.arena import Arena
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.fused import (
    TILE,
    adam,
    backward,
    forward,
    scratch,
    shape_of,
    transpose,
)
from flyball.learning.nets.net import Actor, Net
from flyball.policies import Said


class Batch(NamedTuple):
    """R decisions in the order in which they are learned from."""

    own: Floats  # (R, E) what the actor reads, normalised
    central: Floats  # (R, E') what the critic reads, normalised
    mask: Bools  # (R, A)
    choice: Longs  # (R, H)
    latent: Floats  # (R, D)
    log_prob: Floats  # (R,)
    advantage: Floats  # (R,)
    target: Floats  # (R,)


class Rates(NamedTuple):
    """Numbers of one gradient step."""

    clip: float
    entropy: float
    value_weight: float
    rate: float
    eps: float
    gradient_clip: float
    standardise: bool


class Heads(NamedTuple):
    """What the actor's last layer says: logits of all heads, then means."""

    start: Longs  # (H + 1,) first logit of each head
    log_std: int  # where the D free deviations start in the flat vector; -1 without


@njit(cache=True, nogil=True)
def choice_terms(  # noqa: C901
    logits: Floats, mask: Bools, choice: Longs, start: Longs, slope: Floats, spread: Floats
) -> tuple[float, float]:
    """Return log-probability and entropy of one row's choices, and their gradients.

    Parameters
    ----------
    logits, mask
        (A,) of all heads.
    choice, start
        (H,) and (H + 1,).
    slope, spread
        (A,) get the gradient of the log-probability and of the entropy; 0 where illegal.
    """
    log_prob, entropy = 0.0, 0.0
    for head in range(len(choice)):
        first, last = start[head], start[head + 1]
        top = -np.inf
        for k in range(first, last):
            slope[k] = spread[k] = np.float32(0.0)
            if mask[k]:
                top = max(top, np.float64(logits[k]))
        if top == -np.inf:
            continue
        total = 0.0
        for k in range(first, last):
            if mask[k]:
                total += math.exp(np.float64(logits[k]) - top)
        norm, own = top + math.log(total), 0.0
        for k in range(first, last):
            if mask[k]:
                log_p = np.float64(logits[k]) - norm
                p = math.exp(log_p)
                own -= p * log_p
                slope[k] = -p
        for k in range(first, last):
            if mask[k]:
                log_p = np.float64(logits[k]) - norm
                spread[k] = slope[k] * (log_p + own)
        picked = first + choice[head]
        slope[picked] += np.float32(1.0)
        log_prob += np.float64(logits[picked]) - norm
        entropy += own
    return log_prob, entropy


LOG_2, LOG_SQRT_2PI = math.log(2.0), 0.5 * math.log(2.0 * math.pi)
_nodes, _weights = np.polynomial.hermite_e.hermegauss(12)
NODES: Doubles = _nodes
WEIGHTS: Doubles = _weights / _weights.sum()


@njit(cache=True, nogil=True)
def log_slope(u: float) -> float:
    """Return log(1 - tanh(u)^2), exact at any size."""
    return 2.0 * (LOG_2 - u - math.log1p(math.exp(-2.0 * abs(u))) - max(0.0, -2.0 * u))


@njit(cache=True, nogil=True)
def value_terms(
    mean: Floats,
    log_std: Floats,
    latent: Floats,
    exact: bool,  # noqa: FBT001
    slope: Floats,
    spread: Floats,
) -> tuple[float, float]:
    """Return log density and entropy of one row's continuous dims, and their gradients.

    Parameters
    ----------
    mean, log_std, latent
        (D,).
    exact
        Whether the entropy and its gradient are wanted; else the entropy is minus the density,
        whose mean over samples it is.
    slope, spread
        (2, D) get the gradients by mean and by log_std.
    """
    density, entropy = 0.0, 0.0
    for k in range(len(mean)):
        log_sigma = np.float64(log_std[k])
        sigma = math.exp(log_sigma)
        u = np.float64(latent[k])
        z = (u - np.float64(mean[k])) / sigma
        own = -0.5 * z * z - log_sigma - LOG_SQRT_2PI - log_slope(u)
        density += own
        slope[0, k], slope[1, k] = z / sigma, z * z - 1.0
        if not exact:
            entropy -= own
            continue
        by_mean, by_sigma = 0.0, 1.0
        entropy += log_sigma + 0.5 + LOG_SQRT_2PI
        for i in range(len(NODES)):
            at = np.float64(mean[k]) + sigma * NODES[i]
            entropy += WEIGHTS[i] * log_slope(at)
            steep = -2.0 * math.tanh(at) * WEIGHTS[i]
            by_mean += steep
            by_sigma += steep * sigma * NODES[i]
        spread[0, k], spread[1, k] = by_mean, by_sigma
    return density, entropy


@njit(cache=True, nogil=True)
def standardised(x: Floats) -> Floats:
    """Return x with mean 0 and deviation 1, as `loss.standardise`."""
    if len(x) < 2:
        return x.copy()
    mean = 0.0
    for value in x:
        mean += value
    mean /= len(x)
    square = 0.0
    for value in x:
        square += (value - mean) ** 2
    deviation = math.sqrt(square / (len(x) - 1)) + 1e-8
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = (x[i] - mean) / deviation
    return out


@njit(cache=True, nogil=True)
def actor_slopes(  # noqa: PLR0913, PLR0917
    batch: Any,
    first: int,
    gain: Floats,
    said: Floats,
    log_std: Floats,
    heads: Any,
    rates: Any,
    slope: Floats,
    by_std: Floats,
    figures: Doubles,
) -> None:
    """Turn a tile's outputs (n, >= A + D) into the gradient of the loss by them.

    `figures` (4,) is added KL, clipped share, entropy and policy loss; `by_std` (D,) is added the
    gradient by the free deviations.
    """
    n_actions, n_values, n_rows = batch.mask.shape[1], batch.latent.shape[1], len(gain)
    own = np.zeros((2, max(1, n_actions)), np.float32)
    normal, normal_spread = np.zeros((2, n_values)), np.zeros((2, n_values))
    exact = rates.entropy != 0.0
    for i in range(min(TILE, n_rows - first)):
        row = first + i
        log_prob, entropy = choice_terms(
            said[i, :n_actions], batch.mask[row], batch.choice[row], heads.start, own[0], own[1]
        )
        if n_values:
            mean = said[i, n_actions : n_actions + n_values]
            density, disorder = value_terms(
                mean, log_std, batch.latent[row], exact, normal, normal_spread
            )
            log_prob, entropy = log_prob + density, entropy + disorder
        log_ratio = log_prob - np.float64(batch.log_prob[row])
        ratio, g = math.exp(log_ratio), np.float64(gain[row])
        within = min(max(ratio, 1.0 - rates.clip), 1.0 + rates.clip)
        beyond = ratio * g > within * g  # not if either is NaN, which has to be seen
        worse = within * g if beyond else ratio * g
        figures[0] += (ratio - 1.0 - log_ratio) / n_rows
        figures[1] += (abs(ratio - 1.0) > rates.clip) / n_rows
        figures[2] += entropy / n_rows
        figures[3] -= worse / n_rows
        pull = 0.0 if beyond else -g * ratio / n_rows
        calm = -rates.entropy / n_rows
        for k in range(n_actions):
            slope[i, k] = pull * own[0, k] + calm * own[1, k]
        for k in range(n_values):
            slope[i, n_actions + k] = pull * normal[0, k] + calm * normal_spread[0, k]
            by_std[k] += pull * normal[1, k] + calm * normal_spread[1, k]


@njit(cache=True, nogil=True)
def step(  # noqa: PLR0913, PLR0917
    batch: Any,
    actor: Any,
    critic: Any,
    heads: Any,
    rates: Any,
    flat: tuple[Floats, Floats, Floats, Floats],
    steps: int,
    work: tuple[Floats, Floats, Floats, Floats, Floats, Floats],
) -> Doubles:
    """Take one gradient step on all rows of the batch and return (5,) figures.

    `flat` are parameters, gradient and the two moments, (P,) each; `steps` counts this one.
    """
    vector, gradient, first, second = flat
    actor_turned, actor_hidden, actor_slope, critic_turned, critic_hidden, critic_slope = work
    gradient[:] = np.float32(0.0)
    figures = np.zeros(5)
    n_rows, n_values = len(batch.target), batch.latent.shape[1]
    gain = standardised(batch.advantage) if rates.standardise else batch.advantage
    log_std = vector[max(0, heads.log_std) : max(0, heads.log_std) + n_values]
    by_std = gradient[max(0, heads.log_std) : max(0, heads.log_std) + n_values]
    transpose(vector, actor, actor_turned)
    transpose(vector, critic, critic_turned)
    for start in range(0, n_rows, TILE):
        stop = min(start + TILE, n_rows)
        own, central = batch.own[start:stop], batch.central[start:stop]
        forward(own, vector, actor, actor_turned, actor_hidden)
        said = actor_hidden[len(actor.weight) - 1]
        actor_slopes(
            batch, start, gain, said, log_std, heads, rates, actor_slope[0], by_std, figures
        )
        backward(own, vector, actor, actor_hidden, actor_slope, gradient)
        forward(central, vector, critic, critic_turned, critic_hidden)
        value = critic_hidden[len(critic.weight) - 1]
        for i in range(stop - start):
            error = np.float64(value[i, 0]) - np.float64(batch.target[start + i])
            figures[4] += error * error / n_rows
            critic_slope[0, i, 0] = 2.0 * rates.value_weight * error / n_rows
        backward(central, vector, critic, critic_hidden, critic_slope, gradient)
    adam(vector, gradient, first, second, steps, rates.rate, rates.eps, rates.gradient_clip)
    return figures


@njit(cache=True, nogil=True)
def epoch(  # noqa: PLR0913, PLR0917
    batch: Any,
    bounds: Longs,
    actor: Any,
    critic: Any,
    heads: Any,
    rates: Any,
    flat: tuple[Floats, Floats, Floats, Floats],
    steps: int,
    work: tuple[Floats, Floats, Floats, Floats, Floats, Floats],
) -> Doubles:
    """Take one gradient step on each block bounds[k]..bounds[k + 1]; return the mean figures."""
    total = np.zeros(5)
    for k in range(len(bounds) - 1):
        at, to = bounds[k], bounds[k + 1]
        block = Batch(
            batch.own[at:to],
            batch.central[at:to],
            batch.mask[at:to],
            batch.choice[at:to],
            batch.latent[at:to],
            batch.log_prob[at:to],
            batch.advantage[at:to],
            batch.target[at:to],
        )
        total += step(block, actor, critic, heads, rates, flat, steps + 1 + k, work)
    return total / (len(bounds) - 1)


@njit(cache=True, nogil=True)
def say(own: Floats, actor: Any, vector: Floats, work: tuple[Floats, Floats]) -> Floats:
    """Return the actor's last layer (R, A + D) of rows (R, E)."""
    turned, hidden = work
    out = np.empty((len(own), actor.widths[-1]), np.float32)
    transpose(vector, actor, turned)
    for start in range(0, len(own), TILE):
        stop = min(start + TILE, len(own))
        forward(own[start:stop], vector, actor, turned, hidden)
        out[start:stop] = hidden[len(actor.weight) - 1, : stop - start, : actor.widths[-1]]
    return out


class Surrogate:
    """The compiled gradient steps of one network and its optimiser."""

    def __init__(self, net: Net, optimiser: Adam) -> None:
        self.net, self.optimiser = net, optimiser
        actor, critic = net.actor, net.critic
        flat, places, at = optimiser.flat, {}, 0
        for parameter in flat.parameters:
            places[id(parameter)] = at
            at += parameter.numel()
        if not isinstance(actor, Actor):
            msg = "a surrogate is for perceptrons"
            raise TypeError(msg)
        tanh = net.config.activation == "tanh"
        self.actor = shape_of([*linears(actor.layers), actor.last], places, tanh=tanh)
        self.critic = shape_of([*linears(critic.layers), critic.last], places, tanh=tanh)
        start = net.sizes.starts
        self.heads = Heads(start, places[id(actor.log_std)] if actor.free else -1)
        self.work = (*scratch(self.actor), *scratch(self.critic))

    def epoch(self, arena: Arena, rows: Longs, size: int, rates: Rates, *name: int) -> Doubles:
        """Take a gradient step on each block of about `size` rows of the arena, in random order.

        Returns the means of KL, clipped share, entropy, policy loss and value loss. The blocks are
        those of `Arena.blocks` under the same name.
        """
        whole, bounds = arena.shuffled(rows, size, *name)
        with torch.inference_mode():
            seen = whole.through(self.net)
        batch = Batch(
            seen.own.numpy(),
            seen.central.numpy(),
            seen.mask.numpy(),
            whole.taken.choice.numpy(),
            whole.taken.latent.numpy(),
            whole.log_prob.numpy(),
            whole.advantage.numpy(),
            whole.target.numpy(),
        )
        flat, optimiser = self.optimiser.flat, self.optimiser
        flat.own()
        arrays = (
            flat.vector.numpy(),
            flat.gradient.numpy(),
            optimiser.first.numpy(),
            optimiser.second.numpy(),
        )
        figures: Doubles = epoch(
            batch,
            bounds,
            self.actor,
            self.critic,
            self.heads,
            rates,
            arrays,
            optimiser.steps,
            self.work,
        )
        optimiser.steps += len(bounds) - 1
        return figures

    def say(self, own: Floats) -> Said:
        """Return what the actor says of normalised rows (R, E)."""
        flat, n_actions = self.optimiser.flat, int(self.heads.start[-1])
        flat.own()
        vector = flat.vector.numpy()
        out = say(own, self.actor, vector, (self.work[0], self.work[1]))
        mean, at = out[:, n_actions:], self.heads.log_std
        log_std = vector[at : at + mean.shape[1]] if at >= 0 else vector[:0]
        return Said(out[:, :n_actions], mean, np.broadcast_to(log_std, mean.shape))


def linears(layers: torch.nn.Sequential) -> list[torch.nn.Linear]:
    """Return the linear layers of a perceptron."""
    return [each for each in layers if isinstance(each, torch.nn.Linear)]


def suits(net: Net) -> bool:
    """Return whether a network can be learned without torch: perceptrons on the CPU."""
    actor = net.actor
    plain = isinstance(actor, Actor) and actor.cell is None and net.critic.cell is None
    narrow = max(net.config.hidden + net.config.critic_hidden, default=0) <= WIDEST
    device = next(actor.parameters()).device.type
    free = net.sizes.n_values == 0 or (net.config.deviation == "free" and not net.sizes.active)
    return plain and narrow and free and device == "cpu"


WIDEST = 128
"""Layers wider than this are faster as torch's matrix products."""
