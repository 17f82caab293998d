# SPDX-License-Identifier: MIT
"""The shipped certificates: proved again, attacked with what they allow and with more than that."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from flyball import safety
from flyball.core.certificate import to_text
from flyball.core.errors import ConfigError, ScenarioError, SolverError
from flyball.core.limits import Box, Clamp, Linear
from flyball.experiments import proofs
from tests.cli.attackers import attacked, states_in

NAMES = [path.name for path in proofs.shipped()]

BREAKS = {
    "double-integrator-0.1s.json": 6.0,
    "double-integrator-0.5s.json": 3.0,
    "inverted-pendulum-0.1s.json": 4.0,
    "inverted-pendulum-0.5s.json": 2.0,
    "two-tanks-2s.json": 2.0,
}
"""Disturbance, as a multiple of the stated one, with which the attackers do break the limits."""


@cache
def proved(name):
    """Return certificate, envelope and what the plant states."""
    certificate, envelope = proofs.proved(proofs.FOLDER / name)
    return certificate, envelope, proofs.stated_of(certificate.plant)


def attack(name, times):
    certificate, envelope, stated = proved(name)
    low, high = proofs.aim_of(certificate.plant).span(stated.parameters)
    start = states_in(envelope, low, high, 1000)
    assert len(start) == 1000
    return attacked(stated, envelope, start, max(15, round(10.0 / certificate.hold_s)), times)


def test_everything_that_is_aimed_at_is_shipped_and_nothing_else():
    aimed = {
        f"{plant}-{hold_s:g}s.json" if hold_s else f"{plant}.json"
        for plant, aim in proofs.AIMS.items()
        for hold_s in aim.holds_s
    }

    assert set(NAMES) == aimed


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_certificate_is_proved_again(name):
    certificate, envelope, stated = proved(name)

    assert proofs.name_of(certificate) == name
    assert envelope.safe is not None
    assert certificate.parameters == stated.parameters


@pytest.mark.parametrize("name", BREAKS)
def test_no_attacker_within_the_bounds_breaks_a_limit_between_samples_either(name):
    assert attack(name, 1.0) <= 0.0


@pytest.mark.parametrize("name", BREAKS)
def test_the_same_attackers_break_it_when_the_disturbance_is_stronger(name):
    assert attack(name, BREAKS[name]) > 0.0


@pytest.mark.parametrize("name", BREAKS)
def test_twice_the_disturbance_is_refused_by_name(name):
    certificate, _, stated = proved(name)
    setting = {
        "double-integrator": "disturbance_m_per_s2",
        "inverted-pendulum": "disturbance_nm",
        "two-tanks": "disturbance_l_per_s",
    }[certificate.plant]
    twice = 2.0 * stated.parameters["disturbance"]

    with pytest.raises(ScenarioError, match=r"parameter disturbance: .* allowed: "):
        proofs.proved(proofs.FOLDER / name, **{setting: twice})


@pytest.mark.parametrize("name", BREAKS)
def test_twice_the_disturbance_is_refused_by_the_proof_too(name, tmp_path):
    certificate, _, stated = proved(name)
    setting = {
        "double-integrator": "disturbance_m_per_s2",
        "inverted-pendulum": "disturbance_nm",
        "two-tanks": "disturbance_l_per_s",
    }[certificate.plant]
    twice = 2.0 * stated.parameters["disturbance"]
    # The forger changes what the certificate says of the plant, and all hashes with it.
    forged = replace(certificate, parameters=dict(certificate.parameters) | {"disturbance": twice})
    proofs.write(tmp_path / name, forged)

    with pytest.raises(ScenarioError, match="a proof that holds for this model"):
        proofs.proved(tmp_path / name, **{setting: twice})


@pytest.mark.parametrize(("name", "least"), [("0.1s", 0.95), ("0.5s", 0.96)])
def test_the_carriage_may_use_most_of_what_braking_allows_and_no_more(name, least):
    _, envelope, stated = proved(f"double-integrator-{name}.json")
    own = stated.parameters
    state = np.random.default_rng(0).uniform((-5.0, -2.0), (5.0, 2.0), (50_000, 2))
    brake = 2.0 * (own["acceleration"] - own["disturbance"])
    right = np.maximum(state[:, 1], 0.0) ** 2 <= brake * (own["wall"] - state[:, 0])
    left = np.maximum(-state[:, 1], 0.0) ** 2 <= brake * (own["wall"] + state[:, 0])

    kept = envelope.safe.margin(state, state) >= 0.0

    assert not (kept & ~(right & left)).any()
    assert kept.sum() >= least * (right & left).sum()


@pytest.mark.parametrize("plant", ["inverted-pendulum", "two-tanks"])
def test_a_plant_that_bends_is_none_for_the_proof_of_linear_ones(plant):
    stated = proofs.stated_of(plant, step_s=0.1)
    low, high = (np.array(side) for side in proofs.aim_of(plant).span(stated.parameters))
    search = proofs.search_of(stated, low, high, 0.1)

    with pytest.raises(ConfigError, match="a linear step that only encloses the plant"):
        safety.certificates.prove_polytope(stated, search)
    # A world that says of such a plant that it is linear is not believed.
    claimed = replace(stated.envelope.affine, exact=True)
    stated = stated._replace(envelope=replace(stated.envelope, affine=claimed))
    search = search._replace(contraction=0.99, depth=0.001, sway=None)
    with pytest.raises(SolverError, match=r"two models of the step disagree|no state is left"):
        safety.certificates.prove_polytope(stated, search)


WELL = Linear(name="well", unit="l/s", bound=0.4, values={"first_flow": 1.0, "second_flow": 1.0})


def test_the_tanks_are_proved_under_what_their_well_gives():
    envelope = proofs.safe("two-tanks", limits=(WELL,))

    low = np.full((1000, 2), 0.05)
    state = np.random.default_rng(0).uniform(low, 0.5)
    assert WELL in envelope.limits
    assert envelope.backup.value(state, state).sum(1).max() <= 0.4
    assert (envelope.safe.margin(state, state) >= 0.0).mean() > 0.9


def test_a_sum_that_the_shipped_backup_breaks_is_named_and_can_be_proved_anew():
    dry = replace(WELL, bound=0.2)

    with pytest.raises(ScenarioError, match=r"limit 'well': a backup whose values come to 0\.25"):
        proofs.safe("two-tanks", limits=(dry,))
    with pytest.raises(ConfigError, match="keeps every hard sum"):
        proofs.make("two-tanks", 2.0, lambda *_: None, limits=(replace(WELL, bound=-1.0),))


def test_a_range_of_the_site_narrows_what_is_tried_and_a_clamp_does_not():
    pipe = Box(name="pipe", unit="l/s", value="first_flow", low=0.0, high=0.2)
    shift = Clamp(name="shift", unit="l/s", value="second_flow", low=0.0, high=0.1)

    low, high = proofs.range_of(proofs.stated_of("two-tanks", limits=(pipe, shift)))

    assert low.tolist() == [0.0, 0.0]
    assert high.tolist() == [0.2, 0.25]


def test_a_proof_can_be_made_anew_for_another_plant(tmp_path):
    plant = {"flow_l_per_s": 0.3, "level_error_m": 0.001}

    certificate = proofs.make("two-tanks", 1.0, lambda *_: None, **plant)

    proofs.write(tmp_path / "mine" / "own.json", certificate)
    again, envelope = proofs.proved(tmp_path / "mine" / "own.json", **plant)
    assert again == certificate
    assert envelope.hold_s == 1.0
    with pytest.raises(ScenarioError, match="parameter flow"):
        proofs.proved(tmp_path / "mine" / "own.json")


@pytest.mark.parametrize(
    ("plant", "step_s", "hold_s"),
    [
        ("double-integrator", 0.02, 0.1),
        ("double-integrator", 0.25, 0.5),
        ("inverted-pendulum", 0.1, 0.1),
        ("two-tanks", 0.5, 2.0),
    ],
)
def test_a_plant_gets_the_shortest_hold_that_its_step_divides(plant, step_s, hold_s):
    envelope = proofs.safe(plant, step_s=step_s)

    assert envelope.hold_s == hold_s
    assert envelope.backup is not None
    assert envelope.affine.step_s == step_s


def test_a_finite_plant_gets_its_table_whatever_its_step():
    envelope = proofs.safe("forbidden-grid")

    assert envelope.safe.winning.sum() == 46
    assert not envelope.safe.winning[envelope.finite.forbidden].any()


def test_a_step_that_divides_no_hold_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match=r"0.3 s.*flyball certify --make .* --hold 0.3"):
        proofs.safe("inverted-pendulum", step_s=0.3)


def test_another_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'two-tanks'"):
        proofs.aim_of("two-tank")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", None])
def test_a_file_that_is_none_is_refused(content, tmp_path):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ScenarioError, match=r"a\.json: .*fix: copy it again"):
        proofs.read(path)


def test_what_is_written_is_the_text_of_the_certificate(tmp_path):
    certificate, _, _ = proved(NAMES[0])

    proofs.write(tmp_path / "a.json", certificate)

    assert (tmp_path / "a.json").read_text() == to_text(certificate)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text())["hash"] == certificate.hash
