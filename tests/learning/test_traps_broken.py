# SPDX-License-Identifier: MIT
"""Runs that break down: a number that is none must stop them, before a checkpoint is lost to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flyball.core.clock import ManualClock
from flyball.core.errors import RunError
from flyball.learning import checkpoint, training
from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.acting.greedy import spec_seen
from flyball.learning.bundle import export
from flyball.learning.dqn import DQN, DQNConfig
from flyball.learning.es import ES, ESConfig
from flyball.learning.experience.rewards import RewardMoments
from flyball.learning.imitate import Imitate, ImitateConfig
from flyball.learning.improve import Improve, ImproveConfig
from flyball.learning.maddpg import MADDPG, MADDPGConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.nets.norm import ReturnScale
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.qmix import QMIX, QMIXConfig
from flyball.learning.sac import SAC, SACConfig
from flyball.learning.td3 import TD3, TD3Config
from flyball.learning.training import Budget, train
from tests.learning.squad import Squad
from tests.learning.steady import VALVE, Steady, arms
from tests.learning.toys import Cheapest, Queue

SMALL = NetConfig(hidden=(8, 8), critic_hidden=(8,), norm="standard")
ROWS = 4


class Breaking:
    """An Env that says `value` once in row 2: in its step number `at`, as a reward or elsewhere."""

    def __init__(self, env, at=10**9, value=np.nan, where="reward"):
        self.env, self.at, self.value, self.where = env, at, value, where
        self.spec, self.n_envs, self.n = env.spec, env.n_envs, 0

    def step(self, action):
        step = self.env.step(action)
        self.n += 1
        if self.n == self.at:
            if self.where == "reward":
                step.reward[2] = self.value
            elif self.where == "options":
                options = step.observation.options
                options.features[options.offset[2]] = self.value
            else:
                getattr(step.observation, self.where)[2] = self.value
        return step

    def __getattr__(self, name):
        return getattr(self.env, name)


def discrete():
    return Steady(ROWS, (arms(3),), n_steps=5, legal=(True,) * 3)


def valve():
    return Steady(ROWS, (VALVE,), n_steps=5)


def net(env, config=SMALL):
    return Net(env.spec, config, 0)


def imitate(env):
    own = ImitateConfig(minibatch=16)
    return Imitate(env, net(env), own, {"rule": Cheapest()}, lambda s: ["rule"] * len(s))


def qmix(env):
    own = QMIXConfig(n_steps=8, updates=2, batch=4, max_steps=9, learning_starts=1)
    return QMIX(env, Net(spec_seen(env.spec, last_action=own.last_action), SMALL, 0), own)


OFF = {"learning_starts": 8, "minibatch": 8, "train_freq": 4, "gradient_steps": 2}
LEARNERS = {
    "ppo": (discrete, lambda env: PPO(env, net(env), PPOConfig(n_steps=8))),
    "ppo by torch": (discrete, lambda e: PPO(e, net(e), PPOConfig(n_steps=8, compiled=False))),
    "a2c": (discrete, lambda env: A2C(env, net(env), A2CConfig())),
    "dqn": (discrete, lambda env: DQN(env, net(env), DQNConfig(**OFF))),
    "sac": (valve, lambda env: SAC(env, net(env), SACConfig(**OFF))),
    "sac of choices": (discrete, lambda env: SAC(env, net(env), SACConfig(**OFF))),
    "td3": (valve, lambda env: TD3(env, net(env), TD3Config(**OFF))),
    "qmix": (lambda: Squad(ROWS), qmix),
    "maddpg": (
        lambda: Squad(ROWS, n_values=1),
        lambda env: MADDPG(env, net(env), MADDPGConfig(learning_starts=8, n_steps=8, minibatch=16)),
    ),
    "imitate": (lambda: Queue(ROWS, n_steps=6), imitate),
    "improve": (
        lambda: Queue(ROWS, n_steps=6),
        lambda env: Improve(env, net(env), ImproveConfig(group=2, minibatch=16)),
    ),
    "es": (lambda: Queue(ROWS, n_steps=6), lambda e: ES([e], net(e), ESConfig(pairs=2))),
}


@pytest.fixture(autouse=True)
def _checkpoint_after_every_iteration(monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(training, "LOOK_EVERY_S", 0.0)


def good(folder, made):
    """Return the number of the last checkpoint, once another learner has gone on from it."""
    path = checkpoint.latest(folder)
    arrays, facts = checkpoint.load(path)
    assert all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f")
    made.restore(arrays)
    for iteration in range(2):
        made.iterate(facts["iteration"] + iteration, 0.0)
    assert all(torch.isfinite(tensor).all() for tensor in made.net.state_dict().values())
    return facts["iteration"]


@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "es"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_a_reward_that_is_no_number_ends_a_run_and_spares_its_last_checkpoint(
    name, value, tmp_path
):
    world, learner = LEARNERS[name]
    run = learner(Breaking(world(), 35, value))

    with pytest.raises(RunError) as caught:
        train(run, Budget(iterations=50), ManualClock(), folder=tmp_path)

    problem = caught.value.problems[0]
    assert problem.where == "reward of env row 2"
    assert problem.found == str(value)
    assert good(tmp_path, learner(world())) >= 2


@pytest.mark.parametrize("name", [name for name, (world, _) in LEARNERS.items()
                                  if world in (discrete, valve) or name == "qmix"])  # fmt: skip
def test_an_observation_that_is_no_number_never_enters_a_normaliser(name, tmp_path):
    world, learner = LEARNERS[name]
    run = learner(Breaking(world(), 35, np.nan, "obs"))

    with pytest.raises(RunError, match="observation of env row 2: nan"):
        train(run, Budget(iterations=50), ManualClock(), folder=tmp_path)

    assert torch.isfinite(run.net.obs_norm.mean).all()
    good(tmp_path, learner(world()))


@pytest.mark.parametrize("name", ["maddpg", "qmix"])
def test_a_state_that_is_no_number_is_refused(name):
    world, learner = LEARNERS[name]
    run = learner(Breaking(world(), 5, np.inf, "state"))

    with pytest.raises(RunError, match="state of env row 2: inf"):
        train(run, Budget(iterations=50), ManualClock())


def test_a_candidate_that_is_no_number_is_refused_with_the_row_that_offers_it():
    world, learner = LEARNERS["improve"]
    run = learner(Breaking(world(), 3, np.nan, "options"))

    with pytest.raises(RunError, match="option of env row 2: nan"):
        train(run, Budget(iterations=5), ManualClock())


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_the_last_observation_of_an_episode_counts_where_the_episode_ended_and_only_there(name):
    class Blank(Steady):
        def step(self, action):
            step = super().step(action)
            ended = step.terminated | step.truncated
            step.final.obs[~ended] = np.nan
            if self.spoils and ended[1]:
                step.final.obs[1] = np.nan
            return step

    _, learner = LEARNERS[name]
    env = Blank(ROWS, (arms(3),), n_steps=5, legal=(True,) * 3)
    env.spoils = False
    run = learner(env)
    train(run, Budget(iterations=4), ManualClock())
    env.spoils = True

    with pytest.raises(RunError, match="observation of env row 1: nan"):
        train(run, Budget(iterations=4), ManualClock())


@pytest.mark.parametrize("name", LEARNERS)
def test_a_weight_that_is_no_number_ends_a_run_before_it_is_saved(name, tmp_path):
    world, learner = LEARNERS[name]
    run, whole = learner(world()), learner(world())
    iterate = run.iterate

    def breaking(iteration, share):
        figures = iterate(iteration, share)
        if iteration == 4:
            with torch.no_grad():
                next(iter(run.net.actor.parameters())).view(-1)[0] = torch.inf
        return figures

    run.iterate = breaking
    with pytest.raises(RunError, match=rf"{run.name}, iteration 5: net\.actor\S+ is inf; allowed"):
        train(run, Budget(iterations=9), ManualClock(), folder=tmp_path)

    assert good(tmp_path, whole) == 4


@pytest.mark.parametrize("name", LEARNERS)
def test_every_figure_is_a_count_or_of_the_world_or_has_to_be_finite(name):
    world, learner = LEARNERS[name]
    run, seen = learner(world()), set()

    for k in range(4):
        seen |= set(run.iterate(k, 0.0))

    own = {kpi.name for kpi in world().spec.kpis}
    assert seen - own - training.LEARNED <= {"episodes", "decisions", "illegal", "steps", "epsilon"}


@pytest.mark.parametrize("name", ["ppo", "ppo by torch", "a2c", "dqn"])
def test_a_rate_that_overflows_is_noticed_and_says_what_to_do(name, tmp_path):
    world, learner = LEARNERS[name]
    run = learner(world())
    iterate = run.iterate

    def steep(iteration, share):
        run.config = replace(run.config, rate=1e38)
        run.optimiser.rate = 1e38
        return iterate(iteration, share)

    train(run, Budget(iterations=2), ManualClock(), folder=tmp_path)
    run.iterate = steep
    with pytest.raises(RunError, match="lower the learning rate") as caught:
        train(run, Budget(iterations=200), ManualClock(), folder=tmp_path)

    assert "the last good checkpoint stands" in str(caught.value)
    assert checkpoint.latest(tmp_path) is not None


class Told:
    """An algorithm that says figures."""

    name = "told"

    def __init__(self, **figures):
        self.figures = figures

    def iterate(self, *_):
        return self.figures

    def state(self):
        return {"env.clock": np.array([np.inf]), "weight": np.array([1.0])}


@pytest.mark.parametrize("figures", [{}, {"mean_wait_h": np.nan}, {"loss": 3.0}])
def test_what_a_world_measures_may_be_no_number(figures, tmp_path):
    ended = train(Told(**figures), Budget(iterations=2), ManualClock(), folder=tmp_path)

    assert ended.iterations == 2


@pytest.mark.parametrize("figure", ["loss", "reward_scale"])
def test_a_figure_of_learning_that_is_no_number_ends_the_run(figure, tmp_path):
    with pytest.raises(RunError, match=f"told, iteration 1: {figure} is inf; allowed: finite"):
        train(Told(**{figure: np.inf}), Budget(iterations=2), ManualClock(), folder=tmp_path)

    assert checkpoint.latest(tmp_path) is None


def test_scales_of_rewards_say_that_a_reward_was_no_number():
    scale, moments = ReturnScale(1, 0.9), RewardMoments("scaled")

    scale.learn(np.array([[1.0], [np.nan]]), np.zeros((2, 1), bool))
    moments.learn(np.array([1.0, np.nan], np.float32))

    assert np.isnan(scale.std)
    assert np.isnan(moments.scale)


@pytest.mark.parametrize("part", ["actor.last.bias", "obs_norm.mean"])
def test_weights_that_are_no_numbers_are_not_exported(part, tmp_path):
    env = discrete()
    own = net(env)
    own.state_dict()[part][0] = torch.nan

    with pytest.raises(RunError, match=f"ppo, {part}: NaN or infinite weights or statistics"):
        export(own, env.spec, tmp_path / "p", algorithm="ppo", settings={}, facts={})

    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("compiled", [True, False])
def test_an_advantage_that_is_no_number_reaches_the_weights(compiled):
    env = discrete()
    run = PPO(env, net(env), PPOConfig(n_steps=8, compiled=compiled))
    run.experience.collect(0)
    run.experience.estimate()
    run.experience.arena.advantage[3] = np.nan

    figures = run.learn(0)

    assert np.isnan(figures["policy_loss"])
    assert torch.isnan(run.net.actor.last.bias).all()
