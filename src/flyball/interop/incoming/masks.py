# SPDX-License-Identifier: MIT
"""Action masks in every spelling as one row of truths, heads end to end."""

from typing import Any

import numpy as np

from flyball.core.batch import Bools
from flyball.core.errors import ConfigError, Problem


def flat_mask(given: Any, width: int, where: str) -> Bools:
    """Return a mask (width,); True where an action is legal.

    Parameters
    ----------
    given
        An array of truths or of 0 and 1; or one for each head, as Gymnasium samples with, where
        None forbids nothing of a continuous part and is left out.
    width
        Actions of all heads.
    where
        Of the environment, for messages.

    Raises
    ------
    ConfigError
        When the mask has another length than the actions.
    """
    parts = _parts(given)
    mask: Bools = (np.concatenate(parts) if parts else np.zeros(0)).astype(np.bool_)
    if len(mask) != width:
        raise ConfigError(
            Problem(
                where=f"{where} action mask",
                found=f"{len(mask)} entries",
                allowed=f"{width}, one for each discrete action, heads end to end",
                fix="make the mask as long as the action space has choices",
            )
        )
    return mask


def _parts(given: Any) -> list[Any]:
    """Return the arrays in nested sequences as rows, None left out."""
    if given is None:
        return []
    if isinstance(given, tuple | list):
        return [part for each in given for part in _parts(each)]
    return [np.reshape(given, -1)]
