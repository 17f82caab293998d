# SPDX-License-Identifier: MIT
"""The decision log: one hash chain of everything that was decided, durable before the reply."""

from flyball.serving.log.decision_log import DecisionLog, open_log
from flyball.serving.log.group import Pending
from flyball.serving.log.reading import Page, Place
from flyball.serving.log.refusals import LogConflictError, LogFullError, LogLateError
from flyball.serving.log.retention import Dropped
from flyball.serving.log.settings import LogSettings
from flyball.serving.log.writer import Stored

__all__ = [
    "DecisionLog",
    "Dropped",
    "LogConflictError",
    "LogFullError",
    "LogLateError",
    "LogSettings",
    "Page",
    "Pending",
    "Place",
    "Stored",
    "open_log",
]
