# SPDX-License-Identifier: MIT
import math

import numpy as np
import pytest
import torch

from flyball.learning.acting.noise import normals
from flyball.learning.experience.minibatch import Minibatch
from flyball.learning.nets.dists import tanh_gaussian
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.twin import Twin
from flyball.learning.soft import NEXT_STREAM, OWN_STREAM, Choices, Update, Values, legal_of
from tests.learning.nets.test_passes import plain
from tests.learning.steady import PUMP, VALVE, Steady, arms

KEY = (0, 0)


def drawn(mean, std, rows):
    """Actions of one dim and their log-probability, of a world with one valve."""
    shape = (rows, 1)
    means = torch.full(shape, mean, dtype=torch.float64)
    values = Values(actor_of(VALVE), None, None)
    return values.draw(means, torch.full_like(means, math.log(std)), KEY, 1)


def minibatch(rows=6, width=2, mask=None, choice=None):
    draws = torch.Generator().manual_seed(0)

    def some(*shape):
        return torch.randn(*shape, generator=draws)

    mask = torch.zeros(rows, 0, dtype=torch.bool) if mask is None else torch.tensor(mask)
    rows = len(mask)
    return Minibatch(
        own=some(rows, 2),
        seen=some(rows, 2),
        mask=mask,
        choice=torch.zeros(rows, 1, dtype=torch.long) if choice is None else choice,
        value=some(rows, width).tanh(),
        reward=some(rows),
        discount=torch.full((rows,), 0.9),
        weight=torch.arange(1.0, rows + 1) / sum(range(1, rows + 1)),
        next_own=some(rows, 2),
        next_seen=some(rows, 2),
        next_mask=mask.flip(0),
    )


def actor_of(*heads, **settings):
    config = {"hidden": (8,), "deviation": "state", "norm": "none"} | settings
    actor = Net(Steady(1, heads).spec, NetConfig(**config), seed=0).actor
    with torch.no_grad():
        actor.last.weight.mul_(100.0)  # far from indifferent
    return actor


def twin(n_in, n_out, seed=1):
    return Twin((n_in, 8, 8, n_out), "tanh", torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("mean", [-8.0, 8.0])
def test_the_log_probability_is_exact_where_the_tanh_is_saturated(mean):
    centre = drawn(0.0, 0.01, 64)

    log_prob = drawn(mean, 0.01, 64).log_prob

    # Change of variables by hand: p(a) = p(u) / (da/du), and da/du = 1 / cosh(u)^2.
    u = centre.spread[:, 0].numpy()
    normal = -0.5 * (u / 0.01) ** 2 - math.log(0.01 * math.sqrt(2 * math.pi))
    exact = normal + 2 * np.log(np.cosh(u + mean))
    np.testing.assert_allclose(log_prob, exact, rtol=1e-6)
    popular = normal - np.log(1 - np.tanh(u + mean) ** 2 + 1e-6)
    assert np.abs(popular - exact).min() > 1.0


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (1.5, 0.7), (-0.5, 2.0)])
def test_the_density_of_actions_integrates_to_one(mean, std):
    action, log_prob, _ = drawn(mean, std, 200_000)

    order = action[:, 0].argsort()
    density = log_prob.exp()[order].numpy()
    assert np.trapezoid(density, action[order, 0].numpy()) == pytest.approx(1.0, abs=2e-3)


def graph_of_draw(actor, own, stream):
    """Fresh actions and their log-probability as autograd sees them."""
    out = actor(own, own[:0], own[:0])
    noise = torch.from_numpy(normals(*KEY, *out.mean.shape, stream))
    latent = out.mean + out.log_std.exp() * noise
    density, _ = tanh_gaussian(out.mean, out.log_std, latent)
    return torch.tanh(latent), density.sum(-1)


@pytest.mark.parametrize("settings", [{}, {"deviation": "free"}, {"activation": "relu"}])
def test_the_slope_of_the_actor_is_the_one_that_a_whole_graph_gives(settings):
    actor, critics, batch = actor_of(VALVE, PUMP, **settings), twin(4, 1), minibatch()
    now, values = Update(batch, torch.tensor(0.3), KEY), Values(actor, None, None)

    climb = values.climb(critics, now)

    found = [parameter.grad.clone() for parameter in actor.parameters()]
    actor.zero_grad()
    action, log_prob = graph_of_draw(actor, batch.own, OWN_STREAM)
    x = torch.cat((batch.seen, action), -1)
    least = torch.minimum(plain(critics, 0)(x), plain(critics, 1)(x))[:, 0]
    ((0.3 * log_prob - least) * batch.weight).sum().backward()
    for own, parameter in zip(found, actor.parameters(), strict=True):
        torch.testing.assert_close(own, parameter.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(climb.entropy, -log_prob.detach())
    torch.testing.assert_close(climb.value, least.detach())


def test_a_deviation_at_its_bound_has_no_slope():
    actor, critics, batch = actor_of(VALVE, PUMP), twin(4, 1), minibatch()
    with torch.no_grad():
        actor.last.bias[2:] = torch.tensor([5.0, -1.0])

    Values(actor, None, None).climb(critics, Update(batch, torch.tensor(0.3), KEY))

    assert actor.last.bias.grad[2] == 0
    assert actor.last.bias.grad[3] != 0


def test_what_follows_is_worth_the_smaller_estimate_and_the_entropy():
    actor, target, batch = actor_of(VALVE, PUMP), twin(4, 1), minibatch()

    ahead = Values(actor, None, None).ahead(target, Update(batch, torch.tensor(0.3), KEY))

    action, log_prob = graph_of_draw(actor, batch.next_own, NEXT_STREAM)
    x = torch.cat((batch.next_seen, action), -1)
    least = torch.minimum(plain(target, 0)(x), plain(target, 1)(x))[:, 0]
    torch.testing.assert_close(ahead, (least - 0.3 * log_prob).detach())


def test_a_dim_that_an_agent_does_not_have_counts_for_nothing():
    used, actor = torch.tensor([[True, False], [True, True]]), actor_of(VALVE, PUMP)
    mean, log_std = torch.full((4, 2), 0.4), torch.full((4, 2), -0.3)
    values, both = Values(actor, used, None), Values(actor, None, None)

    action, log_prob, _ = values.draw(mean, log_std, KEY, 1)

    one = both.draw(mean[:, :1], log_std[:, :1], KEY, 1).log_prob
    torch.testing.assert_close(log_prob[0::2], one[0::2])
    torch.testing.assert_close(log_prob[1::2], both.draw(mean, log_std, KEY, 1).log_prob[1::2])
    assert (action[0::2, 1] == 0).all()
    np.testing.assert_array_equal(values.entropy_target(minibatch(rows=4)), [-1.0, -2.0] * 2)


def test_a_dim_that_nobody_has_gives_the_actor_no_slope():
    used, actor = torch.tensor([[True, False]]), actor_of(VALVE, PUMP)
    now = Update(minibatch(), torch.tensor(0.3), KEY)

    Values(actor, used, None).climb(twin(4, 1), now)

    np.testing.assert_array_equal(actor.last.bias.grad != 0, [True, False, True, False])


MASK = [[True, True, True], [True, False, True], [False, True, False], [False, False, False]]


def expected(actor, critics, own, seen, mask, alpha):
    """The soft value row by row, from legal actions alone."""
    logits = actor(own, own[:0], own[:0]).scores.detach().double().numpy()
    least = critics(seen).amin(0).double().numpy()
    out = []
    for row, legal in enumerate(mask):
        which = [k for k, ok in enumerate(legal) if ok] or [0]
        p = np.exp(logits[row, which] - logits[row, which].max())
        p /= p.sum()
        out.append(float((p * (least[row, which] - alpha * np.log(p))).sum()))
    return out


@pytest.mark.parametrize("alpha", [0.3, 50.0])
def test_the_value_of_a_choice_is_summed_over_legal_actions(alpha):
    actor, target, batch = actor_of(arms(3)), twin(2, 3), minibatch(mask=MASK)
    now = Update(batch, torch.tensor(alpha), KEY)

    ahead = Choices(actor, 0.89).ahead(target, now)

    by_hand = expected(
        actor, target, batch.next_own, batch.next_seen, batch.next_mask.tolist(), alpha
    )
    np.testing.assert_allclose(ahead.detach(), by_hand, rtol=1e-5, atol=1e-5)


def test_an_illegal_action_has_no_part_in_the_actors_step_however_good_it_seems():
    actor, critics, batch = actor_of(arms(3)), twin(2, 3), minibatch(mask=MASK)
    now = Update(batch, torch.tensor(50.0), KEY)
    scores = []
    actor.last.register_forward_hook(
        lambda *seen: scores.append(seen[-1]) or seen[-1].retain_grad()
    )

    Choices(actor, 0.89).climb(critics, now)
    before = actor.last.weight.grad.clone()
    legal = legal_of(batch.mask)
    with torch.no_grad():
        critics.biases[-1][:, 0, 1] += 1e6  # of an action that is illegal in rows 1 and 3
    actor.zero_grad()
    Choices(actor, 0.89).climb(critics, now)

    assert (scores[0].grad[~legal] == 0).all()
    assert torch.isfinite(before).all()
    assert (scores[1].grad[[1, 3]] == scores[0].grad[[1, 3]]).all()
    assert (scores[1].grad[0] != scores[0].grad[0]).any()


def test_entropy_is_measured_against_what_is_legal():
    actor, critics, batch = actor_of(arms(3)), twin(2, 3), minibatch(mask=MASK)
    with torch.no_grad():
        actor.last.weight.zero_()  # uniform
    choices = Choices(actor, 0.89)

    climb = choices.climb(critics, Update(batch, torch.tensor(1.0), KEY))

    counts = np.log([3.0, 2.0, 1.0, 1.0])
    np.testing.assert_allclose(climb.entropy, counts, atol=1e-6)
    np.testing.assert_allclose(choices.entropy_target(batch), 0.89 * counts, atol=1e-6)


def test_only_the_applied_action_has_an_error():
    choice = torch.tensor([[2], [0], [1], [0]])
    critics, batch = twin(2, 3), minibatch(mask=MASK, choice=choice)
    goal = torch.tensor([1.0, 2.0, 3.0, 4.0])

    error = Choices(actor_of(arms(3)), 0.89).error(critics, batch, goal)

    estimates = critics(batch.seen)
    for row, own in enumerate(choice[:, 0].tolist()):
        difference = estimates[:, row, own] - goal[row]
        torch.testing.assert_close(error[:, row, own], difference)
    assert int((error != 0).sum()) == 2 * len(choice)


def test_the_kernel_draws_what_torch_draws():
    values = Values(actor_of(VALVE, PUMP), torch.tensor([[True, False], [True, True]]), None)
    some = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(0))
    mean, log_std = 3.0 * some[0], some[1].clamp(-2.0, 1.0)

    drawn = values.draw(mean, log_std, (3, 4), 5)

    by_torch = values.draw_by_torch(mean, log_std, (3, 4), 5)
    for own, other in zip(drawn, by_torch, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)
