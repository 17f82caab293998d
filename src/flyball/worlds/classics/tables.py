# SPDX-License-Identifier: MIT
"""The scenarios of bandits, matrix games, forbidden actions and traps; dynamics in `games`."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from flyball.core.batch import Doubles
from flyball.core.spec import AgentKind, Categorical, Feature, Head, TanhGaussian
from flyball.worlds.classics import games
from flyball.worlds.classics.scenario import Recipe, Scenario, describe, features, require

Table = tuple[tuple[float, ...], ...]

PAYS = ("fixed", "bernoulli", "normal")

CLIMBING: Table = ((11.0, -30.0, 0.0), (-30.0, 7.0, 0.0), (0.0, 6.0, 5.0))
MONOTONE: Table = ((0.0, 0.0), (0.0, 10.0))


@dataclass(frozen=True, kw_only=True)
class BanditSettings:
    """Choose an arm once."""

    means: tuple[Any, ...] = (0.1, 0.5, 0.9)
    """Mean of each arm; or a row of means for each context, which is drawn and seen."""
    pays: Literal["fixed", "bernoulli", "normal"] = "fixed"
    """The mean itself, 1 with that probability, or the mean plus noise."""
    noise: float = 1.0
    """Standard deviation of "normal", at least 0."""


@dataclass(frozen=True, kw_only=True)
class TwoStepSettings:
    """Agent 0 chooses which of two tables both play next."""

    safe: float = 7.0
    """What every cell of the first table pays."""
    payoff: Table = ((0.0, 1.0), (1.0, 8.0))
    """The second table, two rows of two."""


@dataclass(frozen=True, kw_only=True)
class MatrixSettings:
    """Two agents choose at once and share the payoff."""

    game: Literal["climbing", "penalty", "monotone"] = "climbing"
    penalty: float = 100.0
    """k of the penalty game: two cells pay -k; at least 0."""
    payoff: Table | None = None
    """A table of one's own, rows for agent 0; takes the place of `game`."""
    steps: int | None = None
    """Steps of an episode. None: 25 for climbing and penalty, else 1. One step terminates; more
    are a game without end that is truncated."""


@dataclass(frozen=True, kw_only=True)
class MaskedSettings:
    """Repeat the target that is seen; some of the other actions are forbidden."""

    actions: int = 80
    """1 to 10,000."""
    forbidden: int = 60
    """How many are, 0 to actions - 1; drawn anew in each step."""
    steps: int = 100
    """Steps of an episode, at least 1."""


@dataclass(frozen=True, kw_only=True)
class MaskedMultiSettings:
    """The same with several heads that all must hit."""

    actions: tuple[int, ...] = (10, 10, 10)
    """Actions of each head, at least 1 each."""
    forbidden: int = 20
    """How many are, over all heads; 0 to the sum of actions minus the number of heads."""
    steps: int = 100
    """Steps of an episode, at least 1."""


@dataclass(frozen=True, kw_only=True)
class ConstantSettings:
    """One state, reward 1, truncated: its value is 1 / (1 - gamma), not the sum to the end."""

    steps: int = 50
    """Steps of an episode, at least 1."""
    continuous: bool = False
    """A continuous action instead of two discrete ones; neither matters."""


@dataclass(frozen=True, kw_only=True)
class CounterSettings:
    """Features of known mean and spread, in episodes of random length, to test normalisers."""

    mean_steps: int = 20
    """Mean length; lengths are uniform in 1 to 2 * mean_steps - 1. At least 1."""


def _table(where: str, given: object) -> Doubles:
    """Return rows of numbers (R, C); raise ConfigError for anything else."""
    rows = given if isinstance(given, tuple | list) else ()
    numbers = all(
        isinstance(row, tuple | list)
        and len(row) == len(rows[0]) > 0
        and all(type(x) in (int, float) and abs(x) < np.inf for x in row)
        for row in rows
    )
    fix = "give each row as a list, all of one length"
    require(len(rows) > 0 and numbers, where, given, "rows of equally many finite numbers", fix)
    return np.array(rows, np.float64)


def bandit(name: str, settings: BanditSettings) -> Scenario:
    """Return a bandit, contextual where `means` has rows."""
    rows = any(isinstance(each, tuple | list) for each in settings.means)
    means = _table(f"{name}.means", settings.means if rows else (settings.means,))
    known = settings.pays in PAYS
    require(known, f"{name}.pays", settings.pays, ", ".join(PAYS), "leave it out for fixed")
    inside = settings.pays != "bernoulli" or bool(means.min() >= 0 and means.max() <= 1)
    require(inside, f"{name}.means", settings.means, "0 to 1 for bernoulli", "give probabilities")
    finite = 0 <= settings.noise < np.inf
    require(finite, f"{name}.noise", settings.noise, "0 or more, finite", "1 is usual")
    n_contexts, n_arms = means.shape
    kind = AgentKind("agent", 1, _one_hot("context", n_contexts), (Categorical("arm", n_arms),))
    header = [games.BANDIT, n_contexts, n_arms, PAYS.index(settings.pays), settings.noise]
    return _scenario(name, np.concatenate([header, means.ravel()]), (kind,), 1, 1)


def two_step(name: str, settings: TwoStepSettings) -> Scenario:
    """Return the two-step game of the QMIX paper."""
    payoff = _table(f"{name}.payoff", settings.payoff)
    fix = "((0, 1), (1, 8)) is the published one"
    require(payoff.shape == (2, 2), f"{name}.payoff", settings.payoff, "two rows of two", fix)
    safe = settings.safe
    require(abs(safe) < np.inf, f"{name}.safe", safe, "a finite number", "7 is the published one")
    names = ("first", "safe_table", "risky_table")
    kind = AgentKind("player", 2, _names(*names) + _one_hot("agent", 2), (Categorical("play", 2),))
    params = np.concatenate([[games.TWO_STEP], np.full(4, settings.safe), payoff.ravel()])
    return _scenario(name, params, (kind,), 1, 2, state=_names(*names))


def matrix(name: str, settings: MatrixSettings) -> Scenario:
    """Return a game that one table describes."""
    k = settings.penalty
    fix = "100 is the hardest published"
    require(0 <= k < np.inf, f"{name}.penalty", k, "0 or more, finite", fix)
    tables: dict[str, Table] = {
        "climbing": CLIMBING,
        "penalty": ((-k, 0.0, 10.0), (0.0, 2.0, 0.0), (10.0, 0.0, -k)),
        "monotone": MONOTONE,
    }
    known = settings.game in tables
    require(known, f"{name}.game", settings.game, ", ".join(tables), "or give a payoff")
    given = settings.payoff if settings.payoff is not None else tables[settings.game]
    table = _table(f"{name}.payoff", given)
    one_shot = settings.payoff is not None or settings.game == "monotone"
    steps = settings.steps if settings.steps is not None else 1 if one_shot else 25
    whole = type(steps) is int and steps >= 1
    require(whole, f"{name}.steps", steps, "1 or more, whole", "25 is usual")
    n_rows, n_columns = table.shape
    seen = _names("always") + _one_hot("agent", 2)
    kinds = (
        (AgentKind("player", 2, seen, (Categorical("play", n_rows),)),)
        if n_rows == n_columns
        else tuple(
            AgentKind(f"player_{which}", 1, seen, (Categorical("play", n),))
            for which, n in (("rows", n_rows), ("columns", n_columns))
        )
    )
    header = [games.MATRIX, n_columns, steps == 1]
    params = np.concatenate([header, table.ravel()])
    return _scenario(name, params, kinds, 0, steps, state=_names("always"))


def masked(name: str, settings: MaskedSettings) -> Scenario:
    """Return sb3-contrib's InvalidActionEnvDiscrete."""
    return _masked(name, (settings.actions,), settings.forbidden, settings.steps)


def masked_multi(name: str, settings: MaskedMultiSettings) -> Scenario:
    """Return sb3-contrib's InvalidActionEnvMultiDiscrete."""
    return _masked(name, tuple(settings.actions), settings.forbidden, settings.steps)


def _masked(name: str, actions: tuple[int, ...], forbidden: int, steps: int) -> Scenario:
    whole = len(actions) > 0 and all(type(n) is int and n >= 1 for n in actions)
    enough = whole and sum(actions) <= 10_000
    allowed = "whole numbers from 1 on, 10,000 in sum at most"
    require(enough, f"{name}.actions", actions, allowed, "80 is usual")
    most = sum(actions) - len(actions)
    fix = "leave the target of each head allowed"
    require(0 <= forbidden <= most, f"{name}.forbidden", forbidden, f"0 to {most}", fix)
    require(steps >= 1, f"{name}.steps", steps, "1 or more", "100 is usual")
    seen = tuple(feature for h, n in enumerate(actions) for feature in _one_hot(f"target_{h}", n))
    heads = tuple(Categorical(f"repeat_{h}", n) for h, n in enumerate(actions))
    params = np.array([games.MASKED, forbidden, len(actions), *actions], np.float64)
    n_whole = len(actions) + sum(actions)
    return _scenario(name, params, (AgentKind("agent", 1, seen, heads),), n_whole, steps)


def constant(name: str, settings: ConstantSettings) -> Scenario:
    """Return the world in which nothing matters."""
    steps = settings.steps
    require(steps >= 1, f"{name}.steps", steps, "1 or more", "50 is usual")
    head: Head = Categorical("any", 2)
    if settings.continuous:
        head = TanhGaussian("any", "-", -1.0, 1.0)
    kind = AgentKind("agent", 1, _names("always"), (head,))
    return _scenario(name, np.array([float(games.CONSTANT)]), (kind,), 0, steps)


def counter(name: str, settings: CounterSettings) -> Scenario:
    """Return the world that only counts."""
    mean = settings.mean_steps
    require(mean >= 1, f"{name}.mean_steps", mean, "1 or more", "20 is usual")
    seen = features(
        ("step", "steps", 0.0, 2.0 * mean),
        ("noise", "-", -np.inf, np.inf),
        ("constant", "-", games.COUNTER_CONSTANT, games.COUNTER_CONSTANT),
    )
    kind = AgentKind("agent", 1, seen, (Categorical("any", 2),))
    return _scenario(name, np.array([games.COUNTER, mean], np.float64), (kind,), 1, 2 * mean)


def _scenario(
    name: str,
    params: Doubles,
    kinds: tuple[AgentKind, ...],
    n_whole: int,
    time_limit: int,
    *,
    state: tuple[Feature, ...] = (),
) -> Scenario:
    return Scenario(
        name=name,
        family="games",
        params=params.astype(np.float64),
        spec=describe(name, kinds, state=state),
        n_real=0,
        n_whole=n_whole,
        time_limit=time_limit,
    )


def _names(*names: str) -> tuple[Feature, ...]:
    return tuple(Feature(name, "-", 0.0, 1.0) for name in names)


def _one_hot(name: str, n: int) -> tuple[Feature, ...]:
    return _names(*(f"{name}_{k}" for k in range(n)))


PROBLEMS = {
    "bandit": Recipe(BanditSettings, bandit),
    "two-step": Recipe(TwoStepSettings, two_step),
    "matrix": Recipe(MatrixSettings, matrix),
    "masked": Recipe(MaskedSettings, masked),
    "masked-multi": Recipe(MaskedMultiSettings, masked_multi),
    "constant": Recipe(ConstantSettings, constant),
    "counter": Recipe(CounterSettings, counter),
}
