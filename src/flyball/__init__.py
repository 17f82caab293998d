# SPDX-License-Identifier: MIT
"""Flyball trains policies that run operations, proves what they are worth, and governs them."""

__version__ = "0.1.0"
