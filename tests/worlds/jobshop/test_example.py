# SPDX-License-Identifier: MIT
from collections import Counter

import numpy as np
import pytest

from flyball.worlds.jobshop import example
from flyball.worlds.jobshop.findings import Findings
from flyball.worlds.jobshop.forms import FORMS
from flyball.worlds.jobshop.read import assembled
from flyball.worlds.jobshop.scenario import Scenario
from tests.worlds.jobshop.tabled import book


@pytest.fixture(scope="module")
def shipped() -> Scenario:
    rows = example.sheets()
    headed = {f.name: [[c.name for c in f.columns], *rows[f.name]] for f in FORMS}
    return assembled(book(headed), Findings()).scenario


def test_the_shop_is_the_same_on_every_call() -> None:
    assert example.sheets() == example.sheets()


def test_the_shop_has_the_size_that_is_promised(shipped: Scenario) -> None:
    assert (shipped.n_jobs, shipped.n_machines, len(shipped.group_name)) == (120, 30, 8)
    assert shipped.n_ops > 600
    assert len(set(shipped.machine_cell)) == 8


def test_every_kind_of_work_occurs(shipped: Scenario) -> None:
    fixed = shipped.fixed_machine >= 0
    assert (fixed & (shipped.fixed_start_s < 0)).sum() >= 8  # running
    assert (fixed & (shipped.fixed_start_s >= 0)).sum() >= 4  # frozen
    assert 0 < (~shipped.interruptible).sum() < shipped.n_ops / 2
    assert 0.08 < shipped.important.mean() < 0.25
    assert (shipped.release_s > 0).sum() > 10
    assert set(shipped.weight) == {1.0, 2.0, 4.0}


def test_alternatives_have_speeds_of_their_own(shipped: Scenario) -> None:
    spans = [
        np.ptp(shipped.pair_duration_s[a:b])
        for a, b in zip(shipped.op_pair[:-1], shipped.op_pair[1:], strict=True)
    ]

    assert np.mean(np.array(spans) > 0) > 0.5
    assert np.diff(shipped.op_pair).min() >= 2


def test_some_routes_come_back_to_a_group(shipped: Scenario) -> None:
    group = shipped.machine_group[shipped.pair_machine[shipped.op_pair[:-1]]]
    visits = Counter(zip(shipped.op_job.tolist(), group.tolist(), strict=True))

    assert sum(count > 1 for count in visits.values()) > 40


def test_colours_take_longer_from_dark_to_light(shipped: Scenario) -> None:
    white, black = (shipped.family_name.index(n) for n in ("RAL 9016 white", "RAL 9005 black"))
    coat = shipped.group_name.index("Coat")

    assert shipped.setup_s[coat, black, white] > 2 * shipped.setup_s[coat, white, black] > 0


def test_due_dates_are_on_working_days_after_the_start(shipped: Scenario) -> None:
    days = shipped.due_s // 86_400

    assert shipped.due_s.min() > 8 * 3600
    assert set((days % 7).tolist()) <= {0, 1, 2, 3, 4}
