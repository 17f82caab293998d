# SPDX-License-Identifier: MIT
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from flyball.experiments.describe import Setting, settings_of


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 1e-3
    """Learning rate
    of Adam.

    More is said here.
    """


@dataclass(frozen=True, kw_only=True)
class Outer:
    """Settings."""

    kind: Literal["one", "two"] = "one"
    """Which of them."""

    silent: bool = False

    weights: Mapping[str, float] = field(default_factory=lambda: {"late": 2.0})
    """What each costs."""

    limit: int | None = None
    """The most, if any."""

    inner: Inner = field(default_factory=lambda: Inner(rate=2.0))


def test_every_setting_has_its_key_type_default_and_first_paragraph():
    assert settings_of(Outer(), "es") == [
        Setting("es.kind", "'one', 'two'", '"one"', "Which of them."),
        Setting("es.silent", "true or false", "false", ""),
        Setting(
            "es.weights", "a table of names, each with a number", "{ late = 2.0 }",
            "What each costs.",
        ),
        Setting("es.limit", "a whole number or none", "none", "The most, if any."),
        Setting("es.inner.rate", "a number", "2.0", "Learning rate of Adam."),
    ]  # fmt: skip
