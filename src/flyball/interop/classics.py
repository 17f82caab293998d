# SPDX-License-Identifier: MIT
"""The small problems under ids of their own: ``flyball/CartPole-v0``, ``flyball/TMaze-v0``."""

from collections.abc import Mapping

from flyball.interop.settings import AdapterConfig, Layout
from flyball.interop.single import SingleEnv
from flyball.interop.vector import BatchVectorEnv
from flyball.worlds.classics import make

SPELLED = {"cartpole": "CartPole"}
"""Words that Gymnasium's users know with more capitals than the first."""


def classics_id(problem: str) -> str:
    """Return the id of a problem: ``flyball/`` and its name, each word with a capital, ``-v0``."""
    words = (SPELLED.get(word, word.capitalize()) for word in problem.split("-"))
    return f"flyball/{''.join(words)}-v0"


def classics_env(
    *,
    problem: str,
    weights: Mapping[str, float] | None = None,
    layout: Layout = "flat",
    render_mode: str | None = None,
    **settings: object,
) -> SingleEnv:
    """Return one copy of a problem; this is what `gymnasium.make` calls.

    Parameters
    ----------
    problem
        Its name in `flyball.worlds.classics.NAMES`.
    weights, layout
        See `AdapterConfig`.
    render_mode
        None: nothing is drawn.
    settings
        Of the problem, as `flyball.worlds.classics.make` takes them.

    Raises
    ------
    ConfigError
        When a setting is wrong, or the problem has several agents.
    """
    config = AdapterConfig(weights=weights, layout=layout)
    return SingleEnv(make(problem, 1, **settings), config, render_mode=render_mode)


def classics_vector_env(
    *,
    num_envs: int,
    problem: str,
    weights: Mapping[str, float] | None = None,
    layout: Layout = "flat",
    render_mode: str | None = None,
    **settings: object,
) -> BatchVectorEnv:
    """Return a batch of copies (see `classics_env`); this is what `gymnasium.make_vec` calls."""
    config = AdapterConfig(weights=weights, layout=layout)
    return BatchVectorEnv(make(problem, num_envs, **settings), config, render_mode=render_mode)
