# SPDX-License-Identifier: MIT
"""The kernels, through the env that calls them, against the plain-Python twin."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyball.core.batch import Action
from flyball.core.errors import ScenarioError
from flyball.worlds.jobshop.env import JobShop
from flyball.worlds.jobshop.validator import check, kpis
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.reference import Shop
from tests.worlds.jobshop.small_shops import H, ints, longs, random_shop, shop, windows


def choose(*choices):
    values = np.array(choices, dtype=np.int32).reshape(-1, 1, 1)
    return Action(values, np.zeros((len(choices), 1, 0)))


def rows_of(env, row, method="test"):
    plan = env.schedule(row, method)
    columns = (plan.machine, plan.setup_start_s, plan.setup_end_s, plan.start_s, plan.end_s)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def play(env, seeds, steps, rng_seed=0):
    """Return what each row met: candidates, rewards, ends and outcomes of random choices.

    The choices of a row depend on its seed and step only.
    """
    observation = env.reset(longs(seeds))
    met = [[] for _ in seeds]
    for number in range(steps):
        offset = observation.options.offset
        sizes = np.diff(offset)
        ids = [observation.options.id[a:b].tolist() for a, b in pairwise(offset)]
        seen = [observation.options.features[a:b].tobytes() for a, b in pairwise(offset)]
        choices = [
            int(np.random.default_rng([rng_seed, seed, number]).integers(size))
            for seed, size in zip(seeds, sizes, strict=True)
        ]
        step = env.step(choose(*choices))
        for row, record in enumerate(met):
            record.append(
                (
                    ids[row],
                    seen[row],
                    step.reward[row].tobytes(),
                    bool(step.terminated[row]),
                    step.outcome[row].tobytes(),
                    float(step.elapsed_s[row]),
                )
            )
        observation = step.observation
    return met


def same_figures(outcome, expected):
    # The spread is the root of a difference of squares: of its 16 digits 8 are left near zero.
    np.testing.assert_allclose(outcome[:6], expected[:6], atol=1e-9)
    np.testing.assert_allclose(outcome[6], expected[6], atol=1e-5)


def agrees(scenario, seed):
    """Play one episode of kernel and twin with the same random choices."""
    env, twin = JobShop([scenario], 1), Shop(scenario)
    observation = env.reset(longs([0]))
    rng = np.random.default_rng(seed)
    step = None
    while not twin.finished:
        assert step is None or not step.terminated[0]
        assert observation.options.id.tolist() == twin.candidates()
        choice = int(rng.integers(len(observation.options.id)))
        now = twin.now
        step = env.step(choose(choice))
        twin.assign(choice)
        np.testing.assert_allclose(step.reward[0, 0], twin.rewards[-1], atol=1e-9)
        assert step.elapsed_s[0] == twin.now - now
        observation = step.observation
    assert step.terminated[0]
    assert not step.truncated[0]
    assert rows_of(env, 0) == twin.schedule
    same_figures(step.outcome[0], twin.kpis())
    return env, step, twin


@settings(max_examples=150)
@given(st.integers(0, 10**6))
def test_the_kernel_agrees_with_the_plain_python_twin_in_odd_shops(seed):
    agrees(odd_shop(seed), seed)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_the_kernel_agrees_with_the_twin_and_the_validator_in_shops_with_breaks(seed):
    scenario = random_shop(seed, n_jobs=6, n_machines=3, n_ops=4)

    env, step, twin = agrees(scenario, seed)

    plan = env.schedule(0, "random")
    assert check(plan) == []
    same_figures(step.outcome[0], list(kpis(plan).values()))
    np.testing.assert_allclose(np.sum(twin.rewards, axis=0), step.outcome[0, [0, 3, 4, 5]])


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_schedules_of_odd_shops_keep_every_rule(seed):
    env, _, _ = agrees(odd_shop(seed), seed)

    assert check(env.schedule(0, "random")) == []


def test_a_set_up_that_fits_no_early_window_does_not_hide_them_from_shorter_ones():
    # From nothing to red 3 h, from the fixed blue to red 1 h; windows 0-2, 3-5 and 8-20 h.
    scenario = shop(
        [[{0: 1}], [{0: 1}]],
        op_family=ints([0, 1]),
        family_name=("red", "blue"),
        setup_s=longs([[[0, 9], [1, 0], [3, 0]]]) * H,
        setup_interruptible=np.array([False]),
        calendars=windows([(0, 2), (3, 5), (8, 20)]),
        fixed_machine=ints([-1, 0]),
        fixed_start_s=longs([0, 1 * H]),
        fixed_end_s=longs([0, 2 * H]),
    )
    env = JobShop([scenario], 1)
    env.reset(longs([0]))

    env.step(choose(0))

    assert rows_of(env, 0)[0] == (0, 3 * H, 4 * H, 4 * H, 5 * H)


def test_a_machine_due_during_its_fixed_work_is_no_event():
    # Closed 1-4 h, fixed 3-6 h: the machine is free at 6 h, not at 4 h.
    scenario = shop(
        [[{0: 1}], [{0: 1}], [{0: 1}]],
        calendars=windows([(0, 1), (4, 50)]),
        fixed_machine=ints([-1, -1, 0]),
        fixed_start_s=longs([0, 0, 3 * H]),
        fixed_end_s=longs([0, 0, 6 * H]),
    )
    env = JobShop([scenario], 1)
    env.reset(longs([0]))

    step = env.step(choose(0))

    assert step.elapsed_s[0] == 6 * H


def test_results_do_not_depend_on_the_batch():
    pool = [odd_shop(seed) for seed in range(5)]
    seeds = [3, 1, 4, 1, 5, 9, 2]

    together = play(JobShop(pool, 7), seeds, 60)
    alone = [play(JobShop(pool, 1), [seed], 60)[0] for seed in seeds]

    assert together == alone
    assert any(record[3] for record in together[0])


def test_a_snapshot_brings_everything_back_bit_for_bit():
    pool = [odd_shop(seed) for seed in range(5)]
    env = JobShop(pool, 3)
    play(env, [0, 1, 2], 7)

    kept = env.snapshot()
    first = env.restore(kept).options.features.copy()
    ahead = [env.step(choose(0, 0, 0)).reward.copy() for _ in range(40)]
    again = env.restore(kept).options.features.copy()
    repeated = [env.step(choose(0, 0, 0)).reward.copy() for _ in range(40)]

    assert first.tobytes() == again.tobytes()
    np.testing.assert_array_equal(ahead, repeated)


def test_a_snapshot_carries_over_to_another_env_of_the_same_pool():
    pool = [odd_shop(seed) for seed in range(4)]
    env, other = JobShop(pool, 2), JobShop(pool, 2)
    play(env, [0, 1], 5)

    other.reset(longs([3, 3]))
    seen = other.restore(env.snapshot())

    assert seen.options.id.tolist() == env.restore(env.snapshot()).options.id.tolist()
    assert other.step(choose(0, 0)).reward.tobytes() == env.step(choose(0, 0)).reward.tobytes()


def test_an_episode_that_ends_starts_the_next_one_in_the_same_step():
    scenario = shop([[{0: 1}, {0: 2}]])
    env = JobShop([scenario], 1)
    first = env.reset(longs([0])).options.id.tolist()

    middle = env.step(choose(0))
    assert not middle.terminated[0]
    assert not middle.observation.start[0]
    last = env.step(choose(0))

    assert last.terminated[0]
    assert not last.truncated[0]
    assert last.observation.start[0]
    assert last.observation.options.id.tolist() == first
    assert last.outcome[0, 3] == 3.0
    assert rows_of(env, 0) == [(0, 0, 0, 0, H), (0, H, H, H, 3 * H)]


@pytest.mark.parametrize("wrong", [-1, 2, 2**31 - 1, -(2**31)])
def test_an_illegal_choice_is_counted_and_taken_as_the_first_candidate(wrong):
    scenario = shop([[{0: 1}], [{0: 2}]])
    env, fair = JobShop([scenario], 1), JobShop([scenario], 1)
    env.reset(longs([0]))
    fair.reset(longs([0]))

    step, expected = env.step(choose(wrong)), fair.step(choose(0))

    assert step.illegal[0, 0] == 1
    assert expected.illegal[0, 0] == 0
    assert step.applied.choice[0, 0, 0] == 0
    assert step.reward.tobytes() == expected.reward.tobytes()


def test_waiting_is_not_offered_when_nothing_is_to_come():
    env = JobShop([shop([[{0: 1}], [{0: 2}]])], 1)

    observation = env.reset(longs([0]))

    assert observation.options.id.tolist() == [0, 1]


def test_a_calendar_that_ends_before_the_work_is_an_error_of_the_scenario():
    scenario = shop([[{0: 3}], [{0: 3}]], calendars=windows([(0, 4)]))

    with pytest.raises(ScenarioError, match="calendar that ends before the work does"):
        episode(JobShop([scenario], 1))


def episode(env):
    env.reset(longs([0]))
    while not env.step(choose(0)).terminated[0]:
        pass


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_rewards_sum_to_the_outcome_of_the_episode(seed):
    env = JobShop([odd_shop(seed)], 1)
    env.reset(longs([0]))
    total, terminated, rng = np.zeros(4), False, np.random.default_rng(seed)

    while not terminated:
        step = env.step(choose(int(rng.integers(1000)) % 3))
        total += step.reward[0, 0]
        terminated = bool(step.terminated[0])

    np.testing.assert_allclose(total, step.outcome[0, [0, 3, 4, 5]], atol=1e-9)


@pytest.mark.parametrize("name", ["breaks", "fixed_work", "equal_times"])
def test_golden_trace(name, golden):
    scenario = {
        "breaks": random_shop(11, n_jobs=5, n_machines=3, n_ops=4),
        "fixed_work": odd_shop(160),
        "equal_times": replace(shop([[{0: 1, 1: 1}, {2: 1}]] * 3), due_s=longs([H, 2 * H, 3 * H])),
    }[name]

    golden(f"{name}.txt", trace(scenario))


def trace(scenario):
    """Return one line a decision of an episode with choices that vary, then the plan."""
    env = JobShop([scenario], 1)
    observation = env.reset(longs([0]))
    lines, now_s, terminated = [], 0, False
    while not terminated:
        ids = observation.options.id.tolist()
        choice = len(lines) % len(ids)
        step = env.step(choose(choice))
        reward = " ".join(f"{value:g}" for value in step.reward[0, 0])
        lines.append(f"at {now_s} s: {ids[choice]} of {ids}, reward {reward}")
        now_s += int(step.elapsed_s[0])
        terminated = bool(step.terminated[0])
        observation = step.observation
    for op, (machine, setup_start, setup_end, start, end) in enumerate(rows_of(env, 0)):
        job = scenario.job_name[scenario.op_job[op]]
        setup = f"set-up {setup_start}-{setup_end}, " if setup_end > setup_start else ""
        where = scenario.machine_name[machine]
        lines.append(f"{job}/{scenario.op_name[op]} on {where}: {setup}{start}-{end} s")
    figures = zip(env.spec.kpis, step.outcome[0], strict=True)
    lines += [f"{kpi.name} {value:.6g} {kpi.unit}" for kpi, value in figures]
    return "\n".join(lines) + "\n"
