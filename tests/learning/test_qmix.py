# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError, InvariantError
from flyball.learning.acting.greedy import spec_seen
from flyball.learning.experience.packed import pack
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.qmix import QMIX, QMIXConfig
from flyball.worlds import classics
from tests.learning.squad import LIMIT, N_AGENTS, Squad, mean_return
from tests.learning.toys import Queue

QUICK = {
    "n_steps": 8,
    "updates": 8,
    "batch": 64,
    "rate": 5e-3,
    "target_every": 10,
    "epsilon_end": 1.0,
    "norm_updates": 0,
}
SMALL = NetConfig(hidden=(32,), norm="none", activation="relu")


def run_of(env, net=SMALL, seed=0, **settings):
    config = QMIXConfig(seed=seed, **settings)
    spec = spec_seen(env.spec, last_action=config.last_action)
    return QMIX(env, Net(spec, net, seed), config)


def trained(name, n_iterations=20, seed=0, mixer="qmix", **settings):
    algorithm = run_of(classics.make(name, 32, **settings), seed=seed, mixer=mixer, **QUICK)
    for iteration in range(n_iterations):
        algorithm.iterate(iteration, 0.0)
    return algorithm


@pytest.mark.parametrize("seed", range(10))
def test_qmix_gets_8_in_the_two_step_game(seed):
    algorithm = trained("two-step", seed=seed)

    found = mean_return(classics.make("two-step", 1), algorithm.policy, np.zeros(1, np.int64))

    assert found == 8.0


@pytest.mark.parametrize("mixer", ["vdn", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_without_the_mixing_network_agents_settle_for_7_in_the_two_step_game(mixer, seed):
    # The best sum of two tables leaves the risky one at 6.5; nothing more is known of `none`.
    algorithm = trained("two-step", seed=seed, mixer=mixer)

    found = mean_return(classics.make("two-step", 1), algorithm.policy, np.zeros(1, np.int64))

    assert found == 7.0


@pytest.mark.parametrize("mixer", ["qmix", "vdn"])
def test_agents_find_the_10_of_a_monotone_game(mixer):
    algorithm = trained("matrix", mixer=mixer, game="monotone")

    found = mean_return(classics.make("matrix", 1, game="monotone"), algorithm.policy, np.zeros(1))

    assert found == 10.0


def values_by_hand(algorithm, policy_net, batch, episode):
    """Return (L + 1, N, A) values of one padded episode, step by step as acting has them."""
    policy, net, length = algorithm.policy, algorithm.net, int(batch.filled[:, episode].sum())
    last = torch.zeros(1, N_AGENTS, policy.n_last)
    memory = torch.zeros(N_AGENTS, net.n_memory)
    found = []
    for t in range(length + 1):
        x = policy.rows(batch.obs[t, episode][None], last)
        if policy_net.cell is not None:
            x, memory = policy_net.cell(x, memory)
        found.append(policy_net(x, x[:0], x[:0]).scores)
        if policy.n_last and t < length:
            last = torch.nn.functional.one_hot(batch.choice[t, episode, :, 0], 3)[None].float()
    return torch.stack(found)


def errors_by_hand(algorithm, batch, episode):
    """Return value and target (L, C) of one padded episode, one number at a time."""
    config, net = algorithm.config, algorithm.net
    online = values_by_hand(algorithm, net.actor, batch, episode)
    target = values_by_hand(algorithm, algorithm.target, batch, episode)
    value, expected = [], []
    for t in range(int(batch.filled[:, episode].sum())):
        alive, after = batch.alive[t, episode], batch.alive[t + 1, episode]
        terminated, truncated = batch.terminated[t, episode], batch.truncated[t, episode]
        if truncated and not after.any():
            after = alive
        chosen, ahead = torch.zeros(N_AGENTS), torch.zeros(N_AGENTS)
        for n in range(N_AGENTS):
            if alive[n]:
                chosen[n] = online[t, n, batch.choice[t, episode, n, 0]]
            legal = [a for a in range(3) if batch.mask[t + 1, episode, n, a]]
            if alive[n] and after[n] and legal and not terminated:
                ahead[n] = target[t + 1, n, max(legal, key=lambda a: online[t + 1, n, a])]
        state, following = algorithm.net.state_norm(batch.state[t : t + 2, episode])
        value.append(algorithm.mixer(chosen[None], state[None])[0])
        reward = batch.reward[t, episode]
        goes_on = (alive & after & ~terminated).float()
        if config.mixer != "none":
            reward, goes_on = reward.mean(-1, keepdim=True), goes_on.amax(-1, keepdim=True)
        mixed = algorithm.target_mixer(ahead[None], following[None])[0]
        expected.append(reward / algorithm.moments.scale + config.gamma * goes_on * mixed)
    return torch.stack(value), torch.stack(expected)


@pytest.mark.parametrize("last_action", [False, True])
@pytest.mark.parametrize("cell", ["none", "lstm"])
@pytest.mark.parametrize(("mixer", "reward"), [("qmix", "team"), ("vdn", "team"), ("none", "own")])
def test_targets_are_those_of_plain_loops_over_each_episode(mixer, reward, cell, last_action):
    net = NetConfig(hidden=(16,), cell=cell, cell_size=8, norm="standard")
    settings = {"mixer": mixer, "reward": reward, "last_action": last_action}
    algorithm = run_of(Squad(5), net, max_steps=LIMIT, target_every=3, **settings)
    for iteration in range(3):
        algorithm.iterate(iteration, 0.0)
    with torch.no_grad():  # far from the start, where all values are alike
        algorithm.net.actor.last.weight.mul_(30.0)
    batch = algorithm.episodes.sample(np.array([3, 0, 8, 5]))
    packed = pack(batch)

    with torch.no_grad():
        value, target, counted = algorithm.errors(packed)
        by_hand = [errors_by_hand(algorithm, batch, episode) for episode in range(4)]

    steps = batch.filled.sum(0)
    order = torch.argsort(-steps, stable=True)
    at = [0] * 4
    numbers = [i for n in packed.columns[1:] for i in range(n)]
    assert len(numbers) == len(value) == int(steps.sum())
    for p, column in enumerate(numbers):
        own, expected = by_hand[order[column]]
        t = at[column]
        at[column] += 1
        alive = batch.alive[t, order[column]]
        assert torch.equal(counted[p], alive if mixer == "none" else alive.any()[None])
        keep = counted[p]
        torch.testing.assert_close(value[p][keep], own[t][keep], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(target[p][keep], expected[t][keep], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mixer", ["qmix", "vdn", "none"])
def test_an_endless_reward_of_one_is_worth_10_though_episodes_are_truncated_at_5(mixer):
    algorithm = run_of(
        classics.make("constant", 16, steps=5),
        mixer=mixer,
        **QUICK | {"n_steps": 5, "gamma": 0.9, "target_every": 2, "rate": 1e-2},
    )

    for iteration in range(40):
        algorithm.iterate(iteration, 0.0)

    # As if it terminated the value would be about 2.7 on average.
    with torch.no_grad():
        value, _, _ = algorithm.errors(pack(algorithm.episodes.sample(np.arange(8))))
    np.testing.assert_allclose(value, 10.0, atol=0.5)


VARIANTS = [
    {"mixer": "qmix", "last_action": True, "cell": "lstm"},
    {"mixer": "qmix", "last_action": False, "cell": "none", "rewards": "standardised"},
    {"mixer": "vdn", "last_action": False, "cell": "slstm", "tau": 0.01, "target_every": 1},
    {"mixer": "none", "last_action": True, "cell": "none", "reward": "own", "lam": 0.5},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=[str(k) for k in range(len(VARIANTS))])
def test_going_on_from_a_state_changes_nothing(variant):
    settings = {name: value for name, value in variant.items() if name != "cell"}
    settings |= {"max_steps": LIMIT, "n_steps": 5, "batch": 4, "learning_starts": 4, "updates": 2}

    def make():
        return run_of(Squad(3), NetConfig(cell=variant["cell"], cell_size=8), **settings)

    whole, first, second = make(), make(), make()
    for iteration in range(9):
        whole.iterate(iteration, 0.0)
    for iteration in range(6):
        first.iterate(iteration, 0.0)

    second.restore(first.state())
    figures = [second.iterate(iteration, 0.0) for iteration in range(6, 9)]

    expected, found = whole.state(), second.state()
    assert figures[-1]["loss"] > 0.0
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_feature_normalisers_stand_still_after_their_updates():
    algorithm = run_of(Squad(3), NetConfig(), max_steps=LIMIT, learning_starts=1, norm_updates=3)

    for iteration in range(3):
        algorithm.iterate(iteration, 0.0)
    before = algorithm.net.obs_norm.mean.clone()
    algorithm.iterate(3, 0.0)

    assert before.abs().sum() > 0
    assert algorithm.updates > 3
    assert torch.equal(algorithm.net.obs_norm.mean, before)


def test_epsilon_falls_with_the_steps_of_the_world():
    algorithm = run_of(Squad(4), max_steps=LIMIT, n_steps=10, epsilon_steps=80, epsilon_end=0.2)

    seen = [algorithm.iterate(iteration, 0.0)["epsilon"] for iteration in range(4)]

    assert seen == pytest.approx([1.0 - 0.8 * 36 / 80, 1.0 - 0.8 * 76 / 80, 0.2, 0.2])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixer": "qtran"}, r"qmix\.mixer: 'qtran'; allowed: qmix, vdn, none"),
        ({"reward": "own"}, r"qmix\.reward: 'own'; allowed: team, or own without a mixer"),
        ({"rewards": "clipped"}, r"qmix\.rewards: 'clipped'; allowed: native, scaled"),
        ({"tau": 0.0}, r"qmix\.tau: 0\.0; allowed: in \(0, 1\]"),
        ({"lam": 1.5}, r"qmix\.lam: 1\.5; allowed: in \[0, 1\]"),
        ({"learning_starts": 9, "capacity": 8}, r"qmix\.learning_starts: 9; .* capacity, 8"),
        ({"batch": 0}, r"qmix\.batch: 0; allowed: at least 1"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_range(settings, message):
    with pytest.raises(ConfigError, match=message):
        QMIXConfig(**settings)


def test_other_heads_are_refused_with_what_is_allowed():
    options = NetConfig(hidden=(8, 8))
    for env in (Queue(2), Squad(2, n_values=1), classics.make("masked-multi", 2)):
        with pytest.raises(ConfigError, match=r"allowed: one Categorical head an agent"):
            run_of(env, options)


def test_a_network_made_for_another_spec_is_our_fault():
    env = Squad(2)

    with pytest.raises(InvariantError, match="spec_seen"):
        QMIX(env, Net(env.spec, SMALL, 0), QMIXConfig(last_action=True))
