# SPDX-License-Identifier: MIT
"""Acting with a learned policy, without torch: the bundle format and how scores become actions."""

from flyball.policies.acting import Bundled, Memory
from flyball.policies.bundle import load, save_bundle
from flyball.policies.choosing import Said, choose
from flyball.policies.manifest import Manifest
from flyball.policies.sizes import Sizes, action_of, sizes_of
from flyball.policies.storage import flush, write_folder

__all__ = [
    "Bundled",
    "Manifest",
    "Memory",
    "Said",
    "Sizes",
    "action_of",
    "choose",
    "flush",
    "load",
    "save_bundle",
    "sizes_of",
    "write_folder",
]
