# SPDX-License-Identifier: MIT
"""SAC's figures: gradient steps beside PyTorch's and JAX's, and the machine's own limit."""

import statistics
from typing import Any

import stable_baselines3 as sb3
import torch
from measuring import Figure, abba, absolute

from flyball.learning.catalogue import ALGORITHMS
from flyball.worlds import classics
from speed.rates import PEERS, Rate, compared, missing, rival, spent_s

SHAPE = "pendulum, blocks of 256, two layers of 256"


def our_steps(n: int) -> Rate:
    """Return what measures gradient steps a second of ours."""
    recipe = ALGORITHMS["sac"]
    env = classics.make("pendulum", 1)
    run: Any = recipe.make(env, recipe.net, recipe.config(minibatch=256, learning_starts=512))
    while run.iterate(0, 0.0).get("updates", 1.0) == 0.0:
        pass
    run.gradient_steps(n)
    return lambda: n / spent_s(lambda: run.gradient_steps(n))


def their_steps(n: int) -> Rate:
    """Return what measures those of Stable-Baselines3."""
    model = sb3.SAC("MlpPolicy", "Pendulum-v1", learning_starts=512, device="cpu")
    model.learn(520)
    model.train(n, 256)
    return lambda: n / spent_s(lambda: model.train(n, 256))


def products(n: int = 1000) -> float:
    """Return how fast this core multiplies matrices of 256 x 256 now, GFLOP/s."""
    a, b, out = torch.randn(256, 256), torch.randn(256, 256), torch.empty(256, 256)

    def work() -> None:
        for _ in range(n):
            torch.mm(a, b, out=out)

    return n * 2 * 256**3 / spent_s(work) / 1e9


def sac(pairs: int, scale: int) -> list[Figure]:
    """Gradient steps of SAC on the pendulum, blocks of 256, two layers of 256."""
    n = 25 * scale
    ours, limits = our_steps(n), [products()]
    found = [
        compared(
            "sac_gradient_steps_per_s",
            abba(ours, their_steps(n), 2 * pairs),
            peer="stable-baselines3 2.9 SAC",
            target=1.6,
            note=SHAPE,
        )
    ]
    metric = "sac_gradient_steps_per_s_beside_jax"
    if PEERS.exists():
        with rival("sbx_sac.py", n, str(n)) as theirs:
            peer = "sbx-rl 0.28 SAC (JAX)"
            note = f"{SHAPE}; theirs {n} steps in one compiled call, compilation not counted"
            found.append(
                compared(metric, abba(ours, theirs, 2 * pairs), peer=peer, target=None, note=note)
            )
    else:
        found.append(missing(metric, ours, target=None, note=SHAPE))
    limits.append(products())
    floor = 15 * 2 * 256**3 / statistics.fmean(limits) / 1e6
    note = f"before and after; the 15 products of 256 x 256 in a step of SAC take {floor:.2f} ms"
    found.append(
        absolute("matrix_product_gflop_per_s", limits, better="more", target=None, note=note)
    )
    return found
