# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.batch import Action
from flyball.worlds.classics import make
from tests.worlds.classics.play import needs_compiler, same_as_twin, wished
from tests.worlds.classics.reference import Bandit, Constant, Counter, Masked, Matrix, TwoStep

CONTEXTS = ((0.9, 0.1), (0.2, 0.3), (0.0, 1.0))


@pytest.mark.parametrize("pays", ["fixed", "bernoulli", "normal"])
def test_the_contextual_bandit_agrees_with_its_plain_twin(pays):
    ends = same_as_twin(
        lambda: Bandit(CONTEXTS, pays=pays, noise=0.5),
        [2],
        "bandit",
        means=CONTEXTS,
        pays=pays,
        noise=0.5,
    )

    assert ends == 3 * 400


def test_the_plain_bandit_agrees_with_its_plain_twin():
    same_as_twin(lambda: Bandit([(0.1, 0.5, 0.9)]), [3], "bandit")


@pytest.mark.parametrize(("pays", "spread"), [("bernoulli", 0.4), ("normal", 2.0)])
def test_an_arm_pays_its_mean_with_the_right_spread(pays, spread):
    env = make("bandit", 10_000, means=(0.2, 0.9), pays=pays, noise=2.0)
    env.reset(np.arange(10_000))

    step = env.step(Action(np.zeros((10_000, 1, 1), np.int32), np.zeros((10_000, 1, 0))))

    assert abs(step.reward.mean() - 0.2) < 4 * spread / 100
    assert abs(step.reward.std() - spread) < 0.05 * spread


def test_two_step_agrees_with_its_plain_twin():
    ends = same_as_twin(TwoStep, [2], "two-step")

    assert ends == 3 * 200


CLIMBING = ((11, -30, 0), (-30, 7, 0), (0, 6, 5))


@pytest.mark.parametrize(
    ("settings", "table", "one_shot"),
    [
        ({}, CLIMBING, False),
        ({"game": "climbing", "steps": 1}, CLIMBING, True),
        ({"game": "penalty", "penalty": 25}, ((-25, 0, 10), (0, 2, 0), (10, 0, -25)), False),
        ({"game": "monotone"}, ((0, 0), (0, 10)), True),
        ({"payoff": ((1, 2, 3), (4, 5, 6))}, ((1, 2, 3), (4, 5, 6)), True),
    ],
)
def test_matrix_games_agree_with_their_plain_twin(settings, table, one_shot):
    width = max(len(table), len(table[0]))

    ends = same_as_twin(lambda: Matrix(table, one_shot=one_shot), [width], "matrix", **settings)

    assert ends == 3 * (400 if one_shot else 400 // 25)


def test_forbidden_actions_agree_with_their_plain_twin():
    ends = same_as_twin(lambda: Masked((12,), 9), [12], "masked", actions=12, forbidden=9, steps=30)

    assert ends == 3 * 13


@pytest.mark.parametrize(("actions", "forbidden"), [((3, 5, 2), 6), ((1, 4), 0), ((4, 4), 6)])
def test_forbidden_actions_of_several_heads_agree_with_their_plain_twin(actions, forbidden):
    same_as_twin(
        lambda: Masked(actions, forbidden),
        list(actions),
        "masked-multi",
        n_steps=150,
        actions=actions,
        forbidden=forbidden,
    )


def test_every_set_of_forbidden_actions_is_as_likely_and_never_has_the_target():
    env = make("masked", 6000, actions=4, forbidden=2)

    seen = env.reset(np.arange(6000))

    target = seen.obs[:, 0].argmax(1)
    assert (seen.mask[:, 0].sum(1) == 2).all()
    assert seen.mask[np.arange(6000), 0, target].all()
    other = np.array([np.flatnonzero(m) for m in seen.mask[:, 0]])
    partner = np.where(other[:, 0] == target, other[:, 1], other[:, 0])
    counts = np.bincount(4 * target + partner, minlength=16).reshape(4, 4)
    assert np.diag(counts).sum() == 0
    np.testing.assert_allclose(counts[~np.eye(4, dtype=bool)] / 6000, 1 / 12, atol=0.016)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("masked", {"actions": 20, "forbidden": 11}),
        ("masked-multi", {"actions": (3, 4, 5), "forbidden": 7}),
    ],
)
def test_forbidden_actions_are_those_of_sb3_contrib(name, settings):
    module = pytest.importorskip("sb3_contrib.common.envs", reason="sb3-contrib is not installed")
    dims = settings["actions"]
    if name == "masked":
        theirs = module.InvalidActionEnvDiscrete(dim=dims, n_invalid_actions=11)
    else:
        theirs = module.InvalidActionEnvMultiDiscrete(dims=list(dims), n_invalid_actions=7)
    sizes = np.atleast_1d(dims)
    env = make(name, 1, **settings)
    seen = env.reset(np.zeros(1, np.int64))
    rng = np.random.default_rng(0)
    for t in range(1, 121):
        starts = np.cumsum(sizes) - sizes
        parts = np.split(seen.obs[0, 0], starts[1:])
        target = np.array([part.argmax() for part in parts])
        theirs.state = int(target[0]) if name == "masked" else target
        theirs.invalid_actions = np.flatnonzero(~seen.mask[0, 0]).tolist()
        assert theirs.action_masks() == seen.mask[0, 0].tolist()
        assert len(theirs.invalid_actions) == settings["forbidden"]
        choice = [
            rng.choice(np.flatnonzero(seen.mask[0, 0, s : s + n]))
            for s, n in zip(starts, sizes, strict=True)
        ]
        if t % 2:
            choice = target.tolist()
        want = theirs.step(int(choice[0]) if name == "masked" else np.array(choice))

        step = env.step(Action(np.array(choice, np.int32).reshape(1, 1, -1), np.zeros((1, 1, 0))))

        assert step.reward[0, 0, 0] == want[1]
        assert (step.terminated[0], step.truncated[0]) == (want[2], want[3])
        if want[3]:
            theirs.reset()
        seen = step.observation


def test_the_counter_agrees_with_its_plain_twin():
    ends = same_as_twin(lambda: Counter(6), [2], "counter", mean_steps=6)

    assert ends > 3 * 40


@needs_compiler
def test_the_counter_has_the_mean_and_spread_that_it_promises():
    env = make("counter", 500, mean_steps=10)
    env.reset(np.arange(500))
    rng = np.random.default_rng(0)
    noise, lengths = [], []
    for _ in range(60):
        step = env.step(wished(env, rng))
        noise.append(step.observation.obs[:, 0, 1].copy())
        lengths += step.outcome[step.terminated, 1].tolist()

    assert abs(np.mean(noise) - 5) < 4 * 3 / np.sqrt(30_000)
    assert abs(np.std(noise) - 3) < 0.05
    assert set(lengths) == set(range(1, 20))


def test_the_constant_world_agrees_with_its_plain_twin():
    ends = same_as_twin(Constant, [2], "constant", steps=7)

    assert ends == 3 * (400 // 7)


def test_the_constant_world_is_truncated_never_terminated():
    env = make("constant", 1, steps=2, continuous=True)
    env.reset(np.zeros(1, np.int64))
    action = Action(np.zeros((1, 1, 0), np.int32), np.zeros((1, 1, 1)))

    ends = [(bool(s.terminated[0]), bool(s.truncated[0])) for s in (env.step(action),)]
    ends += [(bool(s.terminated[0]), bool(s.truncated[0])) for s in (env.step(action),)]

    assert ends == [(False, False), (False, True)]
