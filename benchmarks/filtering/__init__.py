# SPDX-License-Identifier: MIT
"""The program of the safety filter beside solvers that people would use instead."""
