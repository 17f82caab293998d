# SPDX-License-Identifier: MIT
"""Releases: signed bundles of a policy, its limits and what it is worth, and how they are staged.

Names are imported when they are first used, so that the process that tries an unknown graph, and a
server that only reads, load no more than they need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flyball.releases import refusals, signing, staging, verdicts
    from flyball.releases.admission import Expected, admit
    from flyball.releases.packing import About, pack
    from flyball.releases.registry import Registry
    from flyball.releases.roles import Person, Role
    from flyball.releases.vault import Vault

__all__ = [
    "About",
    "Expected",
    "Person",
    "Registry",
    "Role",
    "Vault",
    "admit",
    "pack",
    "refusals",
    "signing",
    "staging",
    "verdicts",
]

HOMES = {
    "About": "packing",
    "Expected": "admission",
    "Person": "roles",
    "Registry": "registry",
    "Role": "roles",
    "Vault": "vault",
    "admit": "admission",
    "pack": "packing",
}
"""The file that each name of the face is in; the other names are files or folders themselves."""


def __getattr__(name: str) -> Any:
    """Import a name of the face when it is first used."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = import_module(f"{__name__}.{HOMES.get(name, name)}")
    return getattr(home, name) if name in HOMES else home
