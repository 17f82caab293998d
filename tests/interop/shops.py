# SPDX-License-Identifier: MIT
"""Pools of small shops: breaks, set-ups, alternatives and due dates, a few dozen operations."""

from flyball.worlds.jobshop import Scenario
from tests.worlds.jobshop.small_shops import random_shop


def small(count: int) -> list[Scenario]:
    return [random_shop(seed, n_jobs=6, n_machines=4, n_ops=4) for seed in range(count)]
