# SPDX-License-Identifier: MIT
"""Simulators, one problem domain a folder; no world knows another."""
