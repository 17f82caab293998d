# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make, particles
from flyball.worlds.classics.teamwork import MOST_AGENTS, PUSHES, approach, rules, shares, steer
from tests.worlds.classics.play import needs_compiler


def acted(env, wish):
    n_envs, n_agents, _ = wish.shape
    if env.scenario.params[particles.CONTINUOUS]:
        return Action(np.zeros((n_envs, n_agents, 0), np.int32), wish)
    return Action(wish.astype(np.int32), np.zeros((n_envs, n_agents, 0)))


def returns(name, rule, n_envs=60, **settings):
    """Return the return of one episode of each row under a rule."""
    env = make(name, n_envs, **settings)
    seen, memory = env.reset(np.arange(900, 900 + n_envs)), np.zeros((n_envs, 0))
    decide = rules(env.scenario)[rule]
    for _ in range(25):
        wish, memory = decide(seen, memory)
        step = env.step(acted(env, wish))
        assert not step.illegal.any()
        seen = step.observation
    return step.outcome[:, 0].copy()


def clearly_above(better, worse):
    """Return whether paired episodes differ by more than chance would, three standard errors."""
    gain = better - worse
    return gain.mean() > 3 * gain.std() / len(gain) ** 0.5


def beam(offset, velocity, n_steps, width=400):
    """Return nearly the least sum of squared distances over moves of one agent to a target."""
    spent = np.zeros(1)
    offset, velocity = offset[None], velocity[None]
    for _ in range(n_steps):
        after = offset - 0.1 * velocity
        speed = 0.75 * velocity[:, None] + 0.1 * PUSHES
        spent = np.repeat(spent + np.square(after).sum(1), 5)
        offset, velocity = np.repeat(after, 5, axis=0), speed.reshape(-1, 2)
        coming = [offset - seconds * velocity for seconds in (0.1, 0.175, 0.4)]
        hopeful = spent + sum(np.square(way).sum(1) for way in coming)
        keep = np.argsort(hopeful)[:width]
        offset, velocity, spent = offset[keep], velocity[keep], spent[keep]
    return spent.min()


def test_one_agent_approaches_as_well_as_a_search_over_whole_episodes():
    rng = np.random.default_rng(0)
    starts, found, searched = rng.uniform(-2, 2, (25, 2)), [], []

    for start in starts:
        offset, velocity, spent = start, np.zeros(2), 0.0
        for _ in range(25):
            move = approach(offset, velocity)
            offset = offset - 0.1 * velocity
            velocity = 0.75 * velocity + 0.1 * PUSHES[move]
            spent += np.square(offset).sum()
        found.append(spent)
        searched.append(beam(start, np.zeros(2), 25))

    assert np.mean(found) < 1.002 * np.mean(searched)


def test_pushes_of_any_strength_reach_a_near_target_in_two_steps():
    env = make("speaker-listener", 30, continuous=True)
    env.reset(np.arange(30))
    snapshot = env.snapshot()
    near = snapshot["real"][:, 2:4] + np.random.default_rng(1).uniform(-0.02, 0.02, (30, 2))
    snapshot["real"][:, 12:14] = near
    seen = env.restore(snapshot)

    for _ in range(2):
        value = np.zeros((30, 2, 5))
        value[:, 1] = steer(seen.obs[:, 1, 2:4].astype(float), seen.obs[:, 1, 0:2].astype(float))
        seen = env.step(Action(np.zeros((30, 2, 0), np.int32), value)).observation

    np.testing.assert_allclose(seen.obs[:, 1, 2:4], 0.0, atol=1e-6)


@pytest.mark.parametrize("continuous", [False, True])
def test_a_listener_that_is_told_the_goal_loses_half_of_what_a_deaf_one_loses(continuous):
    told = returns("speaker-listener", "guided", continuous=continuous)

    deaf = returns("speaker-listener", "guided", continuous=continuous, channel="cut")

    assert clearly_above(told, deaf)
    assert told.mean() > 0.6 * deaf.mean()


@pytest.mark.parametrize("continuous", [False, True])
def test_sharing_landmarks_out_beats_going_to_the_nearest(continuous):
    nearest = returns("spread", "nearest", continuous=continuous)

    shared = returns("spread", "shared out", continuous=continuous)

    assert clearly_above(shared, nearest)


@needs_compiler
def test_a_planner_that_counts_contacts_beats_sharing_out():
    shared = returns("spread", "shared out")

    planned = returns("spread", "planned")

    assert clearly_above(planned, shared)


def test_a_plan_for_a_row_does_not_depend_on_the_other_rows_nor_on_earlier_plans():
    env = make("spread", 6)
    seen = env.reset(np.arange(6))
    planner = rules(env.scenario)["planned"]
    together, _ = planner(seen, np.zeros((6, 0)))
    again, _ = planner(seen, np.zeros((6, 0)))

    alone = []
    for row in range(6):
        one = make("spread", 1)
        alone.append(planner(one.reset(np.array([row])), np.zeros((1, 0)))[0])

    np.testing.assert_array_equal(again, together)
    np.testing.assert_array_equal(np.concatenate(alone), together)


def test_few_agents_look_at_every_way_to_share_and_many_at_one():
    squared = np.random.default_rng(2).random((4, 7, 7))

    few, many = shares(3, squared[:, :3, :3]), shares(7, squared)

    assert few.shape == (6, 4, 3)
    assert len({tuple(way) for way in few[:, 0]}) == 6
    assert many.shape == (1, 4, 7)
    for row in range(4):
        assert sorted(many[0, row]) == list(range(7))
        agent, landmark = np.unravel_index(squared[row].argmin(), (7, 7))
        assert many[0, row, agent] == landmark


def test_rules_are_offered_where_they_apply():
    def names(name, **settings):
        return list(rules(make(name, 1, **settings).scenario))

    assert names("spread") == ["nearest", "shared out", "planned"]
    assert names("spread", continuous=True) == ["nearest", "shared out"]
    assert names("spread", n_agents=MOST_AGENTS + 1) == ["nearest", "shared out"]
    assert names("speaker-listener") == ["guided"]
    assert names("foraging") == ["together"]
