# SPDX-License-Identifier: MIT
"""One holder at a time, and a number that tells the old one from the new."""

import threading

import pytest

from flyball.releases.leases import Leases, current


@pytest.fixture
def leases(registry):
    return registry.leases


def test_who_holds_a_lease_keeps_it_by_renewing_and_loses_it_by_waiting(leases, clock):
    first = leases.take("controller", "a", 10.0)

    assert leases.take("controller", "b", 10.0) is None
    clock.advance(9.0)
    assert leases.take("controller", "a", 10.0).fence == first.fence
    clock.advance(9.0)
    assert leases.take("controller", "b", 10.0) is None
    clock.advance(1.0)
    second = leases.take("controller", "b", 10.0)

    assert (second.holder, second.fence) == ("b", first.fence + 1)
    assert leases.take("controller", "a", 10.0) is None
    assert leases.held("controller") == second
    assert leases.held("other") is None


def test_a_lease_that_was_taken_over_is_no_longer_current(leases, clock, database):
    first = leases.take("controller", "a", 10.0)
    clock.advance(20.0)
    second = leases.take("controller", "b", 10.0)

    leases.give_back(first)

    with database.reading() as connection:
        assert not current(connection, first)
        assert current(connection, second)
    assert leases.held("controller").expires == second.expires


def test_a_lease_that_is_given_back_can_be_taken_at_once(leases):
    leases.give_back(leases.take("controller", "a", 1000.0))

    assert leases.take("controller", "b", 10.0).holder == "b"


def test_of_many_who_ask_at_once_one_gets_it(database, clock):
    begun, got = threading.Barrier(4), []

    def take(holder):
        begun.wait()
        got.append(Leases(database, clock).take("controller", holder, 10.0))

    for _ in range(2):  # at first there is no row, then there is one that has expired
        threads = [threading.Thread(target=take, args=(f"holder {k}",)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(lease is not None for lease in got) == 1
        got.clear()
        begun.reset()
        clock.advance(11.0)
