# SPDX-License-Identifier: MIT
"""Our algorithms beside Stable-Baselines3's: same problems, settings, steps, seeds and evaluation.

`cells` says what is compared, `problems` makes the Gymnasium environments, `scoring` gives every
trained policy the same hundred episodes, `ledger` keeps one line a run, `statistics` compares.
`benchmarks/learning_parity.py` is the command.
"""
