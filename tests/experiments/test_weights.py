# SPDX-License-Identifier: MIT
from pathlib import Path

import numpy as np

from flyball import learning
from flyball.experiments import weights
from flyball.experiments.subject import Subject

SPEC = Subject("classics/cartpole").spec


def net(seed: int) -> learning.Net:
    return learning.Net(SPEC, learning.NetConfig(hidden=(8,)), seed)


def test_weights_survive_a_file_and_go_into_another_network(tmp_path: Path):
    one, other = net(1), net(2)
    weights.save(tmp_path / "w", weights.arrays_of(one))

    weights.put(other, weights.load(tmp_path / "w"))

    for name, array in weights.arrays_of(one).items():
        np.testing.assert_array_equal(weights.arrays_of(other)[name], array, err_msg=name)


def test_arrays_are_copies_that_further_learning_does_not_change():
    own = net(1)
    kept = weights.arrays_of(own)
    before = {name: array.copy() for name, array in kept.items()}

    for tensor in own.state_dict().values():
        tensor.fill_(7)

    for name, array in before.items():
        np.testing.assert_array_equal(kept[name], array)
