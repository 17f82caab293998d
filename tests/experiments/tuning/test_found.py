# SPDX-License-Identifier: MIT
import pytest

from flyball.core.errors import ConfigError
from flyball.experiments.tuning.found import TuneConfig


@pytest.mark.parametrize("values", [{"trials": 0}, {"seeds": 0}, {"timeout_s": 0.0}])
def test_a_search_without_size_is_refused(values):
    with pytest.raises(ConfigError, match="at least 1 of each"):
        TuneConfig(**values)
