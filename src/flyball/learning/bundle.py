# SPDX-License-Identifier: MIT
"""From a trained network to a bundle, compared with torch on 10,000 states before it counts."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flyball.core.batch import Bools, Floats, Observation, Options
from flyball.core.errors import InvariantError, Problem, RunError
from flyball.core.random import generator
from flyball.core.spec import Spec
from flyball.learning.checkpoint import module_arrays
from flyball.learning.nets.graph import graph_of
from flyball.learning.nets.net import Net
from flyball.learning.nets.norm import FeatureNorm
from flyball.learning.nets.rows import inputs_of
from flyball.policies import (
    Bundled,
    Manifest,
    Memory,
    Said,
    action_of,
    load,
    save_bundle,
    sizes_of,
)

STATES = 10_000
"""States on which graph and torch are compared, all agents and steps together."""

STEPS = 20
"""Steps of the sequences among them, if there is memory."""

FRESH = 0.1
"""Share of those steps in which an episode starts."""

NUMBERS = 20_000_000
"""So many logits are compared at most: huge heads are compared on fewer states."""

TOLERANCE = 1e-5


def export(
    net: Net,
    spec: Spec,
    folder: Path,
    *,
    algorithm: str,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Manifest:
    """Prove that the graph of a network acts as it does, then write both as a bundle.

    Parameters
    ----------
    net
        Its critic stays behind. What scores its actions may be logits or values of them.
    spec
        What the policy was made for.
    folder
        The bundle's own folder; what stood there is replaced once the proof is in.
    algorithm, settings, facts
        For the manifest; plain data. The largest difference found is added to the facts.

    Raises
    ------
    RunError
        When a weight or a statistic is not finite.
    InvariantError
        When graph and torch differ by more than 1e-5 (see `difference`), or when the network was
        made for another spec.
    """
    memory = memory_of(net, spec)
    weights = {
        name: array
        for part in ("actor", "obs_norm", "option_norm")
        for name, array in module_arrays(getattr(net, part), f"{part}.").items()
    }
    _require_finite(weights, algorithm)
    arguments: dict[str, Any] = {
        "graph": graph_of(net, memory.last_action),
        "weights": weights,
        "algorithm": algorithm,
        "settings": settings,
        "memory": memory,
    }
    with TemporaryDirectory(prefix="flyball-") as trial:
        save_bundle(Path(trial) / "bundle", spec, **arguments, facts=facts)
        policy = load(Path(trial) / "bundle", spec)
    worst = difference(net, policy, memory.last_action)
    if not worst <= TOLERANCE:
        msg = f"the exported graph differs from torch by {worst:.2e}, allowed {TOLERANCE:.0e}"
        raise InvariantError(msg)
    n_envs, n_steps = proof_size(net)
    states = n_envs * n_steps * net.sizes.n_agents
    proven = {"parity": {"states": states, "largest_difference": worst}}
    return save_bundle(folder, spec, **arguments, facts={**facts, **proven})


def _require_finite(weights: Mapping[str, NDArray[Any]], algorithm: str) -> None:
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        raise RunError(
            Problem(
                where=f"{algorithm}, {broken[0]}",
                found="NaN or infinite weights or statistics",
                allowed="finite numbers",
                fix="train again from the last good checkpoint, with a lower learning rate; "
                "check rewards and observations",
                more=len(broken) - 1,
            )
        )


def memory_of(net: Net, spec: Spec) -> Memory:
    """Return what a policy of this network remembers of each agent.

    A network that reads more features than the world has was made for the agents' last actions
    besides (see `acting.greedy.spec_seen`).

    Raises
    ------
    InvariantError
        When the network was made for another spec.
    """
    sizes = sizes_of(spec)
    n_last = net.sizes.n_obs - sizes.n_obs
    same = net.sizes.actions == sizes.actions and net.sizes.n_agents == sizes.n_agents
    same = same and (net.sizes.low, net.sizes.high) == (sizes.low, sizes.high)
    same = same and (net.sizes.n_features, net.sizes.active) == (sizes.n_features, sizes.active)
    if not same or (n_last and (n_last,) != sizes.actions):
        msg = f"a network of {net.sizes} cannot act in world {spec.world}, which has {sizes}"
        raise InvariantError(msg)
    return Memory(net.n_memory + n_last, n_last)


def proof_size(net: Net) -> tuple[int, int]:
    """Return rows of the batch and steps that are compared."""
    steps = STEPS if net.n_memory else 1
    states = min(STATES, NUMBERS // max(1, sum(net.sizes.actions)))
    return max(1, -(-states // (steps * net.sizes.n_agents))), steps


def difference(net: Net, policy: Bundled, n_last: int = 0) -> float:
    """Return the largest difference between graph and torch on made-up states.

    That of scores, means, deviations and memory is over the largest of 1, the value, and the root
    mean square of all such values (what cancels was rounded when it was large); that of native
    values is over half of their range. Both go through sequences with their own memory, but see
    the same last actions. Infinite when not the same actions are legal.
    """
    n_envs, n_steps = proof_size(net)
    found, expected = policy.initial(n_envs), policy.initial(n_envs)
    rows = n_envs * net.sizes.n_agents
    worst, draws = 0.0, generator(0, n_envs, 5)
    for step in range(n_steps):
        observation = made_up(net, n_envs, step, n_last)
        answer = policy.answer(observation, found)
        said, cell = _said(net, observation, expected.reshape(rows, -1), n_last)
        worst = max(worst, *_differences(net, observation, answer.said, said))
        if net.sizes.n_values:
            half = 0.5 * (np.array(net.sizes.high) - np.array(net.sizes.low))
            own = action_of(np.zeros((rows, 0), np.int64), said.mean, net.sizes).value
            worst = max(worst, _largest((answer.value.reshape(own.shape) - own) / half))
        n_cell = net.n_memory
        worst = max(worst, _relative(answer.memory[:, :n_cell], cell))
        last = np.eye(n_last, dtype=np.float32)[draws.integers(0, n_last, rows)] if n_last else None
        found = _after(answer.memory[:, :n_cell], last, found.shape)
        expected = _after(cell, last, found.shape)
    return worst


def _said(net: Net, observation: Observation, memory: Floats, n_last: int) -> tuple[Said, Floats]:
    """Return what torch says, and the memory of its cell."""
    with torch.inference_mode():
        start = np.repeat(observation.start, net.sizes.n_agents)
        inputs = inputs_of(observation)
        cell = torch.from_numpy(memory[:, : net.n_memory].copy())
        if n_last:
            last = memory[:, net.n_memory :] * ~start[:, None]
            inputs = inputs._replace(obs=torch.cat((inputs.obs, torch.from_numpy(last)), -1))
        rows, after = net.remember(net.normalise(inputs), cell, torch.from_numpy(start))
        out = net.outputs(rows)
    return Said(out.scores.numpy(), out.mean.numpy(), out.log_std.detach().numpy()), after.numpy()


def _differences(
    net: Net, observation: Observation, found: Said, expected: Said
) -> tuple[float, float, float]:
    scores, own = found.scores, expected.scores
    if net.sizes.actions:
        legal = observation.mask.reshape(scores.shape)
        if not np.array_equal(np.isfinite(scores), legal) or np.any(scores[~legal] > 0):
            return np.inf, np.inf, np.inf
        scores, own = scores[legal], own[legal]
    return (
        _relative(scores, own),
        _relative(found.mean, expected.mean),
        _relative(found.log_std, expected.log_std),
    )


def _relative(found: Floats, expected: Floats) -> float:
    if not expected.size:
        return 0.0
    typical = np.sqrt(np.mean(np.square(expected, dtype=np.float64)))
    return _largest((found - expected) / np.maximum(np.abs(expected), max(1.0, typical)))


def _largest(array: NDArray[Any]) -> float:
    """Return the largest distance from 0; infinite where something is no number."""
    largest = float(np.max(np.abs(array), initial=0.0))
    return largest if np.isfinite(largest) else np.inf


def _after(cell: Floats, last: Floats | None, shape: tuple[int, ...]) -> Floats:
    return (cell if last is None else np.concatenate((cell, last), 1)).reshape(shape)


def made_up(net: Net, n_envs: int, step: int = 0, n_last: int = 0) -> Observation:
    """Return an observation of `n_envs` rows, twice as wide as what the normalisers saw.

    Parameters
    ----------
    net
        For its sizes and normalisers.
    n_envs
        Rows of the batch.
    step
        Gives other observations; all episodes start in step 0.
    n_last
        Features at the end that are not observed but remembered.
    """
    draws, sizes = generator(0, n_envs, 4, step), net.sizes
    n_rows = n_envs * sizes.n_agents
    count = draws.integers(1, 25, n_rows) if sizes.n_features else np.zeros(n_rows, np.int64)
    offset = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    mask: Bools = draws.random((n_envs, sizes.n_agents, sum(sizes.actions)), np.float32) < 0.7
    options = Options(
        _spread(net.option_norm, int(offset[-1]), draws), offset, np.zeros(offset[-1], np.int32)
    )
    obs = _spread(net.obs_norm, n_rows, draws)[:, : sizes.n_obs - n_last]
    start = draws.random(n_envs) < (FRESH if step else 1.0)
    return Observation(
        obs=obs.reshape(n_envs, sizes.n_agents, -1),
        state=np.zeros((n_envs, sizes.n_state), np.float32),
        mask=mask,
        options=options,
        alive=np.ones((n_envs, sizes.n_agents), np.bool_),
        start=start,
        signals=np.zeros((n_envs, 0)),
        age_s=np.zeros((n_envs, 0)),
        quality=np.zeros((n_envs, 0), np.bool_),
    )


def _spread(norm: FeatureNorm, n: int, draws: np.random.Generator) -> Floats:
    mean, std = norm.mean.numpy(), norm.std.numpy()
    x = mean + 2.0 * std * draws.standard_normal((n, len(mean)))
    if norm.kind == "log":
        x = np.sign(x) * np.expm1(np.minimum(np.abs(x), 30.0))
    return np.asarray(x, np.float32)
