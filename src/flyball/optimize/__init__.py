# SPDX-License-Identifier: MIT
"""Thin faces over solvers; every solver is an extra and is imported when it is first used."""

from typing import TYPE_CHECKING

from flyball.optimize.cp import CpAnswer, CpSettings, CpStatus, domain, new_model, run

if TYPE_CHECKING:
    # For annotations only: what a model is made of, without OR-Tools at run time.
    from flyball.optimize.cp import CpModel as CpModel
    from flyball.optimize.cp import Domain as Domain
    from flyball.optimize.cp import IntVar as IntVar
    from flyball.optimize.cp import LiteralT as LiteralT

__all__ = ["CpAnswer", "CpSettings", "CpStatus", "domain", "new_model", "run"]
