# SPDX-License-Identifier: MIT
"""A verdict as a record: the decision, the reason in words, and the figures that it rests on."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Decision(StrEnum):
    """What is to be done with the challenger."""

    PROMOTE = "promote"
    HOLD = "hold"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the blocks say of one metric; *worse* by its sense, in its unit."""

    metric: str
    unit: str
    worse: float
    """Best estimate of how much worse the challenger is; negative: better."""

    least: float
    """It is worse by at least this, with the error of rolling back; -inf: not known."""

    most: float
    """It is worse by at most this, with the error of promoting; inf: not known."""

    log_e_harm: float
    """Log of the odds that were won against *not worse by more than harm*; 4.6 is 100 to 1."""

    log_e_safe: float
    """Log of the odds that were won against *worse by the margin or more*."""

    plain: float
    """Standard errors by which the plain mean is better than the margin; promotion asks for some,
    as bets are cut and do not see how bad rare blocks are."""

    twin_share: float
    """Share of the blocks in which the twin's prediction was used, because it had helped before."""


class Moment(NamedTuple):
    """The primary metric after one block; see `Finding`."""

    ended_s: float
    worse: float
    log_e_harm: float
    log_e_safe: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to do, why, and what it rests on."""

    decision: Decision
    reason: str
    """For who runs the plant; the same words in log, page and test."""

    alarms: tuple[str, ...] = ()
    """What people must look at, whatever the decision."""

    blocks: int = 0
    """Blocks of evidence when it was decided; all of them where it is hold."""

    exposed: int = 0
    """Of them with the challenger."""

    lost: int = 0
    """Blocks of either arm that are no evidence."""

    advance: bool = False
    """Whether the last stage has its blocks and nothing speaks against the next."""

    findings: tuple[Finding, ...] = ()
    """The primary metric, then the guards."""

    path: tuple[Moment, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return plain data; what is infinite or no number stands as None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return str(value) if isinstance(value, StrEnum) else value
