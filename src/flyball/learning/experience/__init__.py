# SPDX-License-Identifier: MIT
"""Collecting and keeping what was lived through: arenas of the moment, replays of the past."""
