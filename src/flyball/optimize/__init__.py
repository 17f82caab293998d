# SPDX-License-Identifier: MIT
"""Thin faces over solvers; every solver is an extra and is imported when it is first used."""

from flyball.optimize.cp import CpAnswer, CpSettings, CpStatus, domain, new_model, run

__all__ = ["CpAnswer", "CpSettings", "CpStatus", "domain", "new_model", "run"]
