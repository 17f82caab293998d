# SPDX-License-Identifier: MIT
"""Nothing that the tried process does or says can harm or fool who asked."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from flyball.releases import trying
from flyball.releases.refusals import ReleaseError
from flyball.releases.trying import Answer, TrialConfig, arrays, ask, differences, plain, rows_of
from tests.policies.graphs import masked_graph

FINE = save({"w": np.ones(2, np.float32)})
SHORT = TrialConfig(wall_s=1.0)


def answers(program, monkeypatch, config=SHORT):
    """Ask a process of these words instead of the trial."""
    command = [sys.executable, "-I", "-c", program]
    popen = trying.subprocess.Popen
    monkeypatch.setattr(trying.subprocess, "Popen", lambda _, **more: popen(command, **more))
    return ask(masked_graph(3), FINE, n_rows=16, config=config, where="g")


def test_a_graph_answers_what_it_calculates():
    answer = ask(masked_graph(3), FINE, n_rows=16, config=TrialConfig(), where="g")

    assert answer.outputs["logits"].shape == (16, 3)
    assert differences(answer, Answer(answer.inputs, arrays(plain(answer)["outputs"]))) == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("while True: pass", "the trial ended with SIGKILL"),
        ("import os; os.abort()", "ended with SIGABRT"),
        ("raise SystemExit(3)", "ended with code 3"),
        ("print('x' * (9 << 20))", "an answer without end"),
        ("print('hello')", "an answer that is none"),
        ("print('[' * 100000)", "an answer that is none"),
        ("print('{}')", "an answer that is none"),
        ("""print('{"wrong": [[1]], "inputs": "", "outputs": {}}')""", "an answer that is none"),
        ("""print('{"wrong": [], "inputs": "", "outputs": {}}')""", "no answer"),
        (
            """print('{"wrong":[],"inputs":"","outputs":{"a":{"shape":[2],"values":[1]}}}')""",
            "an answer that is none",
        ),
        (
            """print('{"wrong": [["on x", "is bad", "numbers"]], "inputs": "", "outputs": {}}')""",
            "g on x: is bad; allowed: numbers",
        ),
    ],
)
def test_a_process_that_hangs_dies_floods_or_lies_is_refused(monkeypatch, program, words):
    with pytest.raises(ReleaseError, match=words):
        answers(program, monkeypatch)


@pytest.mark.parametrize("size", [100_000, 8 << 20])
def test_a_process_that_dies_before_it_has_read_everything_is_refused(monkeypatch, size):
    popen = trying.subprocess.Popen
    command = [sys.executable, "-I", "-c", "raise SystemExit(3)"]
    monkeypatch.setattr(trying.subprocess, "Popen", lambda _, **more: popen(command, **more))

    with pytest.raises(ReleaseError, match=r"the trial ended with"):
        ask(b"x" * size, FINE, n_rows=16, config=SHORT, where="g")


def test_a_graph_that_takes_too_much_memory_is_refused():
    small = TrialConfig(memory_b=1 << 16)

    with pytest.raises(ReleaseError, match=r"cannot be run|the trial ended"):
        ask(masked_graph(3), FINE, n_rows=4096, config=small, where="g")


@given(st.integers(1, 200), st.integers(0, 10**6))
def test_rows_are_whole_teams_and_not_too_many(n_agents, width):
    n_rows = rows_of(n_agents, width)

    assert n_rows % n_agents == 0
    assert n_rows >= n_agents
    assert n_rows == n_agents or n_rows * width <= trying.MOST_NUMBERS


ANSWER = Answer("a", {"value": np.array([1e-3, 2e-3]), "score": np.array([0.0, np.nan])})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replace(ANSWER, inputs="b"), "other made-up observations"),
        (Answer("a", {"value": ANSWER.outputs["value"]}), "value"),
        (Answer("a", dict(ANSWER.outputs) | {"score": np.zeros(3)}), "other rows"),
        (Answer("a", dict(ANSWER.outputs) | {"score": np.zeros(2)}), "legal actions"),
        (Answer("a", dict(ANSWER.outputs) | {"score": np.array([2e-5, np.nan])}), "by 2e-05"),
        # Native units may be small: a tolerance of 1e-5 would hide one per cent of this value.
        (Answer("a", dict(ANSWER.outputs) | {"value": np.array([1.01e-3, 2e-3])}), "by 1e-05"),
    ],
)
def test_what_differs_from_the_recorded_answers_is_told(change, words):
    assert words in str(differences(change, ANSWER))


def test_what_rounding_leaves_is_no_difference():
    near = {"value": np.array([1e-3 + 1e-9, 2e-3]), "score": np.array([9e-6, np.nan])}

    assert differences(Answer("a", near), ANSWER) == []
