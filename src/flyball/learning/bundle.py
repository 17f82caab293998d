# SPDX-License-Identifier: MIT
"""From a trained network to a bundle, compared with torch on 10,000 states before it counts."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from flyball.core.batch import Floats, Observation, Options
from flyball.core.errors import InvariantError
from flyball.core.random import generator
from flyball.core.spec import Spec
from flyball.learning.checkpoint import module_arrays
from flyball.learning.graph import graph_of
from flyball.learning.nets import Net, inputs_of
from flyball.learning.norm import FeatureNorm
from flyball.policies import Bundled, Manifest, load, save_bundle

STATES = 10_000
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
        Its critic stays behind.
    spec
        What the policy was made for.
    folder
        The bundle's own folder; what stood there is replaced once the proof is in.
    algorithm, settings, facts
        For the manifest; plain data. The largest difference found is added to the facts.

    Raises
    ------
    InvariantError
        When scores of graph and torch differ by more than 1e-5 of max(1, score).
    """
    graph = graph_of(net)
    weights = {
        name: array
        for part in ("actor", "obs_norm", "option_norm")
        for name, array in module_arrays(getattr(net, part), f"{part}.").items()
    }
    arguments = {"graph": graph, "weights": weights, "algorithm": algorithm, "settings": settings}
    with TemporaryDirectory(prefix="flyball-") as trial:
        save_bundle(Path(trial) / "bundle", spec, **arguments, facts=facts)  # type: ignore[arg-type]
        worst = difference(net, load(Path(trial) / "bundle", spec))
    if not worst <= TOLERANCE:
        msg = f"the exported graph differs from torch by {worst:.2e}, allowed {TOLERANCE:.0e}"
        raise InvariantError(msg)
    proven = {"parity": {"states": STATES, "largest_difference": worst}}
    return save_bundle(folder, spec, **arguments, facts={**facts, **proven})  # type: ignore[arg-type]


def difference(net: Net, policy: Bundled) -> float:
    """Return the largest difference of scores on 10,000 states, over max(1, score)."""
    observation = made_up(net, STATES)
    found = policy.scores(observation)
    with torch.inference_mode():
        expected = net.scores(net.normalise(inputs_of(observation))).numpy()
    if net.sizes.actions:
        legal = observation.mask[:, 0]
        if not np.array_equal(np.isfinite(found), legal):
            return float("inf")
        found, expected = found[legal], expected[legal]
    return float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected)), initial=0.0))


def made_up(net: Net, n_rows: int) -> Observation:
    """Return an observation of `n_rows` rows, twice as wide as what the normalisers saw."""
    draws = generator(0, n_rows, 4)
    count = draws.integers(1, 25, n_rows) if net.sizes.n_features else np.zeros(n_rows, np.int64)
    offset = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    mask = draws.random((n_rows, 1, sum(net.sizes.actions))) < 0.7
    options = Options(
        _spread(net.option_norm, int(offset[-1]), draws), offset, np.zeros(offset[-1], np.int32)
    )
    return Observation(
        obs=_spread(net.obs_norm, n_rows, draws)[:, None, :],
        state=np.zeros((n_rows, net.sizes.n_state), np.float32),
        mask=mask,
        options=options,
        alive=np.ones((n_rows, 1), np.bool_),
        start=np.zeros(n_rows, np.bool_),
        signals=np.zeros((n_rows, 0)),
        age_s=np.zeros((n_rows, 0)),
        quality=np.zeros((n_rows, 0), np.bool_),
    )


def _spread(norm: FeatureNorm, n: int, draws: np.random.Generator) -> Floats:
    mean, std = norm.mean.numpy(), norm.std.numpy()
    log = mean + 2.0 * std * draws.standard_normal((n, len(mean)))
    return (np.sign(log) * np.expm1(np.minimum(np.abs(log), 30.0))).astype(np.float32)
