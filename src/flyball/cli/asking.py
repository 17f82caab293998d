# SPDX-License-Identifier: MIT
"""What is refused before anything begins: missing packages, one thing said twice, no world."""

from collections.abc import Mapping
from importlib.util import find_spec

from flyball import experiments, worlds
from flyball.core.errors import ConfigError, Problem


def require_extra() -> None:
    """Refuse to train where the packages that only training needs are not installed.

    Raises
    ------
    ConfigError
        With what to install.
    """
    missing = [name for name in ("torch", "onnx") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            Problem(
                where="flyball train",
                found=f"{' and '.join(missing)} not installed",
                allowed="torch and onnx, which only training needs",
                fix="pip install 'flyball[train]'",
            )
        )


def require_one(budgets: Mapping[str, object]) -> None:
    """Refuse more than one budget: which of them would end the run nobody could tell.

    Raises
    ------
    ConfigError
        With those that were given.
    """
    given = [f"{name} {value}" for name, value in budgets.items() if value is not None]
    if len(given) > 1:
        raise ConfigError(
            Problem(
                where="the budget",
                found=" and ".join(given),
                allowed="one of " + ", ".join(budgets),
                fix="leave the others out",
            )
        )


def require_alone(others: Mapping[str, object]) -> None:
    """Refuse arguments beside ``--resume``: a run goes on with what it was started with.

    Raises
    ------
    ConfigError
        With every argument that was given.
    """
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise ConfigError(
            Problem(
                where="--resume",
                found="given together with " + ", ".join(given).replace("budget_s", "budget"),
                allowed="--resume with the run's folder alone; the run knows the rest",
                fix="leave them out, or leave --resume out to start a new run",
            )
        )


def known(world: str | None) -> str:
    """Return the name of a world that was given.

    Raises
    ------
    ConfigError
        When none was.
    """
    if world is None:
        raise ConfigError(
            Problem(
                where="world",
                found="none",
                allowed=", ".join([*worlds.TITLES, *experiments.problems()]),
                fix="flyball train jobshop orders.xlsx, or flyball train classics/cartpole",
            )
        )
    return world
