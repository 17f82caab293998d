# SPDX-License-Identifier: MIT
import math

import pytest

from flyball.core.clock import ManualClock
from flyball.experiments.experiment import Experiment, experiment_of
from flyball.experiments.streams import Stream
from flyball.experiments.tuning import race as racing
from flyball.experiments.tuning.race import GivenUpError, race


def small(*changes: str) -> Experiment:
    usual = ["ppo.n_steps=16", "envs=4", "validations=4", "validation_episodes=3", "steps=256"]
    return experiment_of(None, [*usual, *changes], world="classics/cartpole")


def never(point: int, value: float, elapsed_s: float) -> bool:
    del point, value, elapsed_s
    return False


def test_the_value_is_the_mean_over_seeds_of_the_last_quarter():
    seen = []

    def watch(point: int, value: float, elapsed_s: float) -> bool:
        del elapsed_s
        seen.append((point, value))
        return False

    value = race(small("validations=8"), [5, 6], ManualClock(), watch)

    assert [point for point, _ in seen] == list(range(8))
    assert value.value == pytest.approx((seen[-1][1] + seen[-2][1]) / 2)
    assert value.over == ()
    alone = [race(small("validations=8"), [seed], ManualClock(), never).value for seed in (5, 6)]
    assert value.value == pytest.approx(sum(alone) / 2)


def test_a_trial_that_is_given_up_stops_at_that_point():
    points = []

    def second(point: int, value: float, elapsed_s: float) -> bool:
        points.append(point)
        assert math.isfinite(value)
        assert elapsed_s >= 0
        return point == 1

    with pytest.raises(GivenUpError):
        race(small(), [5], ManualClock(), second)

    assert points == [0, 1]


def test_trials_train_and_are_measured_where_no_verdict_is_given(monkeypatch: pytest.MonkeyPatch):
    streams = []
    own = racing.outcomes

    def outcomes(subject, policy, stream, n_episodes):
        streams.append(stream)
        return own(subject, policy, stream, n_episodes)

    monkeypatch.setattr(racing, "outcomes", outcomes)
    runner = racing.Runner(small())
    runner.run_to(1.0)

    assert streams == [Stream.VALIDATE]
    assert runner.env._stream is Stream.TUNE
    assert runner.env.steps == 256
