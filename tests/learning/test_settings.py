# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.learning.settings import require


def test_a_refused_setting_says_what_it_is_what_may_be_and_what_is_usual():
    with pytest.raises(ConfigError, match=r"es\.sigma: -1; allowed: above 0; fix: take 0\.02, as"):
        require("es.sigma", -1, "above 0", ok=False, usual="0.02")


def test_an_allowed_setting_passes():
    require("es.sigma", 1, "above 0", ok=True, usual="0.02")
