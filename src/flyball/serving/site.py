# SPDX-License-Identifier: MIT
"""The plant as it is served: what it is, its limits, and what runs when no policy may."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flyball import releases, safety
from flyball.core.envelope import Envelope
from flyball.core.errors import ConfigError, Problem
from flyball.core.limits import Constraint
from flyball.core.protocols import Policy
from flyball.core.spec import Spec, TanhGaussian

PLANT_TRIPS = tuple(
    trip for trip in safety.ShieldConfig().trips if trip.event in ("broken", "lost", "unseen")
)
"""Those of a shield that speak of the plant, not of a policy that leans on its shield."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One plant, or many units of one kind that share releases, limits and the emergency stop."""

    name: str
    """Of the plant: its aliases and stages go by it."""

    spec: Spec
    envelope: Envelope
    """Armed with a proof where there is one (`certificates.armed`)."""

    step_s: float
    """From one decision of a unit to the next, s; a gate holds it to that."""

    fallback: Policy
    """A baseline: in control where no released policy may be."""

    fallback_name: str

    limits: tuple[Constraint, ...] | None = None
    """Those of the site; None: those of the envelope."""

    shield: safety.ShieldConfig = field(
        default_factory=lambda: safety.ShieldConfig(trips=PLANT_TRIPS)
    )
    """What makes the plant stop; what a policy alone does wrong costs it the field instead."""

    actions: Mapping[str, safety.actuators.SafeAction] = field(default_factory=dict)
    """What each value does while the plant is stopped, by its name; hold where nothing is said."""

    tag: str = ""
    """A boolean signal that trips the emergency stop."""

    certificate: str = ""
    """Hash of the proof that the gate relies on."""

    rules: Mapping[str, Policy] = field(default_factory=dict)
    """Other baselines that may be in control, by their names."""

    plan: releases.verdicts.Plan | None = None
    """How challengers are judged; None: they can be put into shadow only."""

    two_people: bool = False
    """Whether the second step back from a stop takes another person than the first."""

    def __post_init__(self) -> None:
        spec = self.spec
        if spec.n_agents == 1 and all(isinstance(h, TanhGaussian) for h in spec.kinds[0].heads):
            return
        raise ConfigError(
            Problem(
                where=f"plant {self.name}",
                found=f"{spec.n_agents} agents of {spec.world}",
                allowed="one agent with continuous values a unit",
                fix="serve each agent as a unit of its own; schedules have /v1/schedule",
            )
        )

    @property
    def values(self) -> tuple[TanhGaussian, ...]:
        """The continuous values, in their order."""
        return tuple(h for h in self.spec.kinds[0].heads if isinstance(h, TanhGaussian))

    def stopping(self) -> safety.StopConfig:
        """Return what the emergency stop does."""
        actions = {
            each.name: self.actions.get(each.name, safety.actuators.Hold()) for each in self.values
        }
        return safety.StopConfig(actions=actions, tag=self.tag, two_people=self.two_people)


def plan_of(spec: Spec, margin: float = 0.05) -> releases.verdicts.Plan:
    """Return a plan that judges challengers by the first KPI of a plant.

    Parameters
    ----------
    spec
        Of the plant.
    margin
        Loss that is accepted, in the unit of the KPI.
    """
    kpi = spec.kpis[0]
    primary = releases.verdicts.Metric(name=kpi.name, unit=kpi.unit, sense=kpi.sense, margin=margin)
    return releases.verdicts.Plan(primary=primary)
