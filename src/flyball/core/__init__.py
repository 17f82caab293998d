# SPDX-License-Identifier: MIT
"""The nouns: Protocols and frozen records that every room shares. NumPy only.

Its modules are its face: `batch` (arrays of the contract), `clock`, `errors`, `evaluation`
(records of a comparison), `protocols`, `random`, `spec`.
"""
