# SPDX-License-Identifier: MIT
from dataclasses import replace
from datetime import datetime

import pytest

from flyball.worlds.jobshop.words import (
    family_name,
    length,
    machine_name,
    moment,
    operation_name,
    span_of,
)
from tests.worlds.jobshop.small_shops import H, shop

SHOP = shop([[{0: 1}, {1: 2}]])


def test_an_operation_is_named_with_its_job():
    assert operation_name(SHOP, 1) == "job 'J1' operation '2'"


def test_a_machine_that_does_not_exist_is_named_by_its_number():
    assert machine_name(SHOP, 1) == "machine 'M2'"
    assert machine_name(SHOP, -1) == "machine number -1, which does not exist"


def test_no_family_is_nothing():
    assert family_name(SHOP, 0) == "family 'plain'"
    assert family_name(SHOP, -1) == "nothing"


def test_a_moment_is_a_date_where_the_scenario_has_one():
    dated = replace(SHOP, start=datetime(2026, 3, 2, 6))  # noqa: DTZ001 - local time of the plant

    assert moment(dated, 90 * 60) == "2026-03-02 07:30:00"
    assert moment(SHOP, 90 * 60) == "1.5 h"
    assert moment(dated, 2**53) == f"{2**53 / H:.10g} h"
    assert span_of(dated, 0, H) == "2026-03-02 06:00:00 to 2026-03-02 07:00:00"


@pytest.mark.parametrize(("length_s", "words"), [(90, "1.5 min"), (5400, "1.5 h"), (-60, "-1 min")])
def test_a_length_is_in_hours_or_minutes(length_s, words):
    assert length(length_s) == words
