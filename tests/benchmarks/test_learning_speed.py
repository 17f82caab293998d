# SPDX-License-Identifier: MIT
"""What measures learning measures what it says; the speeds themselves are not tested."""

import sys

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from speed import best, rates, reach, teams


def test_a_rival_is_asked_for_work_and_its_own_processor_time_counts(tmp_path, monkeypatch):
    script = "from answering import answer\nanswer(lambda n: sum(range(200_000)) and 3 * n)\n"
    (tmp_path / "counts.py").write_text(script)
    (tmp_path / "answering.py").write_text((rates.RIVALS / "answering.py").read_text())
    monkeypatch.setattr(rates, "PEERS", sys.executable)
    monkeypatch.setattr(rates, "RIVALS", tmp_path)

    with rates.rival("counts.py", 4) as measure:
        found = [measure(), measure()]

    assert all(12 / 1.0 < rate < 12 / 1e-5 for rate in found)


def test_a_rival_that_cannot_start_is_named(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise SystemExit(3)\n")
    monkeypatch.setattr(rates, "PEERS", sys.executable)
    monkeypatch.setattr(rates, "RIVALS", tmp_path)

    says = pytest.raises(RuntimeError, match=r"broken.py ended before it was ready, with 3")

    with says, rates.rival("broken.py", 1):
        pass


def test_without_a_rival_the_figure_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(rates, "PEERS", tmp_path / ".venv-peers-learning" / "bin" / "python")

    figure = rates.missing("steps_per_s", lambda: 7.0, target=2.0, note="a note")

    assert (figure.ours, figure.ratio, figure.target, figure.met) == (7.0, None, 2.0, None)
    assert figure.note == ("not compared: .venv-peers-learning is missing; run: make peers; a note")


def test_teams_are_measured_alone_where_the_rival_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(teams, "PEERS", tmp_path / "python")
    monkeypatch.setattr(teams, "our_steps", lambda _net, _rounds: lambda: 5.0)

    figures = teams.qmix(1, 1)

    assert [figure.metric for figure in figures] == [
        "qmix_spread_steps_per_s",
        "qmix_spread_with_memory_steps_per_s",
    ]
    assert all("make peers" in figure.note for figure in figures)


def test_the_note_says_the_median_of_the_pairs():
    both = ([2.0, 3.0, 40.0], [1.0, 1.0, 1.0])

    figure = rates.compared("x", both, peer="theirs", target=2.0, note="how")

    assert figure.note == "how; median of the ratios 3.00"
    assert figure.n == 3


def test_a_policy_that_lets_the_pole_fall_is_far_from_solving_it():
    def always_left(obs):
        return np.zeros(len(obs), np.int64)

    def balances(obs):
        return (obs[:, 2] + 0.5 * obs[:, 3] + 0.1 * obs[:, 1] + 0.05 * obs[:, 0] > 0).astype(int)

    assert reach.mean_return(always_left) < 12
    assert reach.mean_return(balances) == reach.mean_return(balances) > reach.SOLVED


def test_their_settings_are_those_that_were_published():
    cell = reach.load()[reach.CELL]

    assert cell.source.startswith("zoo")
    assert (cell.settings["n_envs"], cell.settings["n_steps"], cell.settings["n_epochs"]) == (
        8,
        32,
        20,
    )
    assert reach.EVERY % (cell.settings["n_envs"] * cell.settings["n_steps"]) == 0
    assert reach.EVERY % (reach.N_ENVS * reach.SETTINGS.n_steps) == 0


def test_the_fastest_setting_counts_only_where_it_learns_from_every_seed():
    slow, lucky, fast = (best.Choice(copies, 1, 1024, (32,)) for copies in (64, 128, 512))
    rates_of = {slow: lambda: 1.0, lucky: lambda: 2.0, fast: lambda: 3.0}

    def solves(choice, seed):
        return choice is slow or (choice is lucky and seed == best.SEEDS[0])

    assert best.fastest(rates_of, solves) is slow
    with pytest.raises(LookupError, match="none of 3 settings solves cart-pole"):
        best.fastest(rates_of, lambda _choice, _seed: False)


def test_both_libraries_choose_from_the_same_settings():
    choice = best.CHOICES[0]

    net, config = best.ours_of(choice)
    theirs = best.their_settings(choice)

    assert theirs.pop("policy_kwargs") == {"net_arch": list(net.hidden)}
    assert theirs == {
        "n_steps": config.n_steps,
        "batch_size": config.minibatch,
        "n_epochs": config.epochs,
        "learning_rate": config.rate,
        "gamma": config.gamma,
        "gae_lambda": config.lam,
    }
    assert net.hidden == net.critic_hidden
    assert all(each.block <= each.steps for each in best.CHOICES)
