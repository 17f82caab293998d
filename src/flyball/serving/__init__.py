# SPDX-License-Identifier: MIT
"""Deciding for a plant: observe, validate, propose, filter, gate, write, record.

`Server` decides in a process; `Station` opens all that one process serves, and `application` puts
it behind HTTP. Nothing here learns, and nothing of it needs torch.
"""

from flyball.serving.access import Keys, role_of
from flyball.serving.app import application
from flyball.serving.lineup import Lineup
from flyball.serving.log import LogSettings, open_log
from flyball.serving.server import Server
from flyball.serving.settings import settings
from flyball.serving.simulated import Simulated
from flyball.serving.site import Site, plan_of
from flyball.serving.station import Station

__all__ = [
    "Keys",
    "Lineup",
    "LogSettings",
    "Server",
    "Simulated",
    "Site",
    "Station",
    "application",
    "open_log",
    "plan_of",
    "role_of",
    "settings",
]
