# SPDX-License-Identifier: MIT
"""Ask a process of its own how a graph behaves, and believe of its answer only what can be checked.

That process may hang, die, flood its pipe or lie; here it is bounded in time, memory and output,
and its answer is read as what it is: bytes from a stranger.
"""

import json
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flyball.core.errors import Problem
from flyball.releases.refusals import ReleaseError, problem

TOLERANCE = 1e-5
"""Largest difference between two machines, relative (see `differences`)."""

MOST_OUTPUT = 8 << 20
"""Bytes of an answer at most."""

MOST_NUMBERS = 20_000
"""So many numbers an answer should have, if one row for each agent allows it."""

SEED = 20
"""Of the made-up observations."""


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """What a graph may use while it is tried."""

    memory_b: int = 1 << 30
    """Bytes of memory beside those of the empty process."""

    cpu_s: int = 20
    """Seconds of CPU time."""

    wall_s: float = 60.0
    """Seconds until the process is killed."""


@dataclass(frozen=True)
class Answer:
    """What a graph answered on made-up observations."""

    inputs: str
    """Fingerprint of the observations."""

    outputs: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """By name; NaN where it answered minus infinity."""


def rows_of(n_agents: int, width: int) -> int:
    """Return how many rows are tried: at least 16, whole teams, not too many numbers in all."""
    teams = max(1, -(-16 // n_agents))
    most = max(1, MOST_NUMBERS // max(1, n_agents * width))
    return n_agents * min(teams, most)


def ask(graph: bytes, weights: bytes, *, n_rows: int, config: TrialConfig, where: str) -> Answer:
    """Return what a graph answers, if nothing is wrong with it.

    Parameters
    ----------
    graph, weights
        Content of ``policy.onnx`` and ``weights.safetensors``.
    n_rows
        Of the made-up observations.
    config
        What it may use.
    where
        Name of the graph, for messages.

    Raises
    ------
    ReleaseError
        With what is wrong: it cannot be run, takes too much, or answers what is no number.
    """
    request = {
        "graph": len(graph),
        "weights": len(weights),
        "rows": n_rows,
        "seed": SEED,
        "memory_b": config.memory_b,
        "cpu_s": config.cpu_s,
    }
    said = _talk(json.dumps(request).encode() + b"\n" + graph + weights, config, where)
    try:
        values = json.loads(said)
        wrong = [_problem(where, *map(str, each)) for each in values["wrong"]]
        answer = Answer(str(values["inputs"]), arrays(values["outputs"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ReleaseError(_problem(where, "", "an answer that is none", "an answer")) from error
    if wrong or not answer.outputs:
        raise ReleaseError(wrong or [_problem(where, "", "no answer", "an answer")])
    return answer


def _talk(request: bytes, config: TrialConfig, where: str) -> bytes:
    """Return what the process writes; it is killed when it takes too long or writes too much."""
    command = [sys.executable, "-I", "-m", "flyball.releases.trial"]
    with subprocess.Popen(  # noqa: S603 - this package's own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd="/",
    ) as process:
        timer = threading.Timer(config.wall_s, process.kill)
        timer.start()
        try:
            said = _exchange(process, request)
        finally:
            process.kill()
            timer.cancel()
            code = process.wait()
    if len(said) > MOST_OUTPUT:
        raise ReleaseError(_problem(where, "", "an answer without end", f"{MOST_OUTPUT} bytes"))
    if not said.endswith(b"\n"):
        allowed = f"{config.cpu_s} s of CPU time, {config.memory_b >> 20} MiB, {config.wall_s:g} s"
        raise ReleaseError(_problem(where, "", f"the trial ended with {_ending(code)}", allowed))
    return said


def _exchange(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    assert process.stdin is not None  # noqa: S101 - for mypy: both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(request)
        process.stdin.close()
    except BrokenPipeError:
        with suppress(BrokenPipeError):  # what is left of the request is of no use to anybody
            process.stdin.close()
        return b""
    return process.stdout.read(MOST_OUTPUT + 1)


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def _problem(where: str, place: str, found: str, allowed: str) -> Problem:
    fix = "do not use this policy; train or export it again"
    return problem(f"{where} {place[:80]}".rstrip(), found[:400], allowed[:200], fix)


def arrays(outputs: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return outputs from plain data.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        For what is none.
    """
    found = {}
    for name, entry in outputs.items():
        shape = tuple(int(each) for each in entry["shape"])
        values = [math.nan if each is None else float(each) for each in entry["values"]]
        found[str(name)] = np.array(values, np.float64).reshape(shape)
    return found


def plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON holds it; `arrays` reads its outputs back."""
    return {
        "inputs": answer.inputs,
        "outputs": {
            name: {
                "shape": list(array.shape),
                "values": [None if math.isnan(each) else float(each) for each in array.ravel()],
            }
            for name, array in answer.outputs.items()
        },
    }


def differences(found: Answer, expected: Answer) -> list[tuple[str, str, str]]:
    """Return where two answers to the same observations differ, as where, found and allowed.

    A number may differ by `TOLERANCE` of the largest of itself, the root mean square of its output
    and, but for values in native units, 1.
    """
    if found.inputs != expected.inputs:
        return [("", "other made-up observations", "those of the recorded answers")]
    if found.outputs.keys() != expected.outputs.keys():
        return [("", ", ".join(sorted(found.outputs)), ", ".join(sorted(expected.outputs)))]
    wrong = []
    for name, own in expected.outputs.items():
        other = found.outputs[name]
        if other.shape != own.shape or not np.array_equal(np.isnan(other), np.isnan(own)):
            wrong.append((f"output '{name}'", "other rows or legal actions", "the recorded ones"))
            continue
        known = own[~np.isnan(own)]
        square = math.sqrt(float(np.mean(known**2))) if known.size else 0.0
        least = square if name == "value" else max(1.0, square)
        gap = np.abs(other[~np.isnan(own)] - known)
        if not np.all(gap <= TOLERANCE * np.maximum(np.abs(known), least)):
            words = f"differs by {gap.max():.3g} from the recorded answer"
            wrong.append((f"output '{name}'", words, f"{TOLERANCE:g} relative"))
    return wrong
