# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.errors import ConfigError
from flyball.core.spec import AgentKind, Feature, Objective, Spec, TanhGaussian
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.rows import Taken, inputs_of
from tests.learning.toys import Queue


def scores(net, x):
    with torch.inference_mode():
        return net.outputs(net.normalise(x)).scores


def seen(n_envs=6):
    env = Queue(n_envs)
    net = Net(env.spec, NetConfig(), seed=0)
    return net, inputs_of(env.reset(np.arange(n_envs)))


def test_scores_follow_their_options_when_these_change_places():
    net, x = seen(1)
    order = torch.randperm(len(x.features), generator=torch.Generator().manual_seed(0))

    plain, shuffled = scores(net, x), scores(net, x._replace(features=x.features[order]))

    torch.testing.assert_close(shuffled, plain[order], rtol=1e-4, atol=1e-6)


def test_a_score_depends_on_its_own_row_only():
    net, x = seen()
    other = x.features.clone()
    other[x.offset[3] : x.offset[4]] += 1.0

    before, after = scores(net, x), scores(net, x._replace(features=other))

    same = before == after
    assert same[: x.offset[3]].all()
    assert same[x.offset[4] :].all()
    assert not same[x.offset[3] : x.offset[4]].any()


def test_an_untrained_policy_is_nearly_indifferent():
    net, x = seen()

    log_prob, entropy = net.terms(
        net.normalise(x), Taken(torch.zeros(6, 1, dtype=torch.long), torch.zeros(6, 0))
    )

    count = torch.diff(x.offset).double()
    torch.testing.assert_close(entropy, count.log(), rtol=0, atol=1e-3)
    torch.testing.assert_close(log_prob, -count.log(), rtol=0, atol=0.1)


def test_one_seed_gives_one_network_and_leaves_the_global_generator_alone():
    spec = Queue(1).spec
    before = torch.get_rng_state()

    first, again, other = (Net(spec, NetConfig(), seed) for seed in (1, 1, 2))

    assert torch.equal(torch.get_rng_state(), before)
    for own, same in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(own, same)
    assert not torch.equal(first.actor.network.embed.weight, other.actor.network.embed.weight)


def test_the_critic_reads_the_privileged_state_where_there_is_one():
    spec = Queue(1).spec
    with_state = Spec(**{**vars(spec), "state": (Feature("truth", "-", 0, 1),)})
    net = Net(with_state, NetConfig(), seed=0)
    _, x = seen(2)
    x = x._replace(state=torch.tensor([[0.0], [3.0]]))

    value = net.value(net.normalise(x))
    blind = net.value(net.normalise(x._replace(features=x.features + 1)))

    assert value[0] != value[1]
    assert torch.equal(value, blind)


@pytest.mark.parametrize("deviation", ["free", "state"])
def test_a_continuous_head_starts_with_the_deviation_that_was_asked_for(deviation):
    gate = AgentKind(
        "gate", 1, (Feature("level", "m", 0, 9),), (TanhGaussian("open", "%", 0, 100),)
    )
    spec = Spec("weir", 1, (gate,), (Objective("late_h", "h", "min"),), ())
    config = NetConfig(deviation=deviation, log_std=-2.5, norm="none")

    out = Net(spec, config, seed=0).actor(torch.zeros(1, 1), torch.zeros(0, 0), torch.zeros(1))

    assert out.log_std.item() == -2.5
    assert out.mean.item() == 0.0


def test_a_width_of_zero_is_refused():
    with pytest.raises(ConfigError, match=r"net\.hidden: \(0, 4\); allowed: widths of at"):
        NetConfig(hidden=(0, 4))
