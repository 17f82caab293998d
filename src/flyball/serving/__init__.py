# SPDX-License-Identifier: MIT
"""Deciding for a plant: observe, validate, propose, filter, gate, write, record."""
