# SPDX-License-Identifier: MIT
import math
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
import torch

from flyball.core.batch import Action
from flyball.core.errors import ConfigError
from flyball.learning.experience.sequel import Examples
from flyball.learning.veto import Veto, VetoConfig, fit, margin
from tests.learning.tolls import COSTS, LEGAL, Tolls

QUICK = VetoConfig(members=3, hidden=(16,), epochs=30, minibatch=64, rate=1e-2)


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.34, 0.5])
def test_of_all_orders_of_distinct_scores_exactly_the_promised_share_is_covered(n, alpha):
    covered = [
        order[-1] <= margin(np.array(order[:-1], float), alpha)
        for order in permutations(range(n + 1))
    ]

    promised = 1 - Fraction(str(alpha))
    share = Fraction(sum(covered), len(covered))
    assert share == Fraction(math.ceil((n + 1) * promised), n + 1)
    assert promised <= share < promised + Fraction(1, n + 1)


def test_coverage_holds_at_any_number_of_scores_where_ceiling_meets_rounding():
    for n in range(1, 400):
        for alpha in (0.01, 0.05, 0.1, 0.25):
            exact = math.ceil((n + 1) * (1 - Fraction(str(alpha))))
            found = margin(np.arange(1.0, n + 1), alpha)
            assert found == (exact if exact <= n else math.inf)


def test_a_score_that_is_no_number_is_the_worst_there_is():
    score = np.array([np.nan, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])

    assert margin(score, 0.1) == math.inf
    assert margin(score, 0.2) == 8.0


def told(n, seed, group=None, noise=0.0):
    """Return examples of the first toll of `Tolls`, some of it at random."""
    draws = np.random.default_rng(seed)
    state, choice = draws.integers(0, 3, n), draws.integers(0, 2, n)
    seen = np.concatenate((np.eye(3)[state], np.eye(3)[choice]), 1).astype(np.float32)
    coming = COSTS[0, state, choice][:, None] + noise * draws.exponential(size=(n, 1))
    return Examples(seen, coming, np.arange(n) if group is None else group)


def asked(n=9):
    """Return an observation of every state with every choice."""
    env = Tolls(n)
    env.place = np.repeat(np.arange(3), 3)
    choice = np.tile(np.arange(3), 3).astype(np.int32).reshape(n, 1, 1)
    return env._observe(), Action(choice, np.zeros((n, 1, 0)))


def test_it_vetoes_what_costs_too_much_and_nothing_that_is_well_below():
    config = replace(QUICK, tolerated={"toll_0": 0.8})
    veto = fit(Tolls(1).spec, told(3000, 0, noise=0.02), config)

    observation, action = asked()
    vetoed = veto.vetoes(observation, action)

    assert vetoed.shape == (9, 1)
    for k, (state, choice) in enumerate((s, a) for s in range(3) for a in range(3)):
        if choice < 2:
            assert vetoed[k, 0] == (COSTS[0, state, choice] > 0.8)
    assert LEGAL[:, :2].all()


def test_the_bound_covers_new_examples_as_often_as_was_promised_however_bad_the_networks():
    alpha, covered, trials = 0.2, 0, 60
    for seed in range(trials):
        examples = told(60, seed, noise=1.0)
        config = replace(QUICK, alpha=alpha, members=1, epochs=1, hidden=(2,), seed=seed)
        veto = fit(Tolls(1).spec, examples, config)
        new = told(50, 1000 + seed, noise=1.0)
        covered += np.mean(new.coming <= veto.predicted(new.seen) + veto.margin)

    # 24 scores: rank 20 of 25, so 0.8 on average; the deviation of the mean is about 0.012.
    assert covered / trials == pytest.approx(0.8, abs=0.045)


def test_the_margin_is_of_the_worst_example_of_each_group():
    veto = Veto(Tolls(1).spec, replace(QUICK, alpha=0.3, covers="episode"))
    examples = told(40, 0, group=np.arange(40) // 4, noise=2.0)

    veto.calibrate(examples)

    short = (examples.coming - veto.predicted(examples.seen))[:, 0].reshape(10, 4).max(1)
    assert veto.margin[0] == np.sort(short)[math.ceil(11 * 0.7) - 1]


def test_a_decision_is_covered_by_one_example_drawn_from_each_group():
    examples = told(400, 0, group=np.arange(400) // 40, noise=2.0)
    margins = []
    for seed in range(200):
        veto = Veto(Tolls(1).spec, replace(QUICK, alpha=0.3, seed=seed))
        veto.predicted = lambda seen: np.zeros((len(seen), 1))
        veto.calibrate(examples)
        margins.append(veto.margin[0])
        assert veto.margin[0] in examples.coming
    covered = np.mean([np.mean(examples.coming <= each) for each in margins])

    # Rank 8 of 11 over groups that are alike.
    assert covered == pytest.approx(8 / 11, abs=0.03)
    assert len(set(margins)) > 50


def test_several_costs_share_what_may_go_wrong():
    veto = Veto(Tolls(1, (3.0, 2.0)).spec, replace(QUICK, alpha=0.4))
    one = told(20, 0, noise=1.0)
    examples = one._replace(coming=np.repeat(one.coming, 2, 1))

    veto.calibrate(examples)

    for k in range(2):
        short = (examples.coming - veto.predicted(examples.seen))[:, k]
        assert veto.margin[k] == np.sort(short)[math.ceil(21 * 0.8) - 1]


@pytest.mark.parametrize("n", [0, 5, 18])
def test_with_too_few_episodes_for_the_share_everything_is_vetoed(n):
    veto = Veto(Tolls(1).spec, replace(QUICK, alpha=0.05))
    veto.calibrate(told(n, 0))

    assert veto.vetoes(*asked()).all()
    assert np.isposinf(veto.bound(*asked())).all()


def test_before_it_was_fitted_it_vetoes_everything():
    assert Veto(Tolls(1).spec, QUICK).vetoes(*asked()).all()


@pytest.mark.parametrize("where", ["obs", "choice", "weight", "margin"])
def test_what_is_no_number_is_vetoed(where):
    config = replace(QUICK, tolerated={"toll_0": 99.0})
    veto = fit(Tolls(1).spec, told(400, 0), config)
    observation, action = asked()
    assert not veto.vetoes(observation, action).any()

    if where == "obs":
        observation.obs[4] = np.nan
    elif where == "choice":
        action.choice[4] = 7
    elif where == "weight":
        with torch.no_grad():
            next(iter(veto.members.parameters())).fill_(torch.nan)
    else:
        veto.margin = np.array([np.nan])

    vetoed = veto.vetoes(observation, action)
    assert vetoed[4].all()
    assert vetoed.all() == (where in ("weight", "margin"))


def test_a_restored_veto_says_the_same():
    first = fit(Tolls(1).spec, told(300, 0), QUICK)
    second = Veto(Tolls(1).spec, replace(QUICK, seed=5))

    second.restore(first.state())

    np.testing.assert_array_equal(first.bound(*asked()), second.bound(*asked()))
    assert np.isfinite(first.bound(*asked())).all()


@pytest.mark.parametrize(
    ("tolerated", "message"),
    [
        ({"tol_0": 1.0}, r"veto\.tolerated: 'tol_0'; allowed: toll_0; fix: did you mean 'toll_0'"),
        ({"toll_0": np.nan}, r"veto\.tolerated\.toll_0: nan; allowed: a finite number"),
    ],
)
def test_a_cost_that_cannot_be_tolerated_is_refused(tolerated, message):
    with pytest.raises(ConfigError, match=message):
        Veto(Tolls(1).spec, replace(QUICK, tolerated=tolerated))


def test_a_setting_out_of_range_is_refused_with_the_range():
    with pytest.raises(ConfigError, match=r"veto\.alpha: 1; allowed: in \(0, 1\)"):
        VetoConfig(alpha=1)
