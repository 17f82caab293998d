# SPDX-License-Identifier: MIT
"""From a network to actions: sampled, greedy, exploring, remembering, for one agent or a team."""
