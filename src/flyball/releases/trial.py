# SPDX-License-Identifier: MIT
"""Run a graph that nobody trusts yet, in a process that can do nothing else.

``python -I -m flyball.releases.trial`` reads a request, a graph and weights from its standard
input, gives up every right that it does not need, and only then lets the runtime see the graph: no
file can be opened or written any more, memory and CPU time are bounded, no core is dumped, no
process is begun. It writes one line of JSON: what the graph answered, and what is wrong with it.
Who reads that line trusts none of it either.
"""

import json
import resource
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from safetensors.numpy import load

from flyball.releases.probes import (
    Arrays,
    Axis,
    extreme,
    fingerprint,
    misfits,
    ordinary,
    strays,
)

PAGE = 4096

Found = tuple[str, str, str]
"""Where, found, allowed."""


def confine(memory_b: int, cpu_s: int) -> None:
    """Give up every right but to calculate and to write to the pipes that are open.

    Parameters
    ----------
    memory_b
        Bytes of address space beside what the process has.
    cpu_s
        Seconds of CPU time beside what it has used.
    """
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - one line
        used_b = int(file.read().split()[0]) * PAGE
    spent = resource.getrusage(resource.RUSAGE_SELF)
    most_s = int(spent.ru_utime + spent.ru_stime) + 1 + cpu_s
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, used_b + memory_b),
        (resource.RLIMIT_CPU, most_s),
        (resource.RLIMIT_NOFILE, 3),  # nothing but the standard streams
    ):
        resource.setrlimit(what, (most, most))


def tried(request: Mapping[str, Any], graph: bytes, weights: bytes) -> dict[str, Any]:
    """Return what a graph answers on made-up observations, and what is wrong with it."""
    broken = unfinished(weights)
    if broken:
        return _refused(("weights.safetensors", f"'{broken}' is not finite", "finite numbers"))
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    declared = [Axis(each.name, each.type, each.shape) for each in session.get_inputs()]
    names = [each.name for each in session.get_outputs()]
    wrong = misfits(declared, names)
    if wrong:
        return _refused(*wrong)
    given = ordinary(declared, request["rows"], request["seed"])
    found: list[Found] = []
    for name, inputs in (("ordinary", given), *extreme(given)):
        answer = dict(zip(names, session.run(None, inputs), strict=True))
        where = f"on observations {name}"
        found += [(where, f"'{key}' is not finite", "numbers") for key in strays(answer, inputs)]
    outputs = {} if found else _plain(dict(zip(names, session.run(None, given), strict=True)))
    return {"inputs": fingerprint(given), "outputs": outputs, "wrong": found}


def unfinished(weights: bytes) -> str:
    """Return the name of a tensor that is not finite, or nothing."""
    for name, array in load(weights).items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return name
    return ""


def _refused(*wrong: Found) -> dict[str, Any]:
    return {"inputs": "", "outputs": {}, "wrong": list(wrong)}


def _plain(answer: Arrays) -> dict[str, Any]:
    """Return arrays as JSON holds them: nine digits, and nothing for minus infinity."""
    return {
        name: {"shape": list(array.shape), "values": [_number(each) for each in array.ravel()]}
        for name, array in answer.items()
    }


def _number(value: NDArray[Any]) -> float | None:
    return float(f"{value:.9g}") if np.isfinite(value) else None


def answer_to(stream: BinaryIO) -> dict[str, Any]:
    """Read a request, give up all rights, and return the answer."""
    request = json.loads(stream.readline())
    graph, weights = stream.read(request["graph"]), stream.read(request["weights"])
    confine(request["memory_b"], request["cpu_s"])
    try:
        return tried(request, graph, weights)
    except Exception as error:  # noqa: BLE001 - whatever a graph makes the runtime raise
        words = f"{type(error).__name__}: {error}"[:300]
        return _refused(("", f"cannot be run ({words})", "a graph that answers"))


def main() -> int:
    """Answer the request on standard input."""
    line = json.dumps(answer_to(sys.stdin.buffer), allow_nan=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
