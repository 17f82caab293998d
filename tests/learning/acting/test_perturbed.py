# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.learning.acting.perturbed import pack, score_rows, unpack, widths
from flyball.learning.nets.net import NetConfig, OptionsActor
from flyball.policies import Sizes

OFFSET = np.array([0, 4, 4, 11, 12], np.int64)


def actor(seed=0, hidden=(7, 6)):
    sizes = Sizes(n_obs=3, n_state=0, n_features=5, actions=())
    made = OptionsActor(sizes, NetConfig(hidden=hidden), torch.Generator().manual_seed(seed))
    with torch.no_grad():  # the small last layer and the zero biases would hide faults
        for number, part in enumerate(made.parameters()):
            part.add_(torch.randn(part.shape, generator=torch.Generator().manual_seed(number)))
    return made


def test_a_vector_goes_out_and_back_in_unchanged():
    one, other = actor(1), actor(2)

    unpack(pack(one), other)

    for own, same in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own, same, rtol=0, atol=0)


@pytest.mark.parametrize("hidden", [(7, 6), ()])
def test_the_compiled_network_is_the_torch_network_in_each_row(hidden):
    rng = np.random.default_rng(0)
    obs = rng.normal(size=(4, 3)).astype(np.float32)
    features = rng.normal(size=(12, 5)).astype(np.float32)
    actors = [actor(seed, hidden) for seed in range(4)]
    sizes = widths(actors[0])

    found = score_rows(obs, features, OFFSET, np.stack([pack(one) for one in actors]), sizes)

    rows = (torch.from_numpy(obs), torch.from_numpy(features), torch.from_numpy(OFFSET))
    for row, one in enumerate(actors):
        own = slice(OFFSET[row], OFFSET[row + 1])
        expected = one(*rows).scores.detach().numpy()
        np.testing.assert_allclose(found[own], expected[own], rtol=1e-4, atol=1e-5)
