# SPDX-License-Identifier: MIT
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file

from flyball import learning
from flyball.core.batch import Action
from flyball.core.clock import ManualClock
from flyball.experiments import runs
from flyball.experiments import watched as watching
from flyball.experiments.measure import Played
from flyball.experiments.streams import Stream
from flyball.experiments.watched import BEST, SCORE, Tally, Watched
from tests.experiments.any_runs import small


class Doctored:
    """A learner whose policy holds the pole for as many steps as a list says, then lets it fall."""

    name = "doctored"

    def __init__(self, env, lasting):
        self.env, self.lasting, self.asked = env, lasting, []
        self.net = learning.Net(env.spec, learning.NetConfig(hidden=(4,)), 1)
        self.policy = SimpleNamespace(initial=self.initial, act=self.act)

    def iterate(self, iteration, share):
        self.asked.append((iteration, share))
        self.at = iteration
        self.env.steps += 16
        for tensor in self.net.state_dict().values():
            tensor.fill_(iteration)
        return {"episodes": 2.0, "return": 10.0 * iteration, "loss": 1.0}

    def initial(self, n_envs):
        return np.zeros((n_envs, 1), np.float32)

    def act(self, observation, memory, key):
        assert key is None
        lean = observation.obs[:, :, 2:3] + observation.obs[:, :, 3:4]
        hold = memory[:, None] < self.lasting[self.at]
        choice = np.where(hold, lean > 0, lean <= 0).astype(np.int32)
        return Action(choice, np.zeros((*choice.shape[:2], 0))), choice[..., 0], memory + 1

    def state(self):
        return {"at": np.array(self.at)}

    def restore(self, arrays):
        self.at = int(arrays["at"])


def share_of(iterations: int, elapsed_s: float) -> float:
    del elapsed_s
    return iterations / 6


def ignored(step, scalars):
    del step, scalars


def watched(folder: Path, lasting, write=ignored, clock=None):
    experiment = small("ppo", "steps=96", "validations=6")
    env = experiment.subject.env(4, Stream.TRAIN)
    return Watched(
        folder, Doctored(env, lasting), env, experiment,
        share=share_of, clock=clock or ManualClock(), write=write,
    )  # fmt: skip


LASTING = [0, 40, 20, 40, 10, 0]


def run(own: Watched, first: int = 0, last: int = 6) -> None:
    for iteration in range(first, last):
        own.iterate(iteration, iteration / 6)


def test_of_equally_good_weights_the_later_ones_are_kept(tmp_path: Path):
    own = watched(tmp_path, LASTING)

    run(own)

    figures = [line["figures"]["return"] for line in runs.read_lines(tmp_path / runs.METRICS)
               if line["stage"] == "validate"]  # fmt: skip
    assert len(figures) == 6
    assert figures[1] == figures[3] == max(figures)
    kept = load_file(tmp_path / BEST)
    assert kept[SCORE].tolist() == [0.0, max(figures)]
    net = own._own.net
    assert own.best_into(net) == max(figures)
    assert all((tensor == 3).all() for tensor in net.state_dict().values())


def test_weights_that_keep_the_limits_come_before_all_that_earn_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    came_to = [(9.0, 2.0), (1.0, 0.0), (3.0, 0.0), (2.0, 0.0), (8.0, 1.0), (7.0, 0.0001)]

    def outcomes(subject, policy, stream, n_episodes):
        del subject, policy, stream
        value, cost = came_to.pop(0)
        full = np.full((n_episodes, 5), value), np.full((n_episodes, 2), cost)
        return Played(*full, np.zeros(n_episodes))

    monkeypatch.setattr(watching, "outcomes", outcomes)
    experiment = small("ppo", "steps=96", "validations=6", world="classics/double-integrator")
    env = experiment.subject.env(4, Stream.TRAIN)
    own = Watched(
        tmp_path, Doctored(env, LASTING), env, experiment,
        share=share_of, clock=ManualClock(), write=ignored,
    )  # fmt: skip

    run(own)

    lines = [line["figures"] for line in runs.read_lines(tmp_path / runs.METRICS)
             if line["stage"] == "validate"]  # fmt: skip
    assert [line["wall"] for line in lines] == [2.0, 0.0, 0.0, 0.0, 1.0, 0.0001]
    assert own.best_into(own._own.net) == 3.0
    assert all((tensor == 2).all() for tensor in own._own.net.state_dict().values())


def test_a_later_start_remembers_the_best_so_far(tmp_path: Path):
    run(watched(tmp_path, LASTING), 0, 2)

    run(again := watched(tmp_path, LASTING), 4, 6)

    assert all((array == 1).all() for name, array in load_file(tmp_path / BEST).items()
               if name != SCORE)  # fmt: skip
    assert again.best_into(again._own.net) > 20


def test_lines_after_the_iteration_that_a_run_resumes_from_are_forgotten(tmp_path: Path):
    run(watched(tmp_path, LASTING), 0, 4)

    run(watched(tmp_path, LASTING), 2, 6)

    lines = runs.read_lines(tmp_path / runs.METRICS)
    text = (tmp_path / runs.METRICS).read_text(encoding="utf-8")
    assert len(lines) == len(text.splitlines()) == 12
    assert [line["iteration"] for line in lines] == [k for k in range(1, 7) for _ in range(2)]


def test_the_curve_of_a_resumed_run_goes_on_in_time(tmp_path: Path):
    line = {"stage": "train", "iteration": 0, "steps": 0, "elapsed_s": 40.0, "figures": {}}
    runs.append_line(tmp_path / runs.METRICS, line)
    clock = ManualClock()
    own = watched(tmp_path, LASTING, clock=clock)
    clock.advance(2.0)

    run(own, 0, 1)

    lines = runs.read_lines(tmp_path / runs.METRICS)
    assert [line["elapsed_s"] for line in lines] == [40.0, 42.0, 42.0]


def test_what_is_written_down_is_handed_to_the_board_at_its_step(tmp_path: Path):
    seen = []

    run(watched(tmp_path, LASTING, write=lambda step, scalars: seen.append((step, scalars))), 0, 1)

    assert seen[0] == (16, {"train/episodes": 2.0, "train/return": 0.0, "train/loss": 1.0})
    assert seen[1][0] == 16
    assert set(seen[1][1]) == {
        "validate/return", "validate/length_steps", "validate/return standard error",
    }  # fmt: skip


def test_those_who_watch_see_the_latest_of_every_figure(tmp_path: Path):
    own = watched(tmp_path, LASTING)

    run(own, 0, 2)

    assert own.figures["steps"] == 32
    assert own.figures["return"] == 10.0
    assert own.figures["validation"] > 40


def test_counts_are_added_up_and_everything_else_is_averaged_where_it_was_told():
    tally = Tally()
    tally.add({"episodes": 2.0, "loss": 1.0, "kl": float("nan")})
    tally.add({"episodes": 3.0, "loss": 2.0, "return": 7.0})

    assert tally.taken() == {"episodes": 5.0, "loss": 1.5, "return": 7.0}
    assert tally.taken() == {}


def test_measuring_the_same_iteration_twice_costs_and_changes_nothing(tmp_path: Path):
    own = watched(tmp_path, LASTING)
    run(own, 0, 1)

    own.measure(1)

    assert len((tmp_path / runs.METRICS).read_text(encoding="utf-8").splitlines()) == 2
