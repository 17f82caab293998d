# SPDX-License-Identifier: MIT
"""Compiled code finds the parts of a filter where Python does."""

import numpy as np

from flyball.core.envelope import Affine
from flyball.core.limits import Box
from flyball.safety import unpacking
from flyball.safety.compiling import Plant
from flyball.safety.filtering import Filter
from tests.safety.laid import numbered, python, same
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES

SOFT = Box(name="soft", unit="%", value="a", low=0.0, high=50.0, severity="soft", price=2.0)
TANK = Affine(DECISION_S, np.eye(2), np.ones((2, 5)), np.zeros(2), np.zeros(2), delay=3)


def test_every_array_lies_where_both_look_for_it():
    plant = Plant(TANK, tuple(each.name for each in SIGNALS))
    made = Filter([*LIMITS, SOFT], VALUES, SIGNALS, n_rows=3, decision_s=DECISION_S, plant=plant)
    pool, (out, room) = made._room(2)
    numbered((made.frame, made.history, made.queue, out, room))

    assert same(python(unpacking.frame_of)(made._pool), made.frame)
    assert same(python(unpacking.tables_of)(made._pool), made.frame.tables)
    assert same(python(unpacking.history_of)(made._pool), made.history)
    assert same(python(unpacking.queue_of)(made._pool), made.queue)
    assert same(python(unpacking.filtered_of)(pool), out)
    assert same(python(unpacking.room_of)(pool), room)
