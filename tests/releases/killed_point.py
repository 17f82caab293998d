# SPDX-License-Identifier: MIT
"""Point an alias again and again, and be killed in the middle, as often as asked.

``python killed_point.py <path or URL> <kills>``: half of the kills come before a statement or a
commit that was chosen beforehand, half of them after a while. After every kill the aliases, the
generation and the last event say the same, and the chain is whole.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import Engine, event

from flyball.core.clock import SystemClock
from flyball.releases.registry import Registry
from flyball.releases.roles import Person, Role

ANN, BOB = Person("Ann", Role.ENGINEER), Person("Bob", Role.APPROVER)


def work(where, last):
    """Point until somebody kills this process, or it kills itself before touch number `last`."""
    seen = 0

    def count(*_):
        nonlocal seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    registry = Registry.open(where, SystemClock())
    if last:
        event.listen(Engine, "before_cursor_execute", count)
        event.listen(Engine, "commit", count)
    while True:
        now = registry.aliases("mill")["champion"]
        target = f"rule:{int(now.removeprefix('rule:r')) + 1}".replace(":", ":r")
        registry.point("mill", "champion", target, expected=now, second=ANN, by=BOB, why="again")


def check(where):
    """Refuse a registry that says one thing here and another there; return its generation."""
    registry = Registry.open(where, SystemClock())
    events = list(registry.events)
    last = dict(events[-1].record["after"])
    last.pop("second", None)
    assert registry.aliases("mill") == last
    assert registry.generation() == events[-1].record["generation"] == len(events)
    registry.close()
    return len(events)


def main():
    where = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
    registry = Registry.open(where, SystemClock())
    for name in ("baseline", "champion"):
        registry.point("mill", name, "rule:r0", by=ANN, why="set up")
    registry.close()
    draws, changes, whole = random.Random(3), check(where), 0  # noqa: S311 - no secret
    for kill in range(int(sys.argv[2])):
        child = os.fork()
        if child == 0:
            work(where, 0 if kill % 2 else 12 + 3 * kill)
            os._exit(1)
        if kill % 2:
            time.sleep(draws.uniform(0.05, 0.3))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), status
        now = check(where)
        assert now >= changes
        whole += now - changes
        changes = now
    sys.stdout.write(str(whole))


if __name__ == "__main__":
    main()
