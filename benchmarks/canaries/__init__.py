# SPDX-License-Identifier: MIT
"""Made-up releases on made-up plants, and the rules that others judge releases by."""
