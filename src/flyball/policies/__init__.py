# SPDX-License-Identifier: MIT
"""Acting with a learned policy, without torch: the bundle format and how scores become choices."""

from flyball.policies.choosing import action_of, choose_masked, choose_options

__all__ = ["action_of", "choose_masked", "choose_options"]
