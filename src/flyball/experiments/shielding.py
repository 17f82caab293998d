# SPDX-License-Identifier: MIT
"""A Shield in front of the plant of an experiment: which layers, and which limits.

The Shield is part of the world: what is trained behind it is trained on the plant with its Shield.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env
from flyball.experiments import proofs, site
from flyball.experiments.settings import frozen
from flyball.safety import Shield, ShieldConfig, Shielded
from flyball.worlds import classics


@dataclass(frozen=True, kw_only=True)
class ShieldSettings:
    """What stands between policy and plant, in training and when the policy is judged."""

    filter: bool = True
    """Whether limits bend actions."""

    gate: bool = True
    """Whether an action passes only while a proved backup remains; needs a proof of the plant."""

    limits: str = ""
    """File of the site's limits, kept beside the plant's own; empty: those of the plant alone."""

    @property
    def on(self) -> bool:
        """Whether there is a Shield at all."""
        return self.filter or self.gate


def placed(tables: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the tables of a file with the limits that they name looked for beside that file."""
    shield = tables.get("shield")
    path = shield.get("limits") if isinstance(shield, Mapping) else None
    if not isinstance(shield, Mapping) or not isinstance(path, str) or not path:
        return dict(tables)
    return {**tables, "shield": {**shield, "limits": str(folder / path)}}


def shielded(env: Env, problem: str, settings: Mapping[str, Any], own: ShieldSettings) -> Shielded:
    """Return an Env of a problem behind its Shield.

    Parameters
    ----------
    env
        Copies of the problem.
    problem
        Its own name: ``two-tanks``.
    settings
        Of the problem.
    own
        Which layers; one of them is on.

    Raises
    ------
    ConfigError
        For a file that cannot be read, limits that do not fit the plant, or hard ones that no proof
        knows; and for a gate where the plant has no proof.
    ScenarioError
        Where the shipped proof does not hold for these settings.
    """
    key = tuple(sorted((name, frozen(value)) for name, value in settings.items()))
    envelope = _armed(problem, key, own)
    step_s = float(getattr(classics.scenario(problem, **settings), "step_s", ANY_S))
    shield = Shield(
        env.spec,
        envelope,
        n_envs=env.n_envs,
        step_s=step_s,
        config=ShieldConfig(filter=own.filter, gate=own.gate),
    )
    return Shielded(env, shield)


ANY_S = 1.0
"""Step of a problem that states none, s: only limits over time ask for it."""


@cache
def _armed(problem: str, settings: tuple[tuple[str, Any], ...], own: ShieldSettings) -> Envelope:
    """Return what is known of a plant's safety, proved again where a gate is wanted."""
    stated = site.read(Path(own.limits)) if own.limits else ()
    plant = classics.envelope(problem, **dict(settings))
    if not own.gate or plant.bodies is not None:
        return replace(plant, limits=site.together(stated, plant.limits))
    if plant.model is None and plant.finite is None:
        raise _unproved(problem)
    return proofs.safe(problem, limits=stated, **dict(settings))


def _unproved(problem: str) -> ConfigError:
    return ConfigError(
        Problem(
            where="shield.gate",
            found=f"true, but {problem} states no model of its safety that could be proved",
            allowed="false, or a plant that `flyball certify` knows",
            fix="--set shield.gate=false: limits of a file then bend actions, without a proof",
        )
    )
