# SPDX-License-Identifier: MIT
"""Networks of every kind that can be exported, with weights and statistics as after training."""

from typing import Any

import numpy as np
import torch
from torch import nn

from flyball.core.spec import (
    AgentKind,
    Categorical,
    Feature,
    Head,
    Hybrid,
    Objective,
    OptionsHead,
    Spec,
    TanhGaussian,
)
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.stacks import SeparateActor

VALVE, PUMP = TanhGaussian("valve", "m3/h", 2.0, 6.0), TanhGaussian("pump", "kW", -1e3, 3e3)


def columns(n: int) -> tuple[Feature, ...]:
    return tuple(Feature(f"x{k}", "-", -10, 10) for k in range(n))


def kind(name: str, n_obs: int, *heads: Head, count: int = 1) -> AgentKind:
    return AgentKind(name, count, columns(n_obs), heads)


def spec(*kinds: AgentKind) -> Spec:
    return Spec("plant", 1, kinds, (Objective("gain_eur", "EUR", "max"),), ())


PICK = OptionsHead("pick", columns(4))
MODE = Hybrid("mode", 3, ((), ("valve",), ("valve", "pump")))
ONE = spec(kind("one", 5, Categorical("act", 3)))
SEVERAL = spec(kind("one", 5, Categorical("act", 3), Categorical("lift", 17)))
VALUES = spec(kind("one", 5, VALVE, PUMP))
HYBRID = spec(kind("one", 5, MODE, VALVE, PUMP))
OPTIONS = spec(kind("one", 0, PICK))
SEEING = spec(kind("one", 3, PICK))
TEAM = spec(
    kind("speaker", 2, Categorical("say", 4)),
    kind("mover", 3, Categorical("move", 5), PUMP, count=2),
)
PICKERS = spec(kind("one", 3, PICK, count=3))
ALIKE = spec(kind("one", 3, Categorical("act", 4), count=3))
BLIND = spec(kind("one", 0, Categorical("act", 3)))
STILL = spec(kind("one", 0, VALVE))

# Each kind of head, memory, several agents, and each normaliser at least once.
KINDS: dict[str, tuple[Spec, dict[str, Any]]] = {
    "options": (OPTIONS, {}),
    "options, linear": (SEEING, {"hidden": ()}),
    "options, several agents": (PICKERS, {}),
    "options, lstm": (SEEING, {"cell": "lstm", "cell_size": 8}),
    "one choice": (ONE, {"norm": "standard"}),
    "one choice, lstm": (ONE, {"cell": "lstm", "cell_size": 16}),
    "one choice, slstm": (ONE, {"cell": "slstm", "cell_size": 16, "activation": "relu"}),
    "several choices": (SEVERAL, {"activation": "relu"}),
    "values": (VALUES, {"log_std": -0.5}),
    "values, deviation of the state": (VALUES, {"deviation": "state", "norm": "none"}),
    "values, slstm": (VALUES, {"cell": "slstm", "cell_size": 8, "memory_steps": 50}),
    "hybrid": (HYBRID, {"deviation": "state"}),
    "team": (TEAM, {}),
    "team, lstm": (TEAM, {"cell": "lstm", "cell_size": 8, "norm": "standard"}),
    "blind choice": (BLIND, {}),
    "blind values, lstm": (STILL, {"cell": "lstm", "cell_size": 4}),
    "still values": (STILL, {}),
}


def trained(of: Spec, **settings: Any) -> Net:
    """Return a network with weights and statistics as after training."""
    return worn(Net(of, NetConfig(**settings), seed=0))


def worn(net: Net) -> Net:
    """Change a network's weights and statistics as training would."""
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for part in net.actor.parameters():
            part.mul_(2.0).add_(torch.from_numpy(0.2 * rng.normal(size=part.shape)))
    for norm in (net.obs_norm, net.option_norm):
        norm.learn(rng.lognormal(1, 2, (500, len(norm.mean))).astype(np.float32) - 2)
    return net


def separate(of: Spec, **settings: Any) -> Net:
    """Return a network in which every agent has an actor of its own."""
    net = Net(of, NetConfig(**settings), seed=0)
    net.actor = SeparateActor(net.sizes, net.config, torch.Generator().manual_seed(1))
    return worn(net)


def parts(net: Net) -> list[nn.Module]:
    return [net.actor, net.obs_norm, net.option_norm]
