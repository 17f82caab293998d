# SPDX-License-Identifier: MIT
from dataclasses import replace

import numpy as np
import pytest

from flyball.core.batch import Observation, Options
from flyball.core.errors import InvariantError, ScenarioError
from flyball.core.spec import OptionsHead
from flyball.worlds.jobshop import env as module
from flyball.worlds.jobshop.env import SPEC, JobShop
from flyball.worlds.jobshop.validator import KPI_NAMES
from tests.worlds.jobshop.odd_shops import odd_shop
from tests.worlds.jobshop.small_shops import H, ints, longs, shop, windows
from tests.worlds.jobshop.test_kernels import choose

B = 3
POOL = [odd_shop(seed) for seed in range(4)]


def test_the_spec_names_what_the_page_and_the_validator_name():
    (kind,) = SPEC.kinds
    (head,) = kind.heads

    assert (SPEC.world, SPEC.version, SPEC.n_agents) == ("jobshop", 1, 1)
    assert tuple(kpi.name for kpi in SPEC.kpis) == KPI_NAMES
    assert isinstance(head, OptionsHead)
    assert len({feature.name for feature in head.features}) == len(head.features) == 26
    for feature in head.features:
        assert feature.low < feature.high
        assert feature.unit
        assert feature.meaning
    assert {objective.name for objective in SPEC.objectives} < set(KPI_NAMES)


SHAPES = {
    "obs": ((B, 1, 0), np.float32),
    "state": ((B, 0), np.float32),
    "mask": ((B, 1, 0), np.bool_),
    "alive": ((B, 1), np.bool_),
    "start": ((B,), np.bool_),
    "signals": ((B, 0), np.float64),
    "age_s": ((B, 0), np.float64),
    "quality": ((B, 0), np.bool_),
}


def keeps_contract(observation: Observation, *, empty=False):
    for name, (shape, dtype) in SHAPES.items():
        array = getattr(observation, name)
        assert (array.shape, array.dtype) == (shape, dtype), name
    options: Options = observation.options
    last = int(options.offset[-1])
    assert (options.offset.shape, options.offset.dtype) == ((B + 1,), np.int64)
    assert (options.features.shape, options.features.dtype) == ((last, 26), np.float32)
    assert (options.id.shape, options.id.dtype) == ((last,), np.int32)
    assert options.offset[0] == 0
    assert np.all(np.diff(options.offset) == 0 if empty else np.diff(options.offset) > 0)


def test_every_array_has_the_shape_and_type_of_the_contract():
    env = JobShop(POOL, B)

    keeps_contract(env.reset(longs([0, 1, 2])))
    step = env.step(choose(0, 0, 0))

    assert env.n_envs == B
    assert env.spec is SPEC
    keeps_contract(step.observation)
    keeps_contract(step.final, empty=True)
    for array, shape, dtype in (
        (step.reward, (B, 1, 4), np.float64),
        (step.cost, (B, 0), np.float64),
        (step.outcome, (B, 7), np.float64),
        (step.terminated, (B,), np.bool_),
        (step.truncated, (B,), np.bool_),
        (step.elapsed_s, (B,), np.float64),
        (step.applied.choice, (B, 1, 1), np.int32),
        (step.applied.value, (B, 1, 0), np.float64),
        (step.illegal, (B, 1), np.int32),
    ):
        assert (array.shape, array.dtype) == (shape, dtype)


def test_every_row_starts_at_a_reset_and_none_goes_on_starting():
    env = JobShop([shop([[{0: 1}, {0: 1}]])], B)

    assert env.reset(longs([0, 0, 0])).start.tolist() == [True] * B
    assert env.step(choose(0, 0, 0)).observation.start.tolist() == [False] * B


def test_a_reset_in_the_middle_of_an_episode_leaves_no_trace_of_it():
    env = JobShop(POOL, B)
    fresh = env.reset(longs([2, 0, 1])).options.features.copy()
    for _ in range(25):
        env.step(choose(0, 0, 0))

    again = env.reset(longs([2, 0, 1]))

    np.testing.assert_array_equal(again.options.features, fresh)
    assert env.schedule(0, "none yet") is None


@pytest.mark.parametrize("scenarios", [[], [POOL[0], "fixed"]], ids=["no scenario", "all fixed"])
def test_a_pool_in_which_nothing_is_left_to_plan_is_refused(scenarios):
    fixed = shop(
        [[{0: 1}]], name="night", fixed_machine=ints([0]), fixed_end_s=longs([H])
    )  # fmt: skip
    pool = [fixed if each == "fixed" else each for each in scenarios]

    with pytest.raises(ScenarioError, match="nothing to plan") as caught:
        JobShop(pool, 1)

    assert caught.value.problems[0].where == ("night" if pool else "pool of scenarios")


# The first ends before anything can be placed, the second when the work has begun, the third while
# the machine is closed for good and no event is to come.
@pytest.mark.parametrize(
    ("routes", "opened", "release_h"),
    [([[{0: 5}]], [(0, 4)], 0), ([[{0: 3}, {0: 3}]], [(0, 4)], 0), ([[{0: 1}]], [(0, 4)], 9)],
)
def test_a_calendar_that_ends_too_early_names_the_shop_that_has_it(routes, opened, release_h):
    short = shop(
        routes,
        name="short",
        calendars=windows(opened),
        release_s=longs([release_h * H]),
    )
    env = JobShop([replace(shop([[{0: 1}]] * 9), name="fine"), short], 2)

    with pytest.raises(ScenarioError, match="calendar that ends before the work does") as caught:
        run_on(env)

    assert caught.value.problems[0].where == "short"


def test_a_set_up_that_the_calendar_has_no_room_for_is_an_error_too():
    # Set-up from nothing takes 5 h, without a break; the only window is 4 h long.
    scenario = shop(
        [[{0: 1}]],
        calendars=windows([(0, 4)]),
        setup_s=longs([[[0], [5 * H]]]),
        setup_interruptible=np.array([False]),
    )

    with pytest.raises(ScenarioError, match="calendar that ends before the work does"):
        JobShop([scenario], 1).reset(longs([0]))


def run_on(env):
    env.reset(longs([0, 1]))
    for _ in range(5):
        env.step(choose(0, 0))


def test_an_episode_that_is_over_before_it_begins_is_our_fault_and_said_so(monkeypatch):
    monkeypatch.setattr(module, "_require_work", lambda _: None)
    fixed = shop([[{0: 1}]], fixed_machine=ints([0]), fixed_end_s=longs([H]))

    with pytest.raises(InvariantError, match="without free operations"):
        JobShop([fixed], 1).reset(longs([0]))


def test_a_snapshot_is_a_copy_and_names_every_array_that_changes():
    env = JobShop(POOL, B)
    env.reset(longs([0, 1, 2]))
    kept = env.snapshot()
    before = {name: array.copy() for name, array in kept.items()}

    for _ in range(30):
        env.step(choose(0, 0, 0))

    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name])
    after = env.snapshot()
    assert any(np.any(after[name] != before[name]) for name in before)
    env.restore(kept)
    for name, array in env.snapshot().items():
        np.testing.assert_array_equal(array, before[name])


def test_restoring_brings_back_whether_an_episode_starts():
    env = JobShop([shop([[{0: 1}, {0: 1}]])], 1)
    env.reset(longs([0]))
    at_start = env.snapshot()
    env.step(choose(0))
    later = env.snapshot()

    assert env.restore(at_start).start.tolist() == [True]
    assert env.restore(later).start.tolist() == [False]
