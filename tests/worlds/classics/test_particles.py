# SPDX-License-Identifier: MIT
"""Spread and speaker-listener against mpe2: its recorded traces, and itself where installed."""

import json

import numpy as np
import pytest

from flyball.core.random import uniform
from flyball.worlds.classics import make
from tests.worlds.classics.mpe import (
    N_STEPS,
    agrees,
    one_each,
    peer,
    start_ours,
    start_peer,
    step_peer,
)

TRACES = ("spread", "speaker-listener")


def random_actions(name, n_agents, rng, *, continuous):
    """Return one action for each agent, as mpe2 takes it."""
    widths = (3, 5) if name == "speaker-listener" else (5,) * n_agents
    if continuous:
        # Sixteenths: their differences are exact in mpe2's arithmetic and in ours.
        return [rng.integers(0, 17, width) / 16 for width in widths]
    return [int(rng.integers(width)) for width in widths]


def recorded(name):
    """Return the trace of two crowded episodes of mpe2, a JSON line an event."""
    env, rng, lines = peer(name), np.random.default_rng(11), []
    for seed in (1, 2):
        lines.append(json.dumps({"start": start_peer(env, seed, 0.4)}))
        for _ in range(N_STEPS):
            actions = random_actions(name, 3, rng, continuous=False)
            lines.append(json.dumps({"do": actions} | step_peer(env, actions)))
    return "\n".join(lines) + "\n"


def episodes_of(path):
    """Yield the start and the steps of each recorded episode."""
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    starts = [k for k, event in enumerate(events) if "start" in event]
    for k, stop in zip(starts, [*starts[1:], len(events)], strict=True):
        yield events[k]["start"], events[k + 1 : stop]


@pytest.mark.peer
@pytest.mark.parametrize("name", TRACES)
def test_the_golden_trace_is_what_mpe2_plays(name, golden):
    golden(f"{name}.txt", recorded(name))


@pytest.mark.parametrize("name", TRACES)
def test_every_step_of_the_recorded_trace_of_mpe2_comes_out_the_same(name, request):
    episodes = list(episodes_of(request.path.parent / "golden" / f"{name}.txt"))
    assert [len(steps) for _, steps in episodes] == [N_STEPS] * 2
    env, _ = start_ours(name, [start for start, _ in episodes])

    for events in zip(*(steps for _, steps in episodes), strict=True):
        step = env.step(one_each(env, [event["do"] for event in events], continuous=False))

        real = env.snapshot()["real"]
        for row, event in enumerate(events):
            agrees(real[row], step, row, event)


@pytest.mark.peer
@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("spread", {}, {}),
        ("spread", {"n_agents": 1}, {"N": 1}),
        ("spread", {"n_agents": 5, "local_ratio": 0.25}, {"N": 5, "local_ratio": 0.25}),
        ("speaker-listener", {}, {}),
    ],
)
def test_a_thousand_random_steps_agree_with_mpe2(name, ours, theirs, continuous):
    n_rows, rng = 40, np.random.default_rng(3)
    peers = [peer(name, continuous_actions=continuous, **theirs) for _ in range(n_rows)]
    starts = [start_peer(env, seed, (0.25, 0.5, 1.0)[seed % 3]) for seed, env in enumerate(peers)]
    env, first = start_ours(name, starts, continuous=continuous, **ours)
    for row, truth in enumerate(peers):
        for agent, other in enumerate(truth.possible_agents):
            seen = truth.observe(other)
            np.testing.assert_allclose(first.obs[row, agent, : len(seen)], seen, atol=1e-6)
    n_agents, touched = env.spec.n_agents, 0

    for _ in range(N_STEPS):
        actions = [
            random_actions(name, n_agents, rng, continuous=continuous) for _ in range(n_rows)
        ]
        step = env.step(one_each(env, actions, continuous))
        real = env.snapshot()["real"]
        for row, truth in enumerate(peers):
            now = step_peer(truth, actions[row])
            agrees(real[row], step, row, now)
            touched += len(set(now["reward"])) > 1

    # Rewards that differ between agents show that there were contacts to agree on.
    assert touched > 50 or name != "spread" or n_agents == 1


def test_places_at_the_start_are_the_named_draws():
    env = make("spread", 3)

    env.reset(np.array([7, 8, 9]))

    real = env.snapshot()["real"]
    for row, seed in enumerate((7, 8, 9)):
        draws = [
            2 * uniform(seed, 0, thing, 0, axis) - 1 for thing in range(6) for axis in range(2)
        ]
        np.testing.assert_array_equal(real[row, :6], np.array(draws[:6]))
        np.testing.assert_array_equal(real[row, 18:24], np.array(draws[6:]))
        assert not real[row, 6:18].any()


def test_every_landmark_is_the_goal_a_third_of_the_time():
    env = make("speaker-listener", 3000)

    env.reset(np.arange(3000))

    count = np.bincount(env.snapshot()["whole"][:, 0], minlength=3)
    assert len(count) == 3
    assert (abs(count - 1000) < 5 * (3000 * 2 / 9) ** 0.5).all()


def play(env, seeds, n_steps):
    """Return everything that rows meet; their actions are functions of seed and step."""
    env.reset(seeds)
    met = []
    for number in range(n_steps):
        wishes = [
            np.random.default_rng([int(seed), number]).integers(0, 5, env.spec.n_agents)
            for seed in seeds
        ]
        step = env.step(one_each(env, wishes, continuous=False))
        parts = (
            step.observation.obs,
            step.observation.state,
            step.observation.mask,
            step.final.obs,
            step.reward,
            step.outcome,
            step.truncated,
        )
        met.append([part.copy() for part in parts])
    return met


@pytest.mark.parametrize("name", TRACES)
def test_a_row_meets_the_same_alone_and_among_sixteen(name):
    seeds = np.arange(100, 116)
    many = play(make(name, 16), seeds, 30)

    alone = play(make(name, 1), seeds[5:6], 30)

    for whole, single in zip(many, alone, strict=True):
        for part, own in zip(whole, single, strict=True):
            np.testing.assert_array_equal(part[5:6], own)


def test_an_episode_is_cut_after_25_steps_and_its_last_observation_is_kept():
    cut, longer = make("spread", 2), make("spread", 2, max_cycles=26)
    push = one_each(cut, [[1, 2, 3], [4, 0, 2]], continuous=False)
    for env in (cut, longer):
        env.reset(np.array([1, 2]))
    earlier = [
        bool((cut.step(push).truncated | longer.step(push).truncated).any()) for _ in range(24)
    ]

    last, on = cut.step(push), longer.step(push)

    assert not any(earlier)
    assert last.truncated.all()
    assert not last.terminated.any()
    np.testing.assert_array_equal(last.outcome[:, 1], 25)
    np.testing.assert_array_equal(last.final.obs, on.observation.obs)
    np.testing.assert_array_equal(last.final.state, on.observation.state)
    assert last.observation.start.all()
    assert (last.observation.obs[:, :, 2:4] != last.final.obs[:, :, 2:4]).all()


def test_a_word_is_heard_in_the_step_in_which_it_is_said():
    env = make("speaker-listener", 3)
    start = env.reset(np.arange(3)).obs[:, 1, 8:].copy()

    step = env.step(one_each(env, [[0, 0], [1, 0], [2, 0]], continuous=False))

    assert not start.any()
    np.testing.assert_array_equal(step.observation.obs[:, 1, 8:], np.eye(3))


def test_a_cut_channel_carries_nothing_and_changes_nothing_else():
    seeds = np.arange(6)
    heard = play(make("speaker-listener", 6), seeds, 24)

    silent = play(make("speaker-listener", 6, channel="cut"), seeds, 24)

    for (obs, state, *rest), (deaf, blank, *same) in zip(heard, silent, strict=True):
        assert obs[:, 1, 8:].any()
        assert not deaf[:, 1, 8:].any()
        assert not blank[:, 11:14].any()
        np.testing.assert_array_equal(np.delete(obs, [8, 9, 10], 2), np.delete(deaf, [8, 9, 10], 2))
        np.testing.assert_array_equal(state[:, :11], blank[:, :11])
        np.testing.assert_array_equal(rest[2], same[2])


def test_critics_see_the_goal_and_both_observations():
    env = make("speaker-listener", 8)
    seen = env.reset(np.arange(8))

    goal = env.snapshot()["whole"][:, 0]

    np.testing.assert_array_equal(seen.state[:, 14:], np.eye(3)[goal])
    np.testing.assert_array_equal(seen.state[:, :3], seen.obs[:, 0, :3])
    np.testing.assert_array_equal(seen.state[:, 3:14], seen.obs[:, 1])
    np.testing.assert_array_equal(seen.obs[:, 0, :3].argmax(1), goal)


def test_a_speaker_has_three_words_and_a_wish_for_a_fourth_is_counted():
    env = make("speaker-listener", 1)
    mask = env.reset(np.array([3])).mask.copy()

    step = env.step(one_each(env, [[4, 4]], continuous=False))

    np.testing.assert_array_equal(mask[0], [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(step.illegal[0], [1, 0])
    np.testing.assert_array_equal(step.observation.obs[0, 1, 8:], [1, 0, 0])


def test_agents_in_one_place_stay_finite():
    start = {"goal": [], "agents": [0.5] * 6, "landmarks": [0.0] * 6}
    env, _ = start_ours("spread", [start])

    step = env.step(one_each(env, [[1, 1, 1]], continuous=False))

    assert np.isfinite(step.observation.obs).all()
    np.testing.assert_allclose(step.reward[0, :, 0], 0.5 * -3 * 0.5**0.5 + 0.5 * -2)
