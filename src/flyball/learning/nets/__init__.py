# SPDX-License-Identifier: MIT
"""Networks and what is computed with them: layers, memory, distributions, optimisers, graphs."""
