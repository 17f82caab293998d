# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError
from flyball.learning.maddpg import MADDPG, MADDPGConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.worlds import classics
from tests.learning.squad import N_AGENTS, Squad, mean_return
from tests.learning.toys import Queue

SMALL = NetConfig(hidden=(16,), critic_hidden=(16,), activation="relu", norm="standard")
SHORT = {"n_steps": 8, "updates": 2, "minibatch": 16, "learning_starts": 30}


def run_of(env, net=SMALL, seed=0, **settings):
    config = MADDPGConfig(seed=seed, **SHORT | settings)
    return MADDPG(env, Net(env.spec, net, seed), config)


def started(env, n_iterations=6, **settings):
    algorithm = run_of(env, **settings)
    for iteration in range(n_iterations):
        algorithm.iterate(iteration, 0.0)
    assert algorithm.updates > 0
    return algorithm


def loss_of(algorithm, weight):
    """Return the actors' loss of some transitions, with a weight (P, N) for each agent's value."""
    batch = algorithm.replay.sample(np.arange(40))
    seen = algorithm.seen(batch.obs, batch.state)
    taken = algorithm.joint.taken(batch.choice, batch.value)
    return algorithm.actor_loss(seen, batch.mask, taken, weight.expand(40, -1))


@pytest.mark.parametrize("others", ["replayed", "current"])
@pytest.mark.parametrize("n_values", [0, 2])
def test_no_gradient_reaches_another_agents_policy(others, n_values):
    algorithm = started(Squad(4, n_values=n_values), share=False, others=others)

    for agent in range(N_AGENTS):
        algorithm.net.actor.zero_grad()
        loss_of(algorithm, torch.eye(N_AGENTS)[agent]).backward()
        for weight in algorithm.net.actor.layers.parameters():
            slopes = weight.grad.flatten(1).abs().sum(1)
            assert slopes[agent] > 0.0
            assert slopes.sum() == slopes[agent]


def test_an_actor_climbs_its_own_critic_alone():
    algorithm = started(Squad(4), share=False, penalty=0.0)
    before = loss_of(algorithm, torch.eye(N_AGENTS)[1]).item()

    with torch.no_grad():
        algorithm.critics.layers.biases[-1][1] += 5.0
        algorithm.critics.layers.biases[-1][2] += 70.0

    assert loss_of(algorithm, torch.eye(N_AGENTS)[1]).item() == pytest.approx(before - 40 * 5.0)


def test_the_actors_loss_leaves_the_critics_without_a_gradient_and_ready_for_theirs():
    algorithm = started(Squad(4))
    algorithm.critic_adam.flat.gradient.zero_()

    algorithm.actor_adam.descend(loss_of(algorithm, torch.ones(N_AGENTS)))

    assert not algorithm.critic_adam.flat.gradient.any()
    assert all(weight.requires_grad for weight in algorithm.critics.parameters())


@pytest.mark.parametrize("n_values", [0, 1])
@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize(("reward", "n_state"), [("own", 2), ("team", 0)])
def test_targets_are_those_of_plain_loops_over_each_transition(share, reward, n_state, n_values):
    env = Squad(4, n_state=n_state, n_values=n_values)
    algorithm = started(env, share=share, reward=reward, norm_updates=2)
    net, target = algorithm.net, algorithm.target
    batch = algorithm.replay.sample(np.arange(40))

    with torch.no_grad():
        found = algorithm.targets(
            batch, algorithm.seen(batch.next_obs, batch.next_state), algorithm.utility(batch)
        )

        for p in range(40):
            obs, index = net.obs_norm(batch.next_obs[p]), torch.eye(N_AGENTS)
            x = torch.cat((obs, index), -1)
            out = target(x, x[:0], x[:0])
            actions = []
            for n in range(N_AGENTS):
                legal = [a for a in range(3) if batch.next_mask[p, n, a]]
                best = max(legal, key=lambda a: out.scores[n, a]) if legal else 0
                one_hot = [float(a == best) for a in range(3)]
                actions += one_hot + [math.tanh(v) for v in out.mean[n]]
            central = net.state_norm(batch.next_state[p]) if n_state else obs.flatten()
            for n in range(N_AGENTS):
                seen = torch.cat((central, index[n], torch.tensor(actions)))
                layers = algorithm.target_critics.layers
                k = 0 if share else n
                for depth, weight in enumerate(layers.weights):
                    seen = seen @ weight[k] + layers.biases[depth][k, 0]
                    seen = torch.relu(seen) if depth == 0 else seen
                own = batch.reward[p].mean() if reward == "team" else batch.reward[p, n]
                expected = own / algorithm.moments.scale + batch.discount[p, n] * seen[0]
                torch.testing.assert_close(found[p, n], expected, rtol=1e-4, atol=1e-5)


def test_agents_that_did_not_act_enter_no_mean():
    algorithm = started(Squad(4))
    batch = algorithm.replay.sample(np.arange(40))
    assert not batch.alive.all()
    dead = ~batch.alive

    losses = []
    for nonsense in (0.0, 1e6):
        fresh = started(Squad(4))
        batch = fresh.replay.sample(np.arange(40))
        batch.reward[dead] = nonsense
        fresh.moments.unit = "native"
        losses.append(fresh.update(batch)[0])

    assert torch.equal(losses[0], losses[1])


@pytest.mark.parametrize("continuous", [False, True])
def test_an_endless_reward_of_one_is_worth_10_though_episodes_are_truncated_at_5(continuous):
    env = classics.make("constant", 16, steps=5, continuous=continuous)
    algorithm = run_of(
        env, gamma=0.9, critic_rate=1e-2, tau=0.2, n_steps=5, updates=10, minibatch=64
    )

    for iteration in range(40):
        algorithm.iterate(iteration, 0.0)

    # As if it terminated the value would be about 2.7 on average.
    with torch.no_grad():
        batch = algorithm.replay.sample(np.arange(8))
        taken = algorithm.joint.taken(batch.choice, batch.value)
        seen = algorithm.seen(batch.obs, batch.state)
        value = algorithm.critics(seen.central, algorithm.joint.seen(taken))
    np.testing.assert_allclose(value, 10.0, atol=0.5)


@pytest.mark.parametrize("share", [True, False])
def test_agents_agree_on_the_safe_cell_of_the_penalty_game_or_on_the_best(share):
    game = {"game": "penalty", "penalty": 25.0}
    settings = {"n_steps": 25, "updates": 8, "minibatch": 128, "learning_starts": 1600}
    rates = {"actor_rate": 5e-3, "critic_rate": 5e-3, "gamma": 0.5}
    algorithm = run_of(classics.make("matrix", 16, **game), share=share, **settings, **rates)

    for iteration in range(20):
        algorithm.iterate(iteration, 0.0)

    found = mean_return(classics.make("matrix", 1, **game), algorithm.policy, np.zeros(1, int))
    assert found in (50.0, 250.0)


VARIANTS = [
    {"n_values": 0, "share": True},
    {"n_values": 2, "share": False, "others": "current", "reward": "team"},
    {"n_values": 1, "share": True, "critic": "own", "rewards": "standardised", "n_step": 3},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=[str(k) for k in range(len(VARIANTS))])
def test_going_on_from_a_state_changes_nothing(variant):
    settings = {name: value for name, value in variant.items() if name != "n_values"}

    def make():
        return run_of(Squad(3, n_values=variant["n_values"]), **settings)

    whole, first, second = make(), make(), make()
    for iteration in range(8):
        whole.iterate(iteration, 0.0)
    for iteration in range(5):
        first.iterate(iteration, 0.0)

    second.restore(first.state())
    figures = [second.iterate(iteration, 0.0) for iteration in range(5, 8)]

    expected, found = whole.state(), second.state()
    assert figures[-1]["critic_loss"] > 0.0
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_no_played_action_is_illegal_and_values_stay_within_their_ranges():
    algorithm = started(Squad(6, n_values=2), n_iterations=10)

    batch = algorithm.replay.sample(np.arange(algorithm.replay.size))

    legal = batch.mask.gather(-1, batch.choice)[..., 0]
    assert legal[batch.alive].all()
    assert batch.value.min() >= -2.0
    assert batch.value.max() <= 6.0


def test_an_independent_learner_knows_only_its_own():
    algorithm = started(Squad(4), critic="own")
    batch = algorithm.replay.sample(np.arange(20))
    taken = algorithm.joint.taken(batch.choice, batch.value)

    def values():
        seen = algorithm.seen(batch.obs, batch.state)
        return algorithm.critics(seen.central, algorithm.joint.seen(taken))

    before = values()
    batch.obs[:, 1:] += 1.0
    batch.state[:] += 1.0
    taken[:, 1:] = 1.0 - taken[:, 1:]

    assert torch.equal(values()[:, 0], before[:, 0])
    assert not torch.equal(values()[:, 1], before[:, 1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reward": "sum"}, r"maddpg\.reward: 'sum'; allowed: own, team"),
        ({"others": "none"}, r"maddpg\.others: 'none'; allowed: replayed, current"),
        ({"rewards": "clipped"}, r"maddpg\.rewards: 'clipped'; allowed: native"),
        ({"gamma": 1.1}, r"maddpg\.gamma: 1\.1; allowed: in \[0, 1\]"),
        ({"tau": 2.0}, r"maddpg\.tau: 2\.0; allowed: in \(0, 1\]"),
        ({"penalty": -1.0}, r"maddpg\.penalty: -1\.0; allowed: at least 0"),
        ({"noise": 0.0}, r"maddpg\.noise: 0\.0; allowed: above 0"),
        ({"updates": 0}, r"maddpg\.updates: 0; allowed: at least 1"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_range(settings, message):
    with pytest.raises(ConfigError, match=message):
        MADDPGConfig(**settings)


@pytest.mark.parametrize(
    ("env", "net"),
    [
        (Queue(2), NetConfig(hidden=(8, 8))),
        (Squad(2), NetConfig(cell="lstm")),
        (Squad(2, n_values=1), NetConfig(deviation="state")),
    ],
)
def test_options_memory_and_stochastic_policies_are_refused(env, net):
    with pytest.raises(ConfigError, match="allowed: Categorical and TanhGaussian heads"):
        run_of(env, net)
