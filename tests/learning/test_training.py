# SPDX-License-Identifier: MIT
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError, RunError
from flyball.learning import checkpoint
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.training import Budget, train
from tests.learning import long_run
from tests.learning.toys import Chain

ROOT = Path(__file__).parents[2]


class Counting:
    """An algorithm that takes ten seconds an iteration and remembers what it was told."""

    name = "counting"

    def __init__(self, clock, on_iterate=None):
        self.clock, self.on_iterate = clock, on_iterate
        self.total = 0
        self.shares = []

    def iterate(self, iteration, share):
        self.clock.advance(10.0)
        self.total += iteration
        self.shares.append(share)
        if self.on_iterate:
            self.on_iterate(iteration)
        return {"total": float(self.total)}

    def state(self):
        return {"total": np.array(self.total)}

    def restore(self, arrays):
        self.total = int(arrays["total"])


def start(kind, folder, slow_s):
    command = [sys.executable, "-m", "tests.learning.long_run", kind, str(folder), str(slow_s)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603


@pytest.mark.parametrize("kind", ["ppo", "ppo-masked", "imitate", "improve", "es"])
def test_a_run_cut_in_two_ends_in_exactly_the_same_weights(kind, tmp_path):
    whole = long_run.algorithm(kind)
    train(whole, Budget(iterations=long_run.ITERATIONS), ManualClock())

    first = long_run.algorithm(kind)
    for iteration in range(3):
        first.iterate(iteration, iteration / long_run.ITERATIONS)
    checkpoint.save(tmp_path, 3, first.state(), {"algorithm": first.name, "elapsed_s": 1.0})
    second = long_run.algorithm(kind)
    train(second, Budget(iterations=long_run.ITERATIONS), ManualClock(), folder=tmp_path)

    expected, found = whole.state(), second.state()
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_run_killed_without_warning_resumes_to_exactly_the_same_weights(tmp_path):
    killed = start("ppo", tmp_path / "cut", 0.3)
    for line in killed.stdout:
        if int(line) == 4:
            killed.kill()
            break
    killed.wait()
    killed.stdout.close()
    left = checkpoint.latest(tmp_path / "cut")

    for name, slow_s in (("cut", 0), ("whole", 0)):
        with start("ppo", tmp_path / name, slow_s) as run:
            run.communicate()
        assert run.returncode == 0

    assert 3 <= int(left.name[-8:]) < long_run.ITERATIONS
    arrays = [checkpoint.load(checkpoint.latest(tmp_path / n))[0] for n in ("cut", "whole")]
    assert arrays[0].keys() == arrays[1].keys()
    for name, array in arrays[0].items():
        np.testing.assert_array_equal(array, arrays[1][name], err_msg=name)


def test_ctrl_c_ends_after_the_iteration_with_a_checkpoint_and_the_budget_goes_on(tmp_path):
    clock = ManualClock()

    def interrupt(iteration):
        if iteration == 1:
            os.kill(os.getpid(), signal.SIGINT)

    ended = train(Counting(clock, interrupt), Budget(seconds=40), clock, folder=tmp_path)
    again = Counting(clock)
    second = train(again, Budget(seconds=40), clock, folder=tmp_path)

    assert (ended.interrupted, ended.iterations, ended.elapsed_s) == (True, 2, 20.0)
    assert (second.interrupted, second.iterations, second.elapsed_s) == (False, 4, 40.0)
    assert again.total == 0 + 1 + 2 + 3
    assert again.shares == [0.5, 0.75]


def test_progress_tells_share_time_and_figures_of_every_iteration():
    clock, seen = ManualClock(), []

    train(Counting(clock), Budget(iterations=4), clock, on_progress=seen.append)

    assert [p.iteration for p in seen] == [1, 2, 3, 4]
    assert [p.share for p in seen] == [0.25, 0.5, 0.75, 1.0]
    assert [p.elapsed_s for p in seen] == [10.0, 20.0, 30.0, 40.0]
    assert seen[2].figures == {"total": 3.0}


def test_less_than_30_seconds_lie_between_checkpoints(tmp_path):
    clock, written = ManualClock(), []

    def look(_iteration):
        latest = checkpoint.latest(tmp_path)
        written.append(int(latest.name[-8:]) if latest else 0)

    train(Counting(clock, look), Budget(iterations=7), clock, folder=tmp_path)

    assert written == [0, 0, 2, 2, 4, 4, 6]


@pytest.mark.parametrize(
    ("hidden", "gamma", "message"),
    [
        ((8,), 0.5, r"gamma=0\.9.*; allowed: one of .*gamma=0\.5"),
        ((16,), 0.9, r"net\.actor\.layers\.0\.weight of \(8, 2\); allowed: .* of \(16, 2\)"),
        ((8, 8), 0.9, r"net\.actor\.layers\.2\.weight of nothing; allowed"),
    ],
)
def test_a_run_of_other_settings_or_another_network_is_not_gone_on_with(
    hidden, gamma, message, tmp_path
):
    def made(hidden, gamma):
        net = Net(Chain(2).spec, NetConfig(hidden=hidden, critic_hidden=(8,)), 0)
        return PPO(Chain(2), net, PPOConfig(n_steps=8, gamma=gamma))

    train(made((8,), 0.9), Budget(iterations=1), ManualClock(), folder=tmp_path)

    with pytest.raises(RunError, match=message):
        train(made(hidden, gamma), Budget(iterations=2), ManualClock(), folder=tmp_path)


def test_a_checkpoint_of_another_algorithm_is_refused(tmp_path):
    checkpoint.save(tmp_path, 1, {"total": np.array(1)}, {"algorithm": "ppo", "elapsed_s": 1.0})

    with pytest.raises(RunError, match="a checkpoint of 'ppo'; allowed: one of 'counting'"):
        train(Counting(ManualClock()), Budget(iterations=1), ManualClock(), folder=tmp_path)


@pytest.mark.parametrize("limits", [{}, {"iterations": 3, "seconds": 2.0}, {"seconds": 0.0}])
def test_a_budget_is_one_number_above_zero(limits):
    with pytest.raises(ConfigError, match="budget"):
        Budget(**limits)
