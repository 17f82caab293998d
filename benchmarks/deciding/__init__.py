# SPDX-License-Identifier: MIT
"""Plants on which single decisions are timed."""
