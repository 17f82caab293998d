# SPDX-License-Identifier: MIT
"""How likely a policy is to take any given action, its own or what a Shield made of it.

B parallel copies · N agents · H choice heads · D continuous dims. A shielded run keeps both the
proposed and the executed action and the log-probability of each: learners on policy need the
first, whoever judges a policy by what was executed needs the second, and the difference says how
foreign the correction was. As everywhere here the density is that of the value in (-1, 1) of its
range, so that native units add only a constant.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flyball.core.batch import Action, Bools, Doubles, Floats, Longs, Observation
from flyball.learning.acting.policy import NetPolicy
from flyball.learning.nets import dists
from flyball.learning.nets.net import Rows
from flyball.learning.nets.rows import Taken, inputs_of
from flyball.policies import Sizes


def log_probability(
    policy: NetPolicy, observation: Observation, memory: NDArray[np.float32], action: Action
) -> Floats:
    """Return the log-probability (B, N) of an action, as `NetPolicy.act` would state it.

    An action that the policy cannot take has -inf: a choice that is illegal or out of range, and a
    value at or beyond the ends of its range, or that is no number. Never NaN. Values that the
    choice does not use count for nothing.

    Parameters
    ----------
    policy
        With its temperature.
    observation
        At which the action was taken.
    memory
        (B, N * M) before the step, as `act` was given it.
    action
        Native units.
    """
    net, sizes = policy.net, policy.net.sizes
    shape = observation.alive.shape
    choice = action.choice.reshape(observation.alive.size, -1).astype(np.int64)
    legal, choice = _legal(choice, observation, sizes)
    latent, inside = latent_of(action.value, sizes)
    possible = legal & (inside | ~_used(choice, inside.shape, sizes)).all(-1)
    taken = Taken(torch.from_numpy(choice), torch.from_numpy(latent.astype(np.float32)))
    with torch.inference_mode():
        rows = _remembered(policy, observation, memory)
        said = net.outputs(rows)
        own = dists.joint(sizes, said, rows.mask, rows.offset, taken, policy.temperature)[0]
    own_log = own.double().numpy()
    sound = possible & np.isfinite(own_log)
    found: Floats = np.where(sound, own_log, -np.inf).astype(np.float32).reshape(shape)
    return found


def latent_of(value: Doubles, sizes: Sizes) -> tuple[Doubles, Bools]:
    """Return latent values (R, D) before the tanh of native ones (B, N, D), and which there are.

    Where a value lies at or beyond an end of its range, or is no number, there is none; 0 stands
    in its place.
    """
    if not sizes.n_values:
        n_rows = value.shape[0] * value.shape[1]
        return np.zeros((n_rows, 0)), np.ones((n_rows, 0), np.bool_)
    low, high = np.array(sizes.low), np.array(sizes.high)
    with np.errstate(invalid="ignore", over="ignore"):
        share = (2.0 * value - low - high) / (high - low)
    inside = np.abs(share) < 1.0
    latent = np.arctanh(np.where(inside, share, 0.0))
    return latent.reshape(-1, sizes.n_values), inside.reshape(-1, sizes.n_values)


def _legal(choice: Longs, observation: Observation, sizes: Sizes) -> tuple[Bools, Longs]:
    """Return which rows (R,) chose what they could, and choices (R, H) with 0 for the others.

    Where nothing is legal the policy chooses 0.
    """
    n_rows = len(choice)
    if sizes.n_features:
        count = np.diff(observation.options.offset)
        fine = (choice[:, 0] >= 0) & (choice[:, 0] < np.maximum(count, 1))
        return fine, np.where(fine[:, None], choice, 0)
    mask, fine = observation.mask.reshape(n_rows, -1), np.ones(n_rows, np.bool_)
    for head, (start, size) in enumerate(zip(sizes.starts[:-1], sizes.actions, strict=True)):
        own, part = choice[:, head], mask[:, start : start + size]
        inside = (own >= 0) & (own < size)
        at = np.where(inside, own, 0)
        allowed = part[np.arange(n_rows), at] | (~part.any(1) & (at == 0))
        fine &= inside & allowed
    return fine, np.where(fine[:, None], choice, 0)


def _used(choice: Longs, shape: tuple[int, ...], sizes: Sizes) -> Bools:
    """Return (R, D) which values the choices use."""
    if not sizes.active:
        return np.ones(shape, np.bool_)
    return np.array(sizes.active, np.bool_)[choice[:, 0]]


def _remembered(policy: NetPolicy, observation: Observation, memory: NDArray[np.float32]) -> Rows:
    """Return the rows as the actor reads them."""
    net = policy.net
    rows = net.normalise(inputs_of(observation))
    if not net.n_memory:
        return rows
    before: Tensor = torch.from_numpy(memory.reshape(-1, net.n_memory).copy())
    start = torch.from_numpy(np.repeat(observation.start, net.sizes.n_agents))
    return net.remember(rows, before, start)[0]
