# SPDX-License-Identifier: MIT
"""Rules on problems whose figures are known: Fisher and Thompson's shop and Taillard's."""

import csv

import numpy as np
import pytest
from numba import config

from flyball.worlds.jobshop.baselines import RULES, Chance
from flyball.worlds.jobshop.bounds import published
from flyball.worlds.jobshop.env import JobShop
from flyball.worlds.jobshop.read import read
from flyball.worlds.jobshop.tuning import outcomes
from tests.worlds.jobshop.reference import WAIT, Shop
from tests.worlds.jobshop.small_shops import longs, shop

FT06 = """
2 1 0 3 1 6 3 7 5 3 4 6
1 8 2 5 4 10 5 10 0 10 3 4
2 5 3 4 5 8 0 9 1 1 4 7
1 5 0 5 2 5 3 3 4 8 5 9
2 9 1 3 4 5 5 4 0 3 3 1
1 3 3 3 5 9 0 10 4 4 2 1
"""


def ft06():
    """Return Fisher and Thompson's 6 x 6 shop; its optimum is 55."""
    lines = [[int(word) for word in line.split()] for line in FT06.strip().splitlines()]
    return shop([[{m: d} for m, d in zip(line[::2], line[1::2], strict=True)] for line in lines])


def by_hand(scenario, cost):
    """Return the makespan (h) of a rule in plain Python: least cost, first in queue at ties."""
    twin = Shop(scenario)
    while not twin.finished:
        pairs = [pair for pair in twin.candidates() if pair != WAIT]
        twin.assign(min(range(len(pairs)), key=lambda at: cost(twin, pairs[at])))
    return twin.kpis()[3]


def work_left(twin, pair):
    ops = twin.jobs[int(twin.s.op_job[pair])]
    return sum(int(twin.s.pair_duration_s[op]) for op in ops if op >= pair)


# In ft06 each operation has one pair, so that the pair's number is the operation's.
@pytest.mark.parametrize(
    ("name", "makespan_h", "cost"),
    [
        ("SPT", 88, lambda twin, pair: twin.s.pair_duration_s[pair]),
        ("LPT", 67, lambda twin, pair: -twin.s.pair_duration_s[pair]),
        ("MWR", 61, lambda twin, pair: -work_left(twin, pair)),
        ("MOR", 59, lambda _, pair: -(6 - pair % 6)),
        ("FIFO", 65, lambda twin, pair: twin.ready[int(twin.s.op_job[pair])]),
    ],
)
def test_rules_reach_on_ft06_what_plain_python_reaches(name, makespan_h, cost):
    reached = outcomes([ft06()], RULES[name])[0, 3]

    assert reached == by_hand(ft06(), cost) == makespan_h


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="takes minutes where the compiler is off")
def test_rules_keep_the_published_gaps_on_taillards_shops(scheduling_data):
    # Corsini et al. (2024), table 1: means over the 80 instances, event-driven.
    published = {"SPT": 27.4, "MWR": 19.5, "MOR": 20.1}
    with (scheduling_data / "bounds" / "jsp_bounds.csv").open(encoding="utf-8") as file:
        best = {row["instance"]: float(row["ub_best"]) for row in csv.DictReader(file)}
    files = sorted((scheduling_data / "jsp" / "ta").glob("ta*.txt"))
    pool = [read(path) for path in files]
    assert len(pool) >= 40

    for name, gap in published.items():
        makespans = outcomes(pool, RULES[name])[:, 3]
        reached = 100 * np.mean(makespans / [best[path.stem] for path in files] - 1)
        assert reached == pytest.approx(gap, abs=1.5), name


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="takes minutes where the compiler is off")
@pytest.mark.parametrize(
    ("kind", "families"),
    [
        ("jsp", ("abz", "ft", "la", "orb")),
        ("fjsp", ("barnes", "brandimarte", "fattahi", "hurink", "kacem")),
    ],
)
def test_no_makespan_of_a_rule_is_below_the_published_bound(scheduling_data, kind, families):
    bounds = published(scheduling_data / "bounds" / f"{kind}_bounds.csv")
    pool, lower_h = [], []
    for path in sorted(scheduling_data.glob(f"{kind}/*/*.txt")):
        name = path.stem if kind == "jsp" else f"{path.parent.name}/{path.stem}"
        if path.parent.name in families and name in bounds:
            pool.append(read(path))
            lower_h.append(bounds[name].lower_h)
    assert len(pool) >= 30

    for name in ("MOR", "SPT"):
        assert np.all(outcomes(pool, RULES[name])[:, 3] >= np.array(lower_h)), name


def test_a_rule_plays_the_same_in_any_batch():
    pool = [ft06(), shop([[{0: 1, 1: 2}, {1: 1}], [{1: 1}], [{0: 2}]])]

    both = outcomes(pool, RULES["ATC"])

    np.testing.assert_array_equal(both[0], outcomes(pool[:1], RULES["ATC"])[0])
    np.testing.assert_array_equal(both[1], outcomes(pool[1:], RULES["ATC"])[0])


def test_a_rule_plays_an_env_without_an_illegal_choice():
    env = JobShop([ft06()], 3)
    observation = env.reset(longs([0, 0, 0]))
    policy, illegal = Chance(seed=1), 0
    memory = policy.initial(3)

    for _ in range(100):
        action, _, memory = policy.act(observation, memory, None)
        step = env.step(action)
        illegal += int(step.illegal.sum())
        observation = step.observation

    assert illegal == 0
