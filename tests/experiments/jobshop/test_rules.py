# SPDX-License-Identifier: MIT
from dataclasses import replace

import pytest

from flyball.core.errors import RunError
from flyball.experiments.jobshop.rules import (
    Tuning,
    append_trials,
    load_rules,
    load_tuning,
    read_trials,
    save_rules,
    setting,
)
from flyball.experiments.runs import write_json
from flyball.worlds.jobshop import RULES, Trial

CUT = Tuning(converged=False, trials=7, shops=4)


def test_tuned_rules_survive_a_file_in_their_order(tmp_path):
    tuned = [replace(RULES["ATCS"], lead=2.0, look_ahead=4.0, patience=True), RULES["EDD"]]

    save_rules(tmp_path / "rules.json", tuned, CUT)

    assert load_rules(tmp_path / "rules.json") == tuned
    assert load_tuning(tmp_path / "rules.json") == CUT


def test_rules_of_an_earlier_version_are_refused_with_what_to_do(tmp_path):
    write_json(tmp_path / "rules.json", [{"name": "EDD"}])

    with pytest.raises(RunError, match="train anew"):
        load_rules(tmp_path / "rules.json")


def test_how_tuning_ended_is_said_in_words():
    assert "until the time was over: 7 settings" in CUT.words()
    assert "until no single setting helped" in replace(CUT, converged=True).words()


def test_trials_are_kept_to_the_last_bit_and_one_that_was_cut_in_two_is_skipped(tmp_path):
    path = tmp_path / "trials.jsonl"
    rules = [replace(RULES["ATCS"], look_ahead=4.0), replace(RULES["SPT"], patience=True)]

    assert read_trials(path) == {}
    append_trials(path, [Trial(rule=rules[0], score=1 / 3)])
    append_trials(path, [Trial(rule=rules[1], score=0.1)])
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"name": "AT')

    assert read_trials(path) == {rules[0]: 1 / 3, rules[1]: 0.1}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (RULES["ATC"], ""),
        (replace(RULES["ATC"], look_ahead=8.0), "k 8"),
        (replace(RULES["EDD"], patience=True), "passes over what cannot start now"),
        (replace(RULES["ATCS"], lead=1.5, setup_look_ahead=0.2), "lead 1.5, set-up k 0.2"),
        (replace(RULES["EDD"], look_ahead=8.0), ""),
    ],
)
def test_a_setting_names_what_differs_from_the_textbook_and_matters(rule, words):
    assert setting(rule) == words
