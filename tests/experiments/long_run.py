# SPDX-License-Identifier: MIT
"""A run in a process of its own: `python -m tests.experiments.long_run FOLDER SLOW_S`."""

import sys
import time
from pathlib import Path

from flyball.experiments.train import train_run
from flyball.learning import training


def main(folder: str, slow_s: float) -> None:
    training.CHECKPOINT_EVERY_S = 0.0

    def watch(stage: str, share: float, figures: dict) -> None:
        del stage, share
        sys.stdout.write(f"{figures['iteration']}\n")
        sys.stdout.flush()
        time.sleep(slow_s)

    train_run(Path(folder), watch)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
