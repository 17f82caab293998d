# SPDX-License-Identifier: MIT
"""What is learned behind a Shield is what was proposed, and no breach hides behind a mean."""

from dataclasses import replace

import numpy as np
import pytest
from caution import training
from caution.drawing import draw
from caution.figures import broken, figures, on_the_way, returned, within_limits
from caution.judging import behind_shield, judged
from caution.setups import PLANTS, SEEDS, SETUPS, WAYS, Setup
from parity import ledger
from safe_learning import make_missing

from flyball.learning import NetConfig, log_probability, recipe
from flyball.worlds.classics import guarded

RAIL = "double-integrator"


def learner(n_steps=64):
    """Return an Env behind its Shield, PPO on it, and a list that `Noted` records go to."""
    env, noted = behind_shield(RAIL, 4), []
    ppo = recipe("ppo")
    algorithm = ppo.make(env, NetConfig(), ppo.config(seed=5, n_steps=n_steps))
    policy = algorithm.policy
    env.score = lambda seen, action: log_probability(policy, seen, policy.initial(4), action)
    step = env.step

    def watched(action):
        found = step(action)
        noted.append(env.noted)
        return found

    env.step = watched
    return env, algorithm, noted


def test_ppo_behind_the_shield_learns_from_what_it_proposed_and_both_likelihoods_are_kept():
    env, algorithm, noted = learner()
    for k in range(6):  # until targets near the walls are reached
        noted.clear()
        algorithm.iterate(k, 0.0) if k < 5 else algorithm.experience.collect(k)
    arena = algorithm.experience.arena
    proposed = np.stack([each.proposed.value for each in noted])
    executed = np.stack([each.executed.value for each in noted])
    likelihood = np.stack([each.log_prob for each in noted])
    other = np.stack([each.log_prob_executed for each in noted])
    changed = np.stack([each.changed for each in noted])
    most = env.spec.kinds[0].heads[0].high

    np.testing.assert_allclose(np.tanh(arena.latent[:64]) * most, proposed, atol=1e-5)
    np.testing.assert_allclose(arena.log_prob[:64], likelihood, atol=1e-4)
    assert changed.any()
    np.testing.assert_array_equal((proposed != executed).any(-1), changed)
    np.testing.assert_array_equal(likelihood[~changed], other[~changed])
    assert (likelihood[changed] != other[changed]).all()
    assert not np.isnan(other).any()


def test_a_rule_that_knows_no_limit_breaks_it_alone_and_leans_on_the_shield():
    greedy = guarded.policies(RAIL)["greedy"]

    alone, behind = (judged(RAIL, greedy, shielded=on, episodes=16) for on in (False, True))

    assert alone["breached"] > 0.9
    assert alone["breach_s"] > 1.0
    assert alone["deepest"] > 0.5
    assert (behind["breached"], behind["breach_s"], behind["deepest"]) == (0.0, 0.0, 0.0)
    assert behind["changed"] > 0.2
    assert behind["return"] > alone["return"]


def test_a_policy_is_judged_by_the_first_episode_of_every_seed():
    regulator = guarded.policies("inverted-pendulum")["greedy"]  # ends at different times

    found = [judged("inverted-pendulum", regulator, shielded=False, episodes=n) for n in (1, 1, 9)]

    assert found[0] == found[1]
    env = guarded.make("inverted-pendulum", 9)
    seen, firsts = env.reset(10_000 + np.arange(9)), {}
    while len(firsts) < 9:
        step = env.step(regulator.act(seen, regulator.initial(9), None)[0])
        for row in np.flatnonzero(step.terminated | step.truncated):
            firsts.setdefault(row, step.outcome[row, 0])
        seen = step.observation
    assert found[2]["return"] == pytest.approx(np.mean(list(firsts.values())))


def test_a_run_is_repeated_exactly_and_counts_breaches_on_the_way():
    setup = Setup(plant=RAIL, way="ppo", steps=8192)

    one, again = (training.run(setup, 7, episodes=4) for _ in range(2))

    assert one | {"cpu_s": 0} == again | {"cpu_s": 0}
    assert one["steps"] == 8192
    parts = np.diff([0, *(point["steps"] for point in one["curve"])])
    shares = [point["breached"] for point in one["curve"]]
    assert parts @ shares == pytest.approx(one["breach_steps"], abs=1.0)
    assert one["breach_steps"] > 0


def test_behind_the_shield_no_step_of_a_training_breaks_a_limit():
    told = training.run(Setup(plant=RAIL, way="ppo-shield", steps=8192), 7, episodes=4)

    assert told["breach_steps"] == 0
    assert told["on"]["breached"] == 0.0
    assert told["on"]["changed"] > 0.0


def test_limits_are_stated_for_those_that_trade_and_every_way_meets_the_same_plant():
    limits = {(setup.plant, setup.way): setup.limits for setup in SETUPS}

    assert {way for (_, way), own in limits.items() if own} == {"cpo", "ppo-lagrangian"}
    assert limits[RAIL, "cpo"] == {"wall": 0.5, "speed limit": 0.5}
    assert len(SETUPS) == len(PLANTS) * len(WAYS)
    assert len({setup.content() for setup in SETUPS}) == len(SETUPS)
    assert replace(SETUPS[0], steps=5).content() != SETUPS[0].content()


def test_the_rules_are_the_strongest_one_and_the_one_that_knows_no_limit():
    found = [training.run(Setup(plant=RAIL, way=way), 1, episodes=2) for way in ("rule", "greedy")]

    assert [each["rule"] for each in found] == ["braking", "greedy"]
    assert [each["off"]["breached"] for each in found] == [0.0, 1.0]


def test_runs_that_are_there_are_not_made_again(tmp_path, monkeypatch):
    side, made = {"return": 1.0, "breach_s": 0.0}, []
    monkeypatch.setattr(training, "made_by", lambda setup: {"way": setup.way})
    monkeypatch.setattr(training, "run", lambda *named: made.append(named) or
                        {"on": side, "off": side})  # fmt: skip
    cpo, rule = (Setup(plant=RAIL, way=way) for way in ("cpo", "rule"))

    make_missing([cpo, rule], tmp_path)
    make_missing([cpo, rule], tmp_path)

    assert made == [(cpo, 1), (cpo, 2), (cpo, 3), (rule, 1)]
    assert len(ledger.current(cpo, "cpo", training.made_by(cpo), tmp_path)) == SEEDS


def row(seed, *, on=0.0, off=0.25, breach_steps=0, wall=0.4):
    """Return a run; `on` and `off` are shares of episodes with a breach."""
    end = {"steps": 100, "return": 30.0, "breach_s": 1.0, "breached": 0.1, "changed": 0.4}
    sides = {
        name: {"return": 10.0 * seed, "breach_s": 0.01 * share, "breached": share,
               "deepest": share, "changed": 0.5}
        for name, share in (("on", on), ("off", off))
    }  # fmt: skip
    costs = {"episode_cost.wall": wall, "episode_cost.speed limit": 0.1}
    return {"seed": seed, "steps": 100, "breach_steps": breach_steps, "cpu_s": 2.0,
            "curve": [end | costs], "rule": "braking", **sides}  # fmt: skip


def test_one_episode_with_a_breach_behind_the_shield_misses_the_target_whatever_the_mean():
    setup = Setup(plant=RAIL, way="ppo-shield")
    clean, slip = [row(1), row(2), row(3)], [row(1), row(2), row(3, on=1 / 128)]

    assert broken(setup, clean, "on").met is True
    assert broken(setup, slip, "on").met is False
    assert broken(setup, clean, "off").met is None
    assert on_the_way(setup, clean).met is True
    assert on_the_way(setup, [*clean[:2], row(3, breach_steps=1)]).met is False


def test_a_return_stands_beside_the_rules_with_what_its_mean_hides():
    figure = returned(Setup(plant=RAIL, way="cpo"), [row(1), row(2), row(3)], row(4), "off")

    assert (figure.ours, figure.peer, figure.ratio) == (20.0, 40.0, 0.5)
    assert figure.low < 10.0
    assert figure.high > 30.0
    assert "25.0% of episodes with a breach" in figure.note


def test_a_limit_on_a_mean_is_met_by_the_whole_interval():
    setup = Setup(plant=RAIL, way="cpo")

    wide = next(within_limits(setup, [row(1, wall=0.1), row(2, wall=0.1), row(3, wall=0.9)]))
    close = next(within_limits(setup, [row(1), row(2), row(3)]))

    assert (wide.target, wide.met) == (0.5, False)
    assert close.met is True


def test_a_way_that_lacks_runs_is_named_and_misses():
    kept = [(Setup(plant=RAIL, way="ppo"), [row(1), row(2)]), (Setup(plant=RAIL, way="rule"), [])]

    (last,) = figures(kept)

    assert (last.ours, last.met) == (2.0, False)
    assert last.note == f"{RAIL} ppo, {RAIL} rule"


def test_the_curves_are_drawn(tmp_path):
    kept = [(setup, [row(seed) for seed in range(1, setup.seeds + 1)]) for setup in SETUPS]

    draw(kept, tmp_path / "curves.png")

    assert (tmp_path / "curves.png").read_bytes()[1:4] == b"PNG"
