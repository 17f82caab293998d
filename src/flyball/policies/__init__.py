# SPDX-License-Identifier: MIT
"""Acting with a learned policy, without torch: the bundle format and how scores become choices."""

from flyball.policies.bundle import Bundled, load, save_bundle
from flyball.policies.choosing import action_of, choose_masked, choose_options
from flyball.policies.manifest import Manifest
from flyball.policies.storage import flush, write_folder

__all__ = [
    "Bundled",
    "Manifest",
    "action_of",
    "choose_masked",
    "choose_options",
    "flush",
    "load",
    "save_bundle",
    "write_folder",
]
