# SPDX-License-Identifier: MIT
"""Scripts in `benchmarks` find their packages beside them, as when they are run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
