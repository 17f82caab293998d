# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.toys import Chain, Queue

PLAN = Plan(seed=0, n_steps=12, gamma=0.9, lam=0.8, scale_rewards=False, window=4)


def made(env, plan=PLAN, **net):
    return Experience(env, Net(env.spec, NetConfig(**net), seed=0), plan)


def remembering(env, kind, plan=PLAN):
    experience = made(env, plan, hidden=(8,), cell=kind, cell_size=6, norm="none")
    with torch.no_grad():  # far from uniform, so that a wrong memory would show
        experience.net.actor.last.weight.mul_(200.0)
    return experience


def test_the_next_value_is_of_the_last_observation_before_the_reset():
    experience = made(Chain(4, n_steps=5))

    tally = experience.collect(0)
    value, following = experience.values()

    arena = experience.arena
    place = arena.obs[:12, :, 0].argmax(-1)
    by_state = {k: value[tuple(np.argwhere(place == k)[0])] for k in range(2)}
    moved = np.where(arena.choice[:12, :, 0, 0] == 1, 1 - place, place)
    np.testing.assert_allclose(following, np.vectorize(by_state.get)(moved), rtol=1e-6)
    assert tally.episodes == arena.truncated[:12].sum() > 4
    assert not np.allclose(value[1:], following[:-1])


def test_the_utility_is_weighted_and_a_cost_is_negative():
    plan = Plan(seed=0, n_steps=6, gamma=0.9, lam=0.8, weights={"cost_h": 10.0})
    experience = made(Queue(3), plan)

    experience.collect(0)

    arena = experience.arena
    batch = arena.minibatch(arena.decisions())
    x = batch.inputs.features[batch.inputs.offset[:-1] + batch.taken.choice[:, 0]]
    np.testing.assert_allclose(arena.reward[:6].ravel(), -10 * (x[:, 0] + x[:, 1] / 2), rtol=1e-5)


@pytest.mark.parametrize("kind", ["lstm", "slstm"])
def test_what_is_replayed_from_stored_memory_is_what_was_acted_on(kind):
    experience = remembering(Chain(6, n_steps=7), kind)
    for iteration in range(3):
        experience.collect(iteration)

    arena = experience.arena
    every = np.ones(arena.n_steps * 6, np.bool_)
    batch = arena.windows(np.arange(3 * 6), every)
    log_prob, _ = experience.net.terms(batch.through(experience.net), batch.taken)

    assert arena.start[1:].sum() > 6
    assert float(log_prob.detach().std()) > 0.1
    torch.testing.assert_close(log_prob.detach().float(), batch.log_prob, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["lstm", "slstm"])
def test_values_with_memory_are_those_of_the_whole_stream_step_by_step(kind):
    experience = remembering(Chain(4, n_steps=5), kind)
    net, seen = experience.net, []
    critic = net.critic.forward
    experience.collect(0)
    before = experience.memory.copy()

    experience.collect(1)
    value, following = experience.values()

    arena, memory = experience.arena, torch.from_numpy(before[:, net.n_memory :])
    with torch.no_grad():
        for t in range(12):
            rows = net.normalise(arena.inputs(np.arange(4) + 4 * t))
            start = torch.from_numpy(arena.start[t].ravel())
            rows, memory = net.remember_centrally(rows, memory, start)
            seen.append(critic(rows.central, rows.features, rows.offset).double().numpy())
            for final in experience.finals:
                if final.t == t:
                    last, _ = net.remember_centrally(
                        net.normalise(final.inputs),
                        memory[torch.from_numpy(final.columns)],
                        torch.zeros(len(final.columns), dtype=torch.bool),
                    )
                    np.testing.assert_allclose(
                        following[t, final.columns], net.value(last).numpy(), atol=1e-6
                    )
    np.testing.assert_allclose(value, seen, atol=1e-6)


def test_steps_that_do_not_count_change_neither_loss_nor_gradient():
    experience = remembering(Chain(6, n_steps=7), "lstm")
    experience.collect(0)
    arena, net = experience.arena, experience.net
    arena.counted[5:9, 2] = False

    def gradient():
        net.zero_grad()
        (batch,) = list(arena.blocks(arena.decisions(), 10_000, 1))
        log_prob, entropy = net.terms(batch.through(net), batch.taken)
        (log_prob.mean() + entropy.mean()).backward()
        return [p.grad.clone() for p in net.actor.parameters()]

    before = gradient()
    arena.log_prob[5:9, 2] = 9e9
    arena.choice[5:9, 2] = 1 - np.minimum(arena.choice[5:9, 2], 1)
    after = gradient()

    for own, same in zip(before, after, strict=True):
        torch.testing.assert_close(own, same, rtol=0, atol=0)


def test_experience_goes_on_bit_for_bit_after_a_restore():
    first, second = (remembering(Chain(6, n_steps=7), "slstm") for _ in range(2))
    first.collect(0)
    second.restore(first.state())

    first.collect(1)
    second.collect(1)

    for name in ("obs", "choice", "log_prob", "reward", "start"):
        np.testing.assert_array_equal(getattr(first.arena, name), getattr(second.arena, name))
    np.testing.assert_array_equal(first.memory, second.memory)
