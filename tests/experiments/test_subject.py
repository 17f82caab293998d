# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.core.spec import AgentKind, Categorical, Feature, OptionsHead, Spec
from flyball.experiments.streams import Stream
from flyball.experiments.subject import Subject, names, problems, words_of
from flyball.worlds import TITLES, classics


@pytest.mark.parametrize("name", names())
def test_every_problem_has_a_spec_rivals_and_words(name: str):
    subject = Subject(name)

    assert subject.spec.world == name
    assert {"random", "constant"} <= set(subject.rivals())
    known = subject.known()
    assert known is None or known.kpi == subject.spec.kpis[0].name


def test_a_problem_of_other_settings_is_another_one():
    short, usual = Subject("classics/t-maze", {"corridor": 3}), Subject("classics/t-maze")

    assert short.env(2, Stream.TRAIN).n_envs == 2
    assert short != usual


def test_everything_that_can_be_trained_is_offered_for_a_misspelt_name():
    with pytest.raises(ConfigError) as caught:
        Subject("classics/cartpol")

    problem = caught.value.problems[0]
    assert problem.fix == "did you mean 'classics/cartpole'?"
    assert set(problem.allowed.split(", ")) == {*TITLES, *names()}


def test_a_setting_of_a_wrong_kind_or_name_is_the_user_s_to_mend():
    with pytest.raises(ConfigError, match="a whole number"):
        Subject("classics/t-maze", {"corridor": "long"})
    with pytest.raises(ConfigError, match="did you mean 'corridor'"):
        Subject("classics/t-maze", {"corridr": 3})


def test_problems_are_told_by_who_sees_and_decides_what():
    assert list(problems()) == [f"classics/{name}" for name in classics.NAMES]
    assert problems()["classics/pendulum"] == "1 agent; 3 features, torque (-2 to 2 Nm)"


def test_kinds_of_agents_are_told_apart():
    feature = Feature("x", "-", 0, 1)
    kinds = (
        AgentKind("speaker", 1, (feature,), (Categorical("say", 3),)),
        AgentKind("picker", 2, (feature, feature), (OptionsHead("pick", (feature,)),)),
    )
    spec = Spec("w", 1, kinds, (), ())

    assert words_of(spec) == (
        "3 agents; speaker: 1 feature, say (3 choices); "
        "picker: 2 features, pick (one of the candidates)"
    )
