# SPDX-License-Identifier: MIT
"""Solvers of qpsolvers, each in a process and an environment apart, asked in turn with ours."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measuring import ROOT

from filtering.problems import Doubles, Problems

PEERS = ROOT / ".venv-peers-safety" / "bin" / "python"
SCRIPT = ROOT / "benchmarks" / "peers" / "safety" / "by_qpsolvers.py"
NAMES = {"daqp": "DAQP 0.11.0", "osqp": "OSQP 1.1.3", "quadprog": "quadprog 0.1.14"}
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Timed(NamedTuple):
    """What some decisions of a rival took."""

    rate: float  # decisions per second of its core's time
    median_us: float
    late_us: float  # 99th percentile


class Rival:
    """A solver that has answered every program and waits to be timed."""

    def __init__(self, name: str, answers: Doubles, talk: Any) -> None:
        self.name = NAMES[name]
        self.answers = answers
        self._talk = talk

    def decide(self, amount: int) -> Timed:
        """Let it decide so many times."""
        self._talk.stdin.write(f"{amount}\n")
        self._talk.stdin.flush()
        spent_s, median_us, late_us = map(float, self._talk.stdout.readline().split())
        return Timed(amount / spent_s, median_us, late_us)


def store(problems: Problems, folder: Path) -> Path:
    """Write programs where rivals read them; they know hard rows only."""
    path = folder / "problems.npz"
    parts = problems._asdict()
    del parts["price"]
    np.savez(path, **parts)
    return path


@contextmanager
def rival(name: str, path: Path) -> Iterator[Rival]:
    """Give a solver at work on stored programs."""
    env = os.environ | ALONE  # noqa: TID251
    command, piped = [PEERS, "-W", "ignore", SCRIPT, name, path], subprocess.PIPE
    with subprocess.Popen(command, stdin=piped, stdout=piped, text=True, env=env) as process:  # noqa: S603
        talk: Any = process
        while (said := talk.stdout.readline()) not in ("ready\n", ""):
            pass
        if not said:
            msg = f"{SCRIPT.name} {name} ended before it was ready, with {process.wait()}"
            raise RuntimeError(msg)
        yield Rival(name, np.load(path.with_name(f"{name}.npy")), talk)
        talk.stdin.close()
