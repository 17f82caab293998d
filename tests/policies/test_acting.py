# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.spec import Categorical, TanhGaussian
from flyball.policies import Memory, load
from tests.policies.graphs import gaussian_graph, masked_graph, remembering_graph
from tests.policies.seen import (
    act,
    made,
    masked_spec,
    observation,
    options_spec,
    queue_folder,
    rows,
    team_spec,
)


@pytest.fixture
def folder(tmp_path):
    return queue_folder(tmp_path)


def test_the_greedy_choice_is_the_first_largest_score_of_each_row(folder):
    seen = observation([5, 1, 9])
    seen.options.features[2] = seen.options.features[4] = 50.0  # a tie in row 0

    choice, _ = act(load(folder, options_spec()), seen)

    scores, offset = seen.options.features.sum(1), seen.options.offset
    assert choice[0] == 2
    assert choice[1] == 0
    assert choice[2] == np.argmax(scores[offset[2] : offset[3]])


def test_a_row_without_options_gets_choice_zero_and_probability_one(folder):
    policy = load(folder)

    choice, log_prob = act(policy, observation([0, 3, 0]))
    nothing, _ = act(policy, observation([0, 0]))

    assert choice[[0, 2]].tolist() == [0, 0]
    assert log_prob[[0, 2]].tolist() == [0.0, 0.0]
    assert nothing.tolist() == [0, 0]


def test_what_a_row_gets_does_not_depend_on_the_batch_bit_for_bit(folder):
    counts = np.random.default_rng(5).integers(1, 30, 60)
    policy, whole = load(folder), observation(counts)
    scores = policy.scores(whole)
    choice, log_prob = act(policy, whole, key=(7, 3))

    for n in range(1, 60):
        part = observation(counts[:n])
        own, own_log_prob = act(policy, part, key=(7, 3))

        np.testing.assert_array_equal(policy.scores(part), scores[: part.options.offset[-1]])
        np.testing.assert_array_equal(own, choice[:n])
        np.testing.assert_array_equal(own_log_prob, log_prob[:n])


def test_sampled_frequencies_are_those_of_the_softmax(folder):
    seen = observation([4])
    policy = load(folder, temperature=5.0)
    draws = [act(policy, seen, key=(1, step)) for step in range(4000)]

    found = np.bincount([int(choice[0]) for choice, _ in draws], minlength=4)

    scores = policy.scores(seen).astype(np.float64) / 5.0
    p = np.exp(scores - scores.max())
    p /= p.sum()
    chi_square = ((found - 4000 * p) ** 2 / (4000 * p)).sum()
    assert chi_square < 16.3  # 0.999 quantile with three degrees of freedom
    stated = {int(choice[0]): float(log_prob[0]) for choice, log_prob in draws}
    for choice, log_prob in stated.items():
        assert log_prob == pytest.approx(np.log(p[choice]), abs=1e-5)


def test_masked_heads_never_choose_an_illegal_action(tmp_path):
    policy = made(tmp_path, masked_spec(), masked_graph(3))
    rng = np.random.default_rng(0)
    mask = rng.random((500, 1, 3)) < 0.4
    obs = rng.normal(size=(500, 1, 3)).astype(np.float32)
    seen = observation([0] * 500, mask=mask, obs=obs)

    choice, _ = act(policy, seen, key=(0, 0))

    some = mask[:, 0].any(-1)
    assert mask[np.arange(500), 0, choice][some].all()
    assert np.all(choice[~some] == 0)


def test_memory_lasts_through_an_episode_of_each_row_and_agent(tmp_path):
    spec = team_spec(3, Categorical("act", 2))
    policy = made(tmp_path, spec, remembering_graph(2), memory=Memory(2))
    obs = np.random.default_rng(0).normal(size=(4, 5, 3, 2))
    mask = np.ones((5, 3, 2), np.bool_)
    memory = policy.initial(5)

    for step in range(4):
        seen = rows(obs[step], mask)
        if step == 2:
            seen.start[:] = [True, False, False, True, False]
        _, _, memory = policy.act(seen, memory, (0, step))

    since = np.array([2, 0, 0, 2, 0])
    wanted = [obs[since[row] :, row].sum(0) for row in range(5)]
    np.testing.assert_allclose(memory.reshape(5, 3, 2), wanted, atol=1e-6)


def test_what_an_agent_did_last_is_remembered_as_it_was_done(tmp_path):
    spec = team_spec(3, Categorical("act", 2))
    policy = made(tmp_path, spec, remembering_graph(2), memory=Memory(2, 2))
    seen = rows(np.zeros((50, 3, 2)), np.ones((50, 3, 2), np.bool_))

    action, _, memory = policy.act(seen, policy.initial(50), (0, 0))

    assert memory.reshape(50, 3, 2).argmax(-1).tolist() == action.choice[..., 0].tolist()
    assert memory.reshape(50, 3, 2).sum(-1).tolist() == np.ones((50, 3)).tolist()


def test_values_are_the_means_in_native_units_and_sampled_ones_lie_within_the_bounds(tmp_path):
    valve, pump = TanhGaussian("valve", "%", 0, 100), TanhGaussian("pump", "kW", -1, 3)
    policy = made(tmp_path, team_spec(2, valve, pump), gaussian_graph(2, deviation=9.0))
    obs = np.random.default_rng(0).normal(size=(200, 2, 2))
    seen = rows(obs, np.zeros((200, 2, 0), np.bool_))

    greedy, _, _ = policy.act(seen, policy.initial(200), None)
    sampled, _, _ = policy.act(seen, policy.initial(200), (0, 0))

    share = 0.5 * (np.tanh(obs) + 1)
    np.testing.assert_allclose(greedy.value, [0, -1] + share * [100, 4], atol=1e-3)
    assert np.all((sampled.value >= [0, -1]) & (sampled.value <= [100, 3]))
    assert np.ptp(sampled.value[..., 0]) > 99.9
    assert greedy.choice.shape == (200, 2, 0)


def test_a_straying_policy_draws_values_further_from_the_mean_and_shares_the_graph(tmp_path):
    pumps = (TanhGaussian("pump", "kW", -1, 1), TanhGaussian("fan", "kW", -1, 1))
    policy = made(tmp_path, team_spec(1, *pumps), gaussian_graph(2, 0.01))
    seen = rows(np.zeros((2000, 1, 2)), np.zeros((2000, 1, 0), np.bool_))

    near, _, _ = policy.act(seen, policy.initial(2000), (0, 0))
    far, _, _ = policy.straying(5.0).act(seen, policy.initial(2000), (0, 0))

    assert np.std(near.value) == pytest.approx(0.01, rel=0.1)
    np.testing.assert_allclose(np.arctanh(far.value), 5.0 * np.arctanh(near.value), rtol=1e-4)


def test_values_do_not_depend_on_the_batch_bit_for_bit(tmp_path):
    valve, pump = TanhGaussian("valve", "%", 0, 100), TanhGaussian("pump", "kW", -1, 3)
    policy = made(tmp_path, team_spec(2, valve, pump), gaussian_graph(2, deviation=1.0))
    obs = np.random.default_rng(0).normal(size=(40, 2, 2))
    mask = np.zeros((40, 2, 0), np.bool_)
    whole, log_prob, _ = policy.act(rows(obs, mask), policy.initial(40), (3, 1))

    for n in range(1, 40):
        part, own, _ = policy.act(rows(obs[:n], mask[:n]), policy.initial(n), (3, 1))

        np.testing.assert_array_equal(part.value, whole.value[:n])
        np.testing.assert_array_equal(own, log_prob[:n])
