# SPDX-License-Identifier: MIT
"""Releases: signed bundles of a policy, its limits and what it is worth, and how they are staged.

Names are imported when they are first used, so that the process that tries an unknown graph, and a
server that only reads, load no more than they need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flyball.releases import packing, refusals, signing, verdicts
    from flyball.releases.admission import Expected, admit
    from flyball.releases.pointing import Pointing
    from flyball.releases.registry import Registry
    from flyball.releases.roles import Person, Role
    from flyball.releases.shelf import Wanted
    from flyball.releases.staging import Command
    from flyball.releases.vault import Vault

__all__ = [
    "Command",
    "Expected",
    "Person",
    "Pointing",
    "Registry",
    "Role",
    "Vault",
    "Wanted",
    "admit",
    "packing",
    "refusals",
    "signing",
    "verdicts",
]

HOMES = {
    "Command": "staging",
    "Expected": "admission",
    "Person": "roles",
    "Pointing": "pointing",
    "Registry": "registry",
    "Role": "roles",
    "Vault": "vault",
    "Wanted": "shelf",
    "admit": "admission",
}
"""The file that each name of the face is in; the other names are files or folders themselves."""


def __getattr__(name: str) -> Any:
    """Import a name of the face when it is first used."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = import_module(f"{__name__}.{HOMES.get(name, name)}")
    return getattr(home, name) if name in HOMES else home
