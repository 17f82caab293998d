# SPDX-License-Identifier: MIT
"""A wrong setting is named with what would be right."""

import pytest

from flyball.core.errors import ConfigError
from flyball.interop import AdapterConfig
from flyball.interop.settings import require_known


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cap": 1}, "cap: 1; allowed: at least 2"),
        ({"layout": "flta"}, "layout: 'flta'; .* did you mean 'flat'"),
    ],
)
def test_a_value_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        AdapterConfig(**changes)


def test_every_unknown_name_is_told_at_once():
    with pytest.raises(ConfigError) as refused:
        require_known("weights", ["grass", "wya", "gras"], ["grass", "way"])

    assert len(refused.value.problems) == 2
    assert "did you mean 'way'" in str(refused.value)
