# SPDX-License-Identifier: MIT
import pytest

from flyball.worlds.jobshop.orders import Job, check_order_of_status, orders
from flyball.worlds.jobshop.scenario import NO_DUE_S
from tests.worlds.jobshop.tabled import plant, told
from tests.worlds.jobshop.workbooks import START, Sheets, at, put, small

H = 3600


def jobs(sheets: Sheets | None = None) -> list[Job]:
    found, these, findings = plant(sheets)
    result = orders(these, found, findings)
    assert told(findings) == []
    return result


def changed(**cells: object) -> Sheets:
    """Return the small shop with cells of Jobs and Operations changed: ``Jobs_E2=...``."""
    sheets = small()
    for address, value in cells.items():
        put(sheets, address.replace("_", "!"), value)
    return sheets


def test_jobs_have_their_dates_in_seconds_and_defaults_where_cells_are_blank() -> None:
    a, b, c = jobs()

    assert (a.release_s, a.due_s, a.weight, a.important) == (0, 56 * H, 1.0, False)
    assert (b.release_s, b.weight, b.important, b.customer) == (0, 2.0, True, "Birk")
    assert (c.weight, c.important) == (1.0, False)


def test_a_job_without_a_due_date_is_never_late() -> None:
    assert jobs(changed(Jobs_E2=None))[0].due_s == NO_DUE_S


def test_a_due_day_without_a_time_means_its_end() -> None:
    assert jobs(changed(Jobs_E2=at(2).date()))[0].due_s == 18 * H


def test_a_release_in_the_past_is_the_start() -> None:
    assert jobs(changed(Jobs_D2=at(1)))[0].release_s == 0


def test_a_due_date_in_the_past_stays_in_the_past() -> None:
    assert jobs(changed(Jobs_E2=at(1, 6)))[0].due_s == -24 * H


def test_a_group_stands_for_its_machines_at_their_speeds() -> None:
    operation = jobs()[0].route[0]

    assert operation.pairs == ((0, 3600), (1, 4500))


def test_a_list_of_machines_may_give_speeds_of_its_own() -> None:
    operation = jobs()[1].route[0]

    assert operation.pairs == ((0, 2730), (1, 5460))


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(10.1, 606), (1 / 3, 20), (0.001, 1), (0, 0), (600_000, 36_000_000)]
)
def test_working_time_is_rounded_up_but_not_for_what_floats_add(
    minutes: float, seconds: int
) -> None:
    assert jobs(changed(Operations_E2=minutes))[0].route[0].pairs[0] == (0, seconds)


def test_running_work_keeps_its_machine_its_start_and_what_is_left() -> None:
    operation = jobs(
        changed(Operations_H2="Running", Operations_I2="c2", Operations_J2=at(2, 5),
                Operations_K2=12.5)
    )[0].route[0]  # fmt: skip

    assert (operation.status, operation.machine) == ("running", 1)
    assert (operation.start_s, operation.remaining_s) == (-H, 750)


def test_frozen_work_takes_its_time_on_the_machine_it_is_frozen_to() -> None:
    operation = jobs(
        changed(Operations_H2="frozen", Operations_I2="C2", Operations_J2=START)
    )[0].route[0]  # fmt: skip

    assert (operation.machine, operation.start_s, operation.remaining_s) == (1, 0, 4500)


def test_rows_of_a_job_need_not_stand_together() -> None:
    sheets = small()
    sheets["Operations"][2], sheets["Operations"][3] = (
        sheets["Operations"][3],
        sheets["Operations"][2],
    )

    assert [op.name for op in jobs(sheets)[0].route] == ["10", "20"]


def test_frozen_work_may_follow_running_work_but_not_open_work() -> None:
    found, these, findings = plant(
        changed(Operations_H3="frozen", Operations_I3="P1", Operations_J3=at(2, 8))
    )

    for job in orders(these, found, findings):
        check_order_of_status(job, findings)

    assert told(findings) == [
        ("Operations 3 status", "'20' is frozen while '10' before it is open")
    ]
