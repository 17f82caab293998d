# SPDX-License-Identifier: MIT
"""Teams beside independent learners: same problem, networks, steps, search and evaluation.

`cells` says what is compared, `training` makes one run, `choosing` takes each side's settings from
its own search, `figures` says what came of it. Runs are kept as `parity.ledger` keeps them.
`benchmarks/team_learning.py` is the command.
"""
