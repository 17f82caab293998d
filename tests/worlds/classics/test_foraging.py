# SPDX-License-Identifier: MIT
"""Foraging against lbforaging: its recorded trace, and itself where installed."""

import json

import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make
from tests.worlds.classics.lbf import (
    agrees,
    drawn,
    peer,
    shown,
    start_ours,
    start_peer,
    step_peer,
)

SETTINGS = (
    {},
    {"n_players": 4, "n_foods": 3, "size": 6, "coop": False, "sight": 2, "penalty": 0.1},
    {"n_players": 9, "n_foods": 4, "size": 5, "coop": False, "max_level": 3, "max_steps": 6},
)


def wishes(may, rng):
    """Return one action a player: mostly a load where that is legal, seldom an illegal one."""
    chosen = []
    for legal in may:
        load = 5 in legal and rng.random() < 0.8
        any_action = int(rng.integers(6)) if rng.random() < 0.1 else int(rng.choice(legal))
        chosen.append(5 if load else any_action)
    return chosen


def episode(env, seed):
    """Return the start and the steps of a random episode of lbforaging."""
    rng = np.random.default_rng(seed)
    events = [{"start": start_peer(env, seed)} | shown(env)]
    while not events[-1].get("over"):
        actions = wishes(events[-1]["may"], rng)
        events.append({"do": actions} | step_peer(env, actions))
    return events


def recorded():
    """Return the trace of two episodes of lbforaging in which food is loaded."""
    env, lines = peer({}), []
    for seed in (9, 10):
        lines += [json.dumps(event) for event in episode(env, seed)]
    return "\n".join(lines) + "\n"


def one_each(actions):
    choice = np.array(actions, np.int32)[:, :, None]
    return Action(choice, np.zeros((*choice.shape[:2], 0)))


def play_along(env, first, starts, steps_of):
    """Step every row along its recorded steps and compare; return how many episodes ended how."""
    for row, start in enumerate(starts):
        agrees(first, row, start)
    ends = {"terminated": 0, "truncated": 0}
    n_players = env.spec.n_agents
    for number in range(max(map(len, steps_of))):
        now = [steps[number] if number < len(steps) else None for steps in steps_of]
        actions = [event["do"] if event else [0] * n_players for event in now]
        step = env.step(one_each(actions))
        for row, event in enumerate(now):
            if event is None:
                continue
            over = bool(step.terminated[row] or step.truncated[row])
            agrees(step.final if over else step.observation, row, event)
            assert step.reward[row, :, 0].tolist() == event["reward"]
            assert over == event["over"]
            ends["terminated"] += int(step.terminated[row])
            ends["truncated"] += int(step.truncated[row])
    return ends


@pytest.mark.peer
def test_the_golden_trace_is_what_lbforaging_plays(golden):
    golden("foraging.txt", recorded())


def test_every_step_of_the_recorded_trace_of_lbforaging_comes_out_the_same(request):
    text = (request.path.parent / "golden" / "foraging.txt").read_text(encoding="utf-8")
    events = [json.loads(line) for line in text.splitlines()]
    at = [k for k, event in enumerate(events) if "start" in event]
    steps_of = [events[k + 1 : stop] for k, stop in zip(at, [*at[1:], None], strict=True)]
    env, first = start_ours([events[k]["start"] for k in at], {})

    ends = play_along(env, first, [events[k] for k in at], steps_of)

    assert sum(ends.values()) == 2
    assert any(max(event["reward"]) > 0 for steps in steps_of for event in steps)


@pytest.mark.peer
@pytest.mark.parametrize("settings", SETTINGS)
def test_two_hundred_random_episodes_agree_with_lbforaging(settings):
    truth = peer(settings)
    episodes = [episode(truth, seed) for seed in range(200)]
    starts, steps_of = [events[0] for events in episodes], [events[1:] for events in episodes]
    env, first = start_ours([start["start"] for start in starts], settings)

    ends = play_along(env, first, starts, steps_of)

    # Both ends happened, so that both were compared.
    assert sum(ends.values()) == 200
    assert min(ends.values()) > 2


@pytest.mark.parametrize("settings", SETTINGS)
def test_fields_are_drawn_as_in_plain_python(settings):
    env = make("foraging", 25, **settings)

    env.reset(np.arange(25))

    whole, n = env.snapshot()["whole"], env.spec.n_agents
    n_foods = settings.get("n_foods", 2)
    for seed in range(25):
        players, foods = drawn(seed, 0, settings)
        foods += [(0, 0, 0)] * (n_foods - len(foods))
        np.testing.assert_array_equal(whole[seed, : 3 * n].reshape(-1, 3), players)
        np.testing.assert_array_equal(whole[seed, 3 * n : 3 * (n + n_foods)].reshape(-1, 3), foods)
        assert whole[seed, 3 * (n + n_foods)] == sum(level for _, _, level in foods)


@pytest.mark.peer
def test_food_lies_where_lbforaging_puts_it_as_often():
    truth, ours = peer({}), np.zeros((8, 8))
    theirs, n = np.zeros((8, 8)), 3000
    for seed in range(n):
        for r, c, _ in start_peer(truth, seed)["foods"]:
            theirs[r, c] += 1
        for r, c, _ in drawn(seed, 0, {})[1]:
            ours[r, c] += 1

    seen = theirs + ours > 0
    chi_square = ((ours - theirs)[seen] ** 2 / (ours + theirs)[seen]).sum()

    assert seen.sum() == 36
    assert chi_square < 35 + 5 * 70**0.5


def rows(env, seeds, n_steps):
    """Return everything that rows meet; their actions are functions of seed and step."""
    env.reset(seeds)
    met = []
    for number in range(n_steps):
        actions = [
            np.random.default_rng([int(seed), number]).integers(0, 6, env.spec.n_agents)
            for seed in seeds
        ]
        step = env.step(one_each(actions))
        now, final = step.observation, step.final
        parts = (now.obs, now.state, now.mask, final.obs, step.reward, step.outcome, step.illegal)
        met.append([part.copy() for part in parts])
    return met


def test_a_row_meets_the_same_alone_and_among_sixteen():
    seeds = np.arange(50, 66)
    many = rows(make("foraging", 16), seeds, 60)

    alone = rows(make("foraging", 1), seeds[9:10], 60)

    for whole, single in zip(many, alone, strict=True):
        for part, own in zip(whole, single, strict=True):
            np.testing.assert_array_equal(part[9:10], own)


def near_food(players, foods):
    return {"players": players, "foods": foods}


def test_loading_all_food_together_returns_one_and_terminates():
    start = near_food([[2, 1, 1], [2, 3, 2]], [[2, 2, 3]])
    env, _ = start_ours([start], {})

    step = env.step(one_each([[5, 5]]))

    np.testing.assert_allclose(step.reward[0, :, 0], [1 / 3, 2 / 3])
    assert step.terminated[0]
    assert not step.truncated[0]
    np.testing.assert_allclose(step.outcome[0], [1.0, 1.0])


def test_loading_alone_what_is_too_heavy_costs_the_penalty_and_leaves_the_food():
    start = near_food([[2, 1, 1], [2, 3, 2]], [[2, 2, 3]])
    env, _ = start_ours([start], {"penalty": 0.25})

    step = env.step(one_each([[0, 5]]))

    np.testing.assert_array_equal(step.reward[0, :, 0], [0.0, -0.25])
    assert not step.terminated[0]
    np.testing.assert_array_equal(step.observation.obs[0, 0, :3], [2, 2, 3])


@pytest.mark.parametrize(
    ("moves", "after"),
    [
        ([4, 3], [[4, 1], [4, 3]]),  # both want the cell between them
        ([4, 0], [[4, 2], [4, 3]]),
        ([1, 2], [[3, 1], [5, 3]]),
    ],
)
def test_nobody_enters_a_cell_that_two_players_want(moves, after):
    env, _ = start_ours([near_food([[4, 1, 1], [4, 3, 1]], [[1, 6, 2]])], {})

    env.step(one_each([moves]))

    places = env.snapshot()["whole"][0, :6].reshape(2, 3)[:, :2]
    np.testing.assert_array_equal(places, after)


def test_the_time_limit_truncates_and_does_not_terminate():
    env = make("foraging", 4, max_steps=3)
    env.reset(np.arange(4))

    steps = [(s.truncated.copy(), s.terminated.copy()) for s in (idle(env) for _ in range(3))]

    assert [truncated.all() for truncated, _ in steps] == [False, False, True]
    assert not any(terminated.any() for _, terminated in steps)


def idle(env):
    return env.step(one_each([[0, 0]] * 4))


def test_critics_see_all_players_and_all_food_whatever_the_sight():
    env = make("foraging", 20, sight=1)

    seen = env.reset(np.arange(20))

    whole = env.snapshot()["whole"][:, :12]
    np.testing.assert_array_equal(seen.state, whole)
    assert (seen.obs[:, :, :6] == -1).any()
