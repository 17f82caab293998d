# SPDX-License-Identifier: MIT
"""What the smallest policies see, what they are made for, and their bundles."""

import numpy as np

from flyball.core.batch import Observation, Options
from flyball.core.spec import AgentKind, Categorical, Feature, Objective, OptionsHead, Spec
from flyball.policies import Memory, load, save_bundle
from tests.policies.graphs import sum_graph


def options_spec(names=("duration", "slack"), world="queue"):
    features = tuple(Feature(name, "h", 0, 9) for name in names)
    kind = AgentKind("picker", 1, (), (OptionsHead("pick", features),))
    return Spec(world, 1, (kind,), (Objective("cost_h", "h", "min"),), ())


def masked_spec():
    kind = AgentKind("walker", 1, (Feature("x", "-", 0, 1),) * 3, (Categorical("act", 3),))
    return Spec("chain", 1, (kind,), (Objective("cost_h", "h", "min"),), ())


def team_spec(count, *heads):
    kind = AgentKind("mover", count, (Feature("x", "-", 0, 1),) * 2, heads)
    return Spec("yard", 1, (kind,), (Objective("cost_h", "h", "min"),), ())


def observation(counts, seed=0, width=2, mask=None, obs=None):
    """Return rows with these numbers of options; the content of row r depends on r alone."""
    offset = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    rows = [np.random.default_rng([seed, r]).random((n, width)) * 9 for r, n in enumerate(counts)]
    features = np.concatenate([*rows, np.zeros((0, width))]).astype(np.float32)
    n = len(counts)
    return Observation(
        obs=np.zeros((n, 1, 0), np.float32) if obs is None else obs,
        state=np.zeros((n, 0), np.float32),
        mask=np.zeros((n, 1, 0), np.bool_) if mask is None else mask,
        options=Options(features, offset, np.zeros(offset[-1], np.int32)),
        alive=np.ones((n, 1), np.bool_),
        start=np.zeros(n, np.bool_),
        signals=np.zeros((n, 0)),
        age_s=np.zeros((n, 0)),
        quality=np.zeros((n, 0), np.bool_),
    )


def rows(obs, mask, start=False):
    """Return what B rows of N agents see: obs (B, N, F)."""
    n_envs, n_agents = obs.shape[:2]
    seen = observation([0] * n_envs, mask=mask, obs=obs.astype(np.float32))
    seen.alive = np.ones((n_envs, n_agents), np.bool_)
    seen.options.offset = np.zeros(n_envs * n_agents + 1, np.int64)
    seen.start = np.full(n_envs, start)
    return seen


def queue_folder(tmp_path):
    weights = {"w": np.ones(2, np.float32)}
    save_bundle(
        tmp_path / "policy",
        options_spec(),
        graph=sum_graph(2),
        weights=weights,
        algorithm="ppo",
        settings={"clip": 0.2},
        facts={"iterations": 3},
    )
    return tmp_path / "policy"


def made(tmp_path, spec, graph, *, memory=None):
    folder = tmp_path / "p"
    given = {"graph": graph, "weights": {}, "algorithm": "ppo", "settings": {}, "facts": {}}
    save_bundle(folder, spec, **given, memory=memory or Memory())
    return load(folder, spec)


def act(policy, seen, key=None):
    action, log_prob, _ = policy.act(seen, policy.initial(len(seen.start)), key)
    return action.choice[:, 0, 0], log_prob[:, 0]
