# SPDX-License-Identifier: MIT
"""How a rival in a process of its own is asked: a number a line in, what it did and took out."""

import sys
import time
from collections.abc import Callable


def answer(work: Callable[[int], int]) -> None:
    """Say ready; then do each amount of work that is asked for and print what came of it.

    Parameters
    ----------
    work
        Takes the number that was asked for and returns what is counted of it. A line of the answer
        holds that count, and the processor time of all of the process's threads, s.
    """
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.process_time()
        count = work(int(line))
        print(count, time.process_time() - began, flush=True)
