# SPDX-License-Identifier: MIT
"""A policy server that is killed over and over, and the ledger that its client keeps."""
