# SPDX-License-Identifier: MIT
"""What a monitor hears of a barrier: attempts by proposals, breaches by where the state is."""

import numpy as np

from flyball.core.envelope import Affine
from flyball.core.limits import Barrier, Linear
from flyball.core.spec import Signal, TanhGaussian
from flyball.safety.compiling import Plant
from flyball.safety.filtering import Asked, Filter
from flyball.safety.telling import Teller

INFLOW = (TanhGaussian("inflow", "m3/s", 0.0, 20.0),)
LEVEL = (Signal("level", "m", 0.0, 10.0),)
FULL = Barrier(name="full", unit="m", bound=8.0, signals={"level": 1.0}, gamma=0.5)
PUMP = Linear(name="pump", unit="m3/s", bound=15.0, values={"inflow": 1.0})
TANK = Plant(Affine(1.0, np.eye(1), np.array([[0.1]]), np.array([-0.5]), np.zeros(1)), ("level",))


def told(level, inflow, trusted=True):
    made = Filter([FULL, PUMP], INFLOW, LEVEL, n_rows=1, decision_s=1.0, plant=TANK)
    made.begin(np.array([0]), np.array([[5.0]]), np.zeros(1))
    proposed = np.array([[inflow]])
    asked = Asked(
        proposed, np.array([[level]]), np.zeros((1, 1)), np.array([[trusted]]), np.ones(1)
    )
    teller = Teller(made.made, ["level"], proved=False)
    return teller, teller.decision(asked, proposed, made(asked), None)


def test_a_barrier_is_attempted_by_a_decision_that_uses_up_too_much():
    teller, decision = told(7.0, 15.0)

    # 7.0 + 1.5 - 0.5 = 8.0: the bound is kept, but not the half of the distance of 1 m.
    assert decision.ahead[0, 0] == -0.5
    assert decision.here[0, 0] == 1.0
    monitor = teller.monitor(INFLOW, 1)
    monitor.note(decision)
    counted = {
        (figure["name"], figure["labels"].get("constraint")): figure["value"]
        for figure in monitor.summary()
    }
    assert counted["flyball_constraint_attempts_total", "full"] == 1
    assert counted["flyball_constraint_violations_total", "full"] == 0
    assert counted["flyball_constraint_attempts_total", "pump"] == 0


def test_a_barrier_is_broken_where_the_state_is_beyond_its_bound():
    assert told(8.5, 0.0)[1].here[0, 0] == -0.5


def test_a_barrier_whose_signal_nobody_sees_is_told_as_unseen():
    assert told(7.0, 0.0, trusted=False)[1].here[0, 0] == -np.inf
