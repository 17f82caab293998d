# SPDX-License-Identifier: MIT
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from flyball.core.envelope import Affine, Envelope
from flyball.core.limits import Box


def test_what_was_proved_of_an_envelope_cannot_be_changed_under_it():
    own = Envelope(limits=(Box(name="b", unit="%", value="u", low=0.0, high=1.0),), hold_s=0.1)

    with pytest.raises(FrozenInstanceError):
        own.limits = ()
    with pytest.raises(FrozenInstanceError):
        own.hold_s = 5.0


def test_a_world_that_states_nothing_has_no_gate():
    own = Envelope()

    assert (own.model, own.backup, own.safe, own.bodies, own.finite) == (None,) * 5
    assert replace(own, horizon=3).horizon == 3


def test_a_value_of_a_linear_plant_acts_at_once_unless_it_says_otherwise():
    assert Affine(1.0, np.eye(1), np.eye(1), np.zeros(1), np.zeros(1)).delay == 0
