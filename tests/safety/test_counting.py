# SPDX-License-Identifier: MIT
"""What a monitor counts in its pool; what each figure means is tested with `tally` and `trips`."""

from dataclasses import replace

import numpy as np

from flyball.safety import counting
from flyball.safety.compiling import compiled
from flyball.safety.monitor import Monitor
from flyball.safety.trips import Trip
from tests.safety.laid import numbered, python, same
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES
from tests.safety.test_tally import WATCH, played


def monitor(n_rows=3, **more):
    made = compiled(LIMITS, VALUES, SIGNALS, DECISION_S)
    return Monitor(made, VALUES, n_rows=n_rows, **more)


def test_every_array_lies_where_both_look_for_it():
    own = monitor()
    numbered((own._watch, own._tally, own._recent))

    assert same(python(counting.watch_of)(own._pool), own._watch)
    assert same(python(counting.tally_of)(own._pool), own._tally)
    assert same(python(counting.recent_of)(own._pool), own._recent)


def test_a_condition_is_counted_when_it_begins_to_hold_and_not_while_it_does():
    made = compiled([replace(LIMITS[0], low=0.0, high=100.0)], VALUES, SIGNALS, DECISION_S)
    own = Monitor(made, VALUES, n_rows=1, conditions=(Trip(event="nonfinite", n=2, of=2),))
    decision = played(np.random.default_rng(0), 1, 1, 0.0)[0]
    ok = decision._replace(
        proposed=np.zeros((1, 5)), applied=np.zeros((1, 5)), interval=np.zeros((1, 1, 2)),
        bound=np.zeros((1, 0)), ahead=np.zeros((1, 0)), here=np.zeros((1, 0)),
    )  # fmt: skip
    bad = ok._replace(proposed=np.full((1, 5), np.nan))
    held = [own.note(each)[0, 0] for each in (ok, bad, bad, bad, ok, bad, bad)]

    assert held == [False, False, True, True, False, False, True]
    assert own._trips.tolist() == [[2]]
    assert len(WATCH.hard) == 7
