# SPDX-License-Identifier: MIT
"""Learning under limits: what is trained and how, what came of it, and how it is judged.

Every run that counts is a line in `evidence/caution`, with its curve.
"""
