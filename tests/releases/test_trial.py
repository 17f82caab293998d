# SPDX-License-Identifier: MIT
"""The process that tries a graph can do nothing but calculate."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save

from flyball.releases.trial import tried, unfinished
from tests.policies.graphs import masked_graph, remembering_graph
from tests.releases.test_graph import weights as two_weights

REQUEST = {"rows": 16, "seed": 20}
FINE = save({"w": np.ones(2, np.float32)})

CONFINED = """
import json, os, sys
import numpy as np
from flyball.releases.trial import confine
confine(64 << 20, 1)
tried = {}
def attempt(name, act):
    try:
        act()
        tried[name] = "went through"
    except BaseException as error:
        tried[name] = type(error).__name__
attempt("read", lambda: open("/etc/passwd"))
attempt("write", lambda: open("/tmp/flyball-confined", "w"))
attempt("folder", lambda: os.listdir("/"))
attempt("socket", lambda: __import__("_socket").socket())
attempt("pipe", os.pipe)
attempt("memory", lambda: np.ones(1 << 27))
attempt("little", lambda: np.ones(1 << 10))
sys.stdout.write(json.dumps(tried))
sys.stdout.flush()
while True:
    pass
"""


def test_after_it_gave_up_its_rights_a_process_can_only_calculate_for_a_while():
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-c", CONFINED], capture_output=True, text=True, check=False, timeout=60
    )

    tried_ = json.loads(ended.stdout)
    assert tried_.pop("little") == "went through"
    assert tried_.pop("memory") == "MemoryError"
    assert set(tried_.values()) <= {"OSError", "ModuleNotFoundError", "ImportError"}, tried_
    # CPU time has an end, from outside of the process: SIGXCPU or SIGKILL.
    assert ended.returncode in (-24, -9)


def test_it_says_what_a_graph_answers():
    answer = tried(REQUEST, remembering_graph(3), FINE)

    assert answer["wrong"] == []
    assert answer["outputs"]["memory_out"]["shape"] == [16, 3]
    assert None in answer["outputs"]["logits"]["values"]
    assert len(answer["inputs"]) == 64


def test_it_says_what_overflows():
    large = two_weights([1e30, 1e30])

    answer = tried(REQUEST, large, FINE)

    assert answer["outputs"] == {}
    assert [each[0] for each in answer["wrong"]] == [
        "on observations all 1e+12",
        "on observations all -1e+12",
        "on observations 1e+12 and -1e+12 in turn",
    ]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(bad):
    content = save({"a": np.ones(2), "b": np.array([1.0, bad]), "c": np.arange(3)})

    assert unfinished(content) == "b"
    assert unfinished(FINE) == ""
    assert "'b' is not finite" in str(tried(REQUEST, masked_graph(3), content)["wrong"])


def test_what_the_runtime_refuses_is_told_and_no_crash(monkeypatch):
    from flyball.releases import trial

    monkeypatch.setattr(trial, "confine", lambda *_: None)
    head = json.dumps({"graph": 5, "weights": len(FINE), "memory_b": 0, "cpu_s": 0} | REQUEST)
    for content in (b"graph" + FINE, b"graph" + b"x" * len(FINE)):
        answer = trial.answer_to(io.BytesIO(head.encode() + b"\n" + content))
        assert "cannot be run" in answer["wrong"][0][1]
