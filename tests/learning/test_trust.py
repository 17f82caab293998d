# SPDX-License-Identifier: MIT
import numpy as np
import pytest
import torch

from flyball.core.spec import Hybrid
from flyball.learning.nets.net import Net, NetConfig, Outputs
from flyball.learning.nets.rows import inputs_of
from flyball.learning.trust import Region, Terms, Verdict, acceptable, conjugate, divergence, search
from flyball.policies import Sizes, sizes_of
from tests.learning.steady import PUMP, VALVE, arms
from tests.learning.toys import Plant

MODE = Hybrid("mode", 2, ((), ("valve",)))
HEADS = {"choices": (arms(3), arms(2)), "values": (VALVE, PUMP), "both": (arms(3), VALVE)}
BOTH = (-9.0, 9.0)


def region(heads, deviation="state", n_rows=12, seed=0):
    env = Plant(n_rows, heads)
    net = Net(env.spec, NetConfig(hidden=(6,), norm="none", deviation=deviation), seed)
    with torch.no_grad():  # far from uniform, so that a wrong term would show
        net.actor.last.weight.mul_(60.0)
    rows = net.normalise(inputs_of(env.reset(np.arange(n_rows))))
    return net, Region(net.actor, net.sizes, rows)


def said(scores, mean, log_std):
    return Outputs(*(torch.tensor(part, dtype=torch.float64) for part in (scores, mean, log_std)))


def test_the_divergence_of_values_is_that_of_normals_by_quadrature():
    sizes = Sizes(1, 0, 0, (), ((-1.0,),), ((1.0,),))
    old, new = said([[]], [[0.3]], [[-0.2]]), said([[]], [[-0.5]], [[0.4]])

    found = divergence(sizes, old, new, torch.zeros(1, 0, dtype=torch.bool))

    u = np.linspace(-12, 12, 400_001)
    log_p = -0.5 * ((u - 0.3) / np.exp(-0.2)) ** 2 + 0.2
    log_q = -0.5 * ((u + 0.5) / np.exp(0.4)) ** 2 - 0.4
    density = np.exp(log_p) / np.sqrt(2 * np.pi)
    assert found.item() == pytest.approx(np.trapezoid(density * (log_p - log_q), u), abs=1e-9)


def test_the_divergence_of_choices_counts_what_is_legal_and_nothing_else():
    sizes = Sizes(1, 0, 0, (3,))
    scores = [[1.0, 2.0, 50.0], [0.0, 0.0, 0.0]], [[2.0, 2.0, -50.0], [1.0, 5.0, 2.0]]
    mask = torch.tensor([[True, True, False], [False, False, False]])
    old, new = (said(each, np.zeros((2, 0)), np.zeros((2, 0))) for each in scores)

    found = divergence(sizes, old, new, mask)

    p, q = np.exp([1.0, 2.0]), np.exp([2.0, 2.0])
    p, q = p / p.sum(), q / q.sum()
    assert found.tolist() == pytest.approx([(p * np.log(p / q)).sum(), 0.0])


def test_a_value_that_a_choice_does_not_use_counts_by_how_likely_it_is_used():
    sizes = sizes_of(Plant(1, (MODE, VALVE)).spec)
    mask = torch.ones(1, 2, dtype=torch.bool)
    old = said([[0.0, np.log(3.0)]], [[0.0]], [[0.0]])
    new = old._replace(mean=torch.tensor([[2.0]]))

    found = divergence(sizes, old, new, mask)

    assert found.item() == pytest.approx(0.75 * 2.0)


@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("deviation", ["free", "state"])
def test_the_product_is_the_hessian_of_the_divergence_by_differences(heads, deviation):
    if deviation == "free" and heads == HEADS["choices"]:
        pytest.skip("has no deviation")
    _, own = region(heads, deviation)
    draws = np.random.default_rng(0)
    vector = torch.from_numpy(draws.normal(size=len(own.origin)))

    found = own.fisher(1, 0.5)(vector)

    def slope(at):
        torch.nn.utils.vector_to_parameters(own.origin + at * vector, own.parameters)
        return own.slope(own.divergence().mean())

    wide = (slope(1e-4) - slope(-1e-4)) / 2e-4
    torch.testing.assert_close(found, wide + 0.5 * vector, rtol=1e-5, atol=1e-6)
    assert float(vector @ found) > 0


def test_conjugate_gradients_solve_what_they_are_given():
    draws = np.random.default_rng(1)
    root = draws.normal(size=(12, 12))
    matrix = torch.from_numpy(root @ root.T + np.eye(12))
    b = torch.from_numpy(draws.normal(size=12))

    found = conjugate(lambda x: matrix @ x, b, 40)

    torch.testing.assert_close(found, torch.linalg.solve(matrix, b), rtol=0, atol=1e-8)
    assert not conjugate(lambda x: matrix @ x, torch.zeros(12, dtype=torch.float64), 5).any()


def test_a_number_that_is_none_ends_conjugate_gradients_where_they_are():
    b = torch.ones(3, dtype=torch.float64)

    found = conjugate(lambda x: x * torch.nan, b, 5)

    assert not found.any()


def test_a_region_judges_what_will_act_and_leaves_the_actor_alone():
    net, own = region(HEADS["both"])
    before = torch.nn.utils.parameters_to_vector(net.actor.parameters()).clone()

    placed = own.place(own.origin + 1e-3)
    unmoved = torch.equal(torch.nn.utils.parameters_to_vector(net.actor.parameters()), before)
    judged = own.divergence().mean().detach()
    own.give(placed, net.actor)

    assert unmoved
    assert torch.equal(torch.nn.utils.parameters_to_vector(net.actor.parameters()).double(), placed)
    again = Region(net.actor, net.sizes, own.rows)
    kl = divergence(net.sizes, own.old, again.old, own.rows.mask).mean()
    assert float(kl) == float(judged) > 0


GOOD = Verdict(0.1, np.array([0.0, -0.2]), 0.01)
TERMS = Terms(np.array([0.05, 0.0]), np.array([False, True]), 0.02, gains=True)


def test_a_step_that_keeps_everything_is_acceptable():
    assert acceptable(GOOD, TERMS)


@pytest.mark.parametrize(
    "fault",
    [
        {"gain": 0.0},
        {"gain": -1.0},
        {"kl": 0.021},
        {"change": np.array([0.051, -0.2])},
        {"change": np.array([0.0, 0.0])},
    ],
)
def test_a_step_that_breaks_one_term_is_not(fault):
    assert not acceptable(GOOD._replace(**fault), TERMS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("gains", [True, False])
@pytest.mark.parametrize("where", ["gain", "kl", "change"])
def test_a_number_that_is_none_is_never_acceptable(where, value, gains):
    spoilt = np.array([value, -0.2]) if where == "change" else value

    assert not acceptable(GOOD._replace(**{where: spoilt}), TERMS._replace(gains=gains))


@pytest.mark.parametrize("where", ["gain", "kl", "change"])
def test_after_a_number_that_is_none_the_step_is_shorter_and_is_tried_again(where):
    spoilt = np.array([np.nan, -0.2]) if where == "change" else np.nan
    tried = []

    def judge(own):
        tried.append(own.share)
        return GOOD._replace(**{where: spoilt}) if own.share > 0.4 else GOOD

    found, verdict = search(judge, TERMS, tries=9, shrink=0.5)

    assert tried == [1.0, 0.5, 0.25]
    assert found.share == 0.25
    assert verdict is GOOD


def test_a_step_that_is_never_acceptable_is_not_taken():
    found, verdict = search(lambda _: GOOD._replace(kl=np.nan), TERMS, tries=5, shrink=0.8)

    assert found.share == 0.0
    assert verdict is None


def test_a_cost_that_bends_over_its_limit_tightens_it_instead_of_shortening_the_step():
    def judge(own):
        return GOOD._replace(change=np.array([0.08 - own.spare[0], -0.2]))

    found, _ = search(judge, TERMS, tries=9, shrink=0.5)

    assert found.share == 1.0
    assert 0.03 <= found.spare[0] < 0.031
