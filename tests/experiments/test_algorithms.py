# SPDX-License-Identifier: MIT
import pytest

from flyball import learning
from flyball.core.errors import ConfigError
from flyball.experiments.algorithms import entries, settings


def test_every_algorithm_of_the_catalogue_is_an_entry():
    assert [each.name for each in entries()] == list(learning.ALGORITHMS)
    assert all(each.title and each.heads and each.paper for each in entries())


def test_settings_are_those_of_the_algorithm_and_of_its_networks_without_what_it_inherits():
    keys = [each.key for each in settings("ppo")]

    assert "ppo.clip" in keys
    assert "net.hidden" in keys
    assert "ppo.seed" not in keys


def test_an_unknown_algorithm_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'ppo'"):
        settings("pppo")
