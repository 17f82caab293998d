# SPDX-License-Identifier: MIT
"""How fast the algorithms learn, each beside the library that people would use instead.

Every pair has the same settings, the same network and one thread, and each library steps its own
environment, unless the figure says that each has its best settings. Rates are per second of one
core's time, measured in turn (ours, theirs, theirs, ours), so that other programs on the machine
take nothing from either. Rivals whose pins would hold back .venv work in .venv-peers-learning
(`make peers`); without it their figures say so. ``--quick`` measures for a moment; ``--only NAME``
one figure. To keep the figures: ``python tools/evidence.py record learning_speed --rooms learning
worlds/classics --seeds 0 -- benchmarks/learning_speed.py``.
"""

import argparse
import warnings
from collections.abc import Callable

import torch
from measuring import Figure, absolute, one_core, yardstick
from speed.best import ppo_best
from speed.offpolicy import sac
from speed.onpolicy import masked, ppo_same, recurrent
from speed.plane import data_plane
from speed.reach import reach
from speed.teams import qmix

warnings.filterwarnings("ignore")

FIGURES: dict[str, Callable[[int, int], list[Figure]]] = {
    "ppo_same": ppo_same,
    "ppo_best": ppo_best,
    "reach": reach,
    "data_plane": data_plane,
    "masked": masked,
    "recurrent": recurrent,
    "sac": sac,
    "qmix": qmix,
}
"""By name: what measures (pairs, scale) of work."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short pair of each")
    parser.add_argument("--only", choices=sorted(FIGURES), action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pinned = one_core()
    note = f"{pinned}one thread of torch; steps of a fixed compiled loop"
    absolute(
        "yardstick_mega_steps_per_s", [yardstick()], better="more", target=None, note=note
    ).print()
    pairs, scale = (1, 1) if arguments.quick else (5, 4)
    for name, measure in FIGURES.items():
        if arguments.only is None or name in arguments.only:
            for figure in measure(pairs, scale):
                figure.print()


if __name__ == "__main__":
    main()
