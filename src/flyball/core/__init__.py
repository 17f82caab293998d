# SPDX-License-Identifier: MIT
"""The nouns: Protocols and frozen records that every room shares. NumPy only.

Its modules are its face: `batch` (arrays of the contract), `certificate` (a proof as text),
`clock`, `envelope` (what a world says of its safety), `errors`, `evaluation` (records of a
comparison), `journal` and `journal_file` (records in a chain), `limits` and `limits_file`,
`protocols`, `random`, `spec`.
"""
