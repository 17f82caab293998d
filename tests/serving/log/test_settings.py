# SPDX-License-Identifier: MIT
"""Settings that cannot be are refused, all at once."""

import pytest

from flyball.core.errors import ConfigError
from flyball.serving.log import LogSettings


def test_every_setting_that_cannot_be_is_named():
    with pytest.raises(ConfigError) as refused:
        LogSettings(
            durability="disk", queue=0, batch=2000, wait_s=float("nan"), max_bytes=5, keep_days=-1.0  # type: ignore[arg-type]
        )  # fmt: skip

    found = {problem.where: problem for problem in refused.value.problems}
    names = ("durability", "queue", "batch", "wait_s", "max_bytes", "keep_days")
    assert set(found) == {f"log.{name}" for name in names}
    assert found["log.queue"].allowed == "1 or more"
    assert found["log.batch"].allowed == "1 or more, 1000 at most"
    assert found["log.max_bytes"].found == "5 bytes"
    assert found["log.durability"].allowed == "process, power"


def test_what_is_left_out_survives_a_power_failure_and_stays_for_ever():
    assert (LogSettings().durability, LogSettings().keep_days) == ("power", 0.0)
