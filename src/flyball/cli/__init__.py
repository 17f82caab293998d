# SPDX-License-Identifier: MIT
"""The command line: the only place that prints and reads argv; one file a command."""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Native libraries read these once, when NumPy is first imported."""


def main() -> None:
    """Run `flyball`; set the threads of native libraries before anything imports them."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("MPLBACKEND", "Agg")

    from flyball.cli.app import app

    app()


__all__ = ["main"]
