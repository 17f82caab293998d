# SPDX-License-Identifier: MIT
"""Algorithms that improve a Policy from experience; the only room that needs torch.

It is handed an Env and never imports a world. Each algorithm is one file that reads from top to
bottom and has one method that counts, `iterate`: `imitate` copies the best teacher of each
scenario, `improve` compares rows that play one scenario, `es` gives every row weights of its own,
`ppo` learns a critic, `cpo` and `lagrangian` keep mean costs within limits besides. `train` gives
any of them a budget, progress, checkpoints and a clean stop; `export` turns the network into a
bundle that acts without torch. `veto` learns which actions lead to cost, for a Shield that may only
tighten by it; `log_probability` says how likely a policy was to take any given action.
"""

from flyball.learning import es, imitate, improve, ppo, veto
from flyball.learning.acting.likelihood import log_probability
from flyball.learning.acting.policy import NetPolicy, set_threads
from flyball.learning.bundle import export
from flyball.learning.catalogue import ALGORITHMS, recipe
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.training import Budget, Progress, train

__all__ = [
    "ALGORITHMS",
    "Budget",
    "Net",
    "NetConfig",
    "NetPolicy",
    "Progress",
    "es",
    "export",
    "imitate",
    "improve",
    "log_probability",
    "ppo",
    "recipe",
    "set_threads",
    "train",
    "veto",
]
