# SPDX-License-Identifier: MIT
"""The figures of `learning_speed`: each file has those of one kind of learning."""
