# SPDX-License-Identifier: MIT
import pytest

from tests.benchmarks.test_scripts import printed


@pytest.mark.slow
def test_every_page_of_the_registry_is_measured_against_its_target():
    _, figures = printed("registry.py", "--quick")

    judged = [row for row in figures.values() if row["target"] is not None]
    assert len(judged) == 6
    assert all(row["met"] for row in judged)
    assert figures["registry change, ms"]["ours"] > 0
