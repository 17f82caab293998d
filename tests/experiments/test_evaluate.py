# SPDX-License-Identifier: MIT
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flyball.core.clock import ManualClock
from flyball.core.errors import ConfigError, RunError
from flyball.experiments import evaluate as evaluating
from flyball.experiments import runs
from flyball.experiments.evaluate import (
    ALONE,
    BEHIND,
    compare,
    contenders,
    evaluate_run,
    half_width,
    ranked,
    settled,
    subject_in,
)
from flyball.experiments.shielding import ShieldSettings
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject
from flyball.experiments.train import asked_of, start_run
from tests.experiments.any_runs import small, unwatched

CARTPOLE = Subject("classics/cartpole")


def compared(subject: Subject, policy: str, episodes: int = 12):
    return compare(subject, subject.rivals()[policy], episodes, unwatched, ManualClock())


def test_the_exported_policy_stands_beside_every_rival_on_the_same_episodes(any_run: Path):
    evaluation = evaluate_run(any_run, unwatched, episodes=8)

    names = {each.name for each in evaluation.methods}
    assert names == {"policy", *CARTPOLE.rivals()}
    assert {len(each.kpi["return"]) for each in evaluation.methods} == {8}
    assert evaluation.best_rule not in ("random", "constant")
    assert evaluation.facts["optimum"] == 500.0
    kept = runs.read_json(any_run / runs.EVALUATION)
    assert kept["sentence"] == evaluation.sentence
    again = evaluate_run(any_run, unwatched, episodes=8)
    assert again.method("policy").kpi == evaluation.method("policy").kpi


def test_a_policy_that_reaches_the_optimum_is_as_good_as_the_rival_that_does():
    best = settled(CARTPOLE, contenders(CARTPOLE)).rival

    evaluation = compared(CARTPOLE, best)

    assert evaluation.verdict == "as good"
    assert "The known optimum is 500.0: the policy reaches it." in evaluation.sentence


def test_random_choice_is_worse_than_the_best_rival():
    evaluation = compared(CARTPOLE, "random")

    assert evaluation.verdict == "worse"
    assert ranked(evaluation)[0].name == evaluation.best_rule


def test_the_best_rival_is_settled_before_a_held_out_episode_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
):
    asked = []
    own = evaluating.outcomes

    def outcomes(subject, policy, stream, n_episodes, draw=None):
        asked.append((stream, draw is not None))
        return own(subject, policy, stream, n_episodes, draw=draw)

    monkeypatch.setattr(evaluating, "outcomes", outcomes)
    n = len(CARTPOLE.rivals())

    compared(CARTPOLE, "constant", 4)

    assert [stream for stream, _ in asked] == [Stream.VALIDATE] * n + [Stream.EVALUATE] * (n + 1)
    assert sum(drawn for _, drawn in asked) == 2  # random choice only


def test_where_no_rule_is_known_the_better_reference_is_the_rival():
    counter = Subject("classics/constant")
    rivals = {name: contenders(counter)[name] for name in ("random", "constant")}

    assert settled(counter, rivals).rival in rivals


@pytest.mark.parametrize("episodes", [1, 100_001])
def test_a_number_of_episodes_that_compares_nothing_is_refused(any_run: Path, episodes: int):
    with pytest.raises(ConfigError, match="leave it out for 100"):
        evaluate_run(any_run, unwatched, episodes=episodes)


def test_a_folder_without_a_run_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(RunError, match="flyball train makes one"):
        evaluate_run(tmp_path / "none", unwatched)


BOARD = Subject("classics/forbidden-grid")
RAIL = Subject("classics/double-integrator", {"episode_s": 10.0})


def test_a_rival_that_breaks_a_limit_is_none_though_it_earns_more():
    found = settled(BOARD, contenders(BOARD))

    earned = compared(BOARD, "greedy", 5)
    assert found.rival == "safe path"
    assert ranked(earned)[0].mean("return") > earned.method("safe path").mean("return")


def test_a_policy_that_breaks_a_limit_is_told_which_by_how_much_and_in_what_unit():
    evaluation = compared(RAIL, "greedy", 8)

    assert evaluation.verdict == "breaks a limit"
    assert re.match(
        r"Breaks a limit: on 8 new episodes '(wall|speed limit)' came to a mean of [\d.]+ s "
        r"\(95 % interval .*\), [\d.]+ s above its limit of 0\.00 s; 100 % of the episodes",
        evaluation.sentence,
    )
    assert evaluation.sentence.endswith("Keep braking.")
    kept = evaluation.method("braking")
    assert {name: sum(spent) for name, spent in kept.cost.items()} == {"wall": 0, "speed limit": 0}
    limits = {each["name"]: each for each in evaluation.facts["limits"]}
    assert limits["wall"]["mean"] == pytest.approx(
        np.mean(evaluation.method("policy").cost["wall"])
    )


SHIELDED = replace(RAIL, shield=ShieldSettings())


def test_a_policy_with_a_shield_is_judged_behind_it_and_shown_without_it_as_its_rivals_are():
    evaluation = compared(SHIELDED, "greedy", 6)

    own, alone = evaluation.method("policy"), evaluation.method(ALONE)
    assert evaluation.verdict != "breaks a limit"
    assert sum(sum(spent) for spent in own.cost.values()) == 0
    assert sum(sum(spent) for spent in alone.cost.values()) > 0
    assert min(own.changed) > 0.1
    assert alone.changed == ()
    assert "with 95 % confidence at most 50 % of episodes have any" in evaluation.sentence
    assert re.search(
        r"The Shield changed [\d.]+ % of its decisions; without it the policy has a mean return of "
        r"[\d.]+ reward, and breaks limits: '.* above its limit of 0\.00 s; 100 % of the episodes",
        evaluation.sentence,
    )
    behind = evaluation.method(f"greedy{BEHIND}")
    assert behind.kpi == own.kpi
    assert {"random", "constant"} & {each.name for each in evaluation.methods}
    assert f"random{BEHIND}" not in {each.name for each in evaluation.methods}


def test_a_run_remembers_its_shield_and_the_limits_of_that_moment(tmp_path: Path):
    limits = tmp_path / "site.toml"
    limits.write_text(
        '[[limits]]\nname = "loaded"\nkind = "clamp"\nvalue = "acceleration"\n'
        'low = -1.0\nhigh = 1.0\nunit = "m/s2"\n'
    )
    asked = small("ppo", f"shield.limits={limits}", world="classics/double-integrator")
    folder = start_run(asked, tmp_path / "runs", "flyball train <small>")
    limits.write_text("none")

    found = subject_in(folder)

    assert found.shield == ShieldSettings(limits=str(folder / runs.LIMITS))
    assert asked_of(folder).subject == found
    noted = found.env(1, Stream.EVALUATE)
    assert "loaded" in {each.name for each in noted._env.shield.limits}


def test_half_of_the_interval_is_student_s():
    values = np.array([1.0, 2.0, 3.0])

    assert half_width(values) == pytest.approx(4.3027 / np.sqrt(3))


def test_evaluating_needs_no_torch(any_run: Path):
    code = (
        "import sys; from pathlib import Path\n"
        "from flyball import experiments\n"
        "found = experiments.evaluate_run(Path(sys.argv[1]), lambda *_: None, episodes=5)\n"
        "experiments.report.write_report(Path(sys.argv[1]), found)\n"
        "print({'torch', 'optuna', 'gymnasium'} & set(sys.modules))"
    )

    found = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", code, str(any_run)], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "set()"
