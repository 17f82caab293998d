# SPDX-License-Identifier: MIT
"""Who tries to break a plant, where it starts, and what stands in the way."""
