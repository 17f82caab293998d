# SPDX-License-Identifier: MIT
"""Rivals that learn, made to speak the words of `parity`."""
