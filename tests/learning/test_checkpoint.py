# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from flyball.core.errors import RunError
from flyball.learning import checkpoint
from flyball.learning.checkpoint import learner_arrays, load_learner
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Net, NetConfig
from tests.learning.toys import Queue

ARRAYS = {"env.at": np.arange(6).reshape(2, 3), "adam.0.step": np.array(3.0, np.float32)}


def test_a_checkpoint_gives_back_every_array_with_shape_and_type(tmp_path):
    path = checkpoint.save(tmp_path, 7, ARRAYS, {"algorithm": "ppo"})

    arrays, facts = checkpoint.load(path)

    assert facts == {"iteration": 7, "algorithm": "ppo"}
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)


def test_only_the_two_latest_are_kept_and_nothing_half_written(tmp_path):
    (tmp_path / ".checkpoint-00000001.half-4").mkdir()
    for iteration in (1, 2, 3, 20, 100):
        checkpoint.save(tmp_path, iteration, ARRAYS, {})

    names = sorted(path.name for path in tmp_path.iterdir())

    assert names == ["checkpoint-00000020", "checkpoint-00000100"]
    assert checkpoint.latest(tmp_path) == tmp_path / "checkpoint-00000100"


def test_a_folder_without_checkpoints_has_no_latest(tmp_path):
    assert checkpoint.latest(tmp_path / "none") is None


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_refused_with_what_to_do(tmp_path, name):
    path = checkpoint.save(tmp_path, 1, ARRAYS, {})
    (path / name).write_bytes(b"{")

    with pytest.raises(RunError, match=r"cannot be read.*fix: delete this folder"):
        checkpoint.load(path)


def test_network_and_optimiser_go_on_alike_after_a_restore():
    spec = Queue(2).spec
    nets = [Net(spec, NetConfig(), seed) for seed in (0, 1)]
    optimisers = [Adam([net], 1e-3) for net in nets]

    def learn(net, optimiser):
        loss = sum((part**2).sum() for part in net.parameters())
        optimiser.descend(loss)

    learn(nets[0], optimisers[0])
    load_learner(nets[1], optimisers[1], learner_arrays(nets[0], optimisers[0]))
    for net, optimiser in zip(nets, optimisers, strict=True):
        learn(net, optimiser)

    first, second = (learner_arrays(*pair) for pair in zip(nets, optimisers, strict=True))
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
