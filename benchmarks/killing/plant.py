# SPDX-License-Identifier: MIT
"""The plant that is served, and what its hard limits allow."""

from flyball import experiments, safety, serving
from flyball.core.limits import Box
from flyball.worlds import classics

NAME = "two-tanks"
STEP_S = 0.5


def site() -> serving.Site:
    """Return the two tanks behind filter and gate, with the rule that balances them."""
    scenario, rules = classics.scenario(NAME), classics.policies(NAME)
    return serving.Site(
        name=NAME,
        spec=scenario.spec,
        envelope=experiments.proofs.safe(NAME),
        step_s=STEP_S,
        fallback=rules["balance"],
        fallback_name="balance",
        rules={"greedy": rules["greedy"]},
        actions={"first_flow": safety.actuators.Hold(), "second_flow": safety.actuators.Hold()},
    )


def allowed(plant: serving.Site, value: list[float]) -> bool:
    """Return whether values are within the plant's hard boxes."""
    boxes = {
        limit.value: limit
        for limit in plant.envelope.limits
        if isinstance(limit, Box) and limit.severity == "hard"
    }
    heads = [head.name for head in plant.spec.kinds[0].heads]
    return len(value) == len(heads) and all(
        boxes[name].low <= x <= boxes[name].high for name, x in zip(heads, value, strict=True)
    )
