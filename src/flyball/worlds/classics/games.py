# SPDX-License-Identifier: MIT
"""Bandits, matrix games, forbidden actions and two traps for learners: dynamics of one row.

`state.real` is used by none. What `params` and `state.whole` hold stands with each problem's step.

References
----------
.. [1] Rashid et al., *QMIX*, arXiv:1803.11485, section 5: the two-step game.
.. [2] Claus, Boutilier, *The dynamics of reinforcement learning in cooperative multiagent
   systems*, AAAI 1998: penalty and climbing; payoffs as in github.com/semitable/matrix-games.
.. [3] sb3-contrib 2.9.2, ``common/envs/invalid_actions_env.py``.
"""

from flyball.core.batch import Doubles, Ints
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.draws import below, normal, uniform
from flyball.worlds.classics.state import Out, Seen, State

BANDIT, TWO_STEP, MATRIX, MASKED, CONSTANT, COUNTER = range(6)

FIXED, BERNOULLI, NORMAL = range(3)
"""What a bandit pays: its mean, 1 with that probability, or the mean plus noise."""

N_CONTEXTS, N_ARMS, KIND, NOISE, MEANS = range(1, 6)
"""Places in `params` of the bandit."""

COUNTER_MEAN, COUNTER_SPREAD, COUNTER_CONSTANT = 5.0, 3.0, 7.0
"""Mean and standard deviation of the counter's second feature, and its third."""


@inlined
def reset_row(params: Doubles, row: int, seed: int, episode: int, state: State) -> None:
    """Draw the context, the targets or the length; the games have one start."""
    problem, whole = int(params[0]), state.whole[row]
    if problem == BANDIT:
        whole[0] = below(int(params[N_CONTEXTS]), uniform(seed, episode, 0, 0, 0))
    elif problem == MASKED:
        _draw_targets(params, row, 0, state)
    elif problem == COUNTER:
        whole[0] = 1 + below(2 * int(params[1]) - 1, uniform(seed, episode, 0, 0, 0))
    elif problem == TWO_STEP:
        whole[0] = 0


@inlined
def step_row(
    params: Doubles,
    row: int,
    choice: Ints,
    value: Doubles,  # noqa: ARG001  one signature for all families
    state: State,
    out: Out,
) -> None:
    """Move one row by one step of its problem."""
    problem = int(params[0])
    if problem == BANDIT:
        _bandit(params, row, choice, state, out)
    elif problem == TWO_STEP:
        _two_step(params, row, choice, state, out)
    elif problem == MATRIX:
        _matrix(params, row, choice, out)
    elif problem == MASKED:
        _masked(params, row, choice, state, out)
    else:
        out.reward[row, 0, 0] = 1.0
        out.terminated[row] = problem == COUNTER and state.t[row] + 1 == state.whole[row, 0]


@inlined
def _bandit(params: Doubles, row: int, choice: Ints, state: State, out: Out) -> None:
    """Pay the arm of the context whole[0]; params from MEANS on hold contexts times arms."""
    seed, episode, t = state.seed[row], state.episode[row], state.t[row]
    at = MEANS + state.whole[row, 0] * int(params[N_ARMS]) + choice[row, 0, 0]
    reward = params[at]
    if int(params[KIND]) == BERNOULLI:
        reward = 1.0 if uniform(seed, episode, 0, t, 1) < params[at] else 0.0
    elif int(params[KIND]) == NORMAL:
        reward = params[at] + params[NOISE] * normal(seed, episode, 0, t, 1)
    out.reward[row, 0, 0] = reward
    out.terminated[row] = True


@inlined
def _two_step(params: Doubles, row: int, choice: Ints, state: State, out: Out) -> None:
    """Agent 0 leads from state 0 to 1 or 2; there params[1..8] hold the two tables of payoffs."""
    whole = state.whole[row]
    reward = 0.0
    if whole[0] == 0:
        whole[0] = 1 + choice[row, 0, 0]
    else:
        reward = params[4 * whole[0] - 3 + 2 * choice[row, 0, 0] + choice[row, 1, 0]]
        out.terminated[row] = True
    out.reward[row, 0, 0] = reward
    out.reward[row, 1, 0] = reward


@inlined
def _matrix(params: Doubles, row: int, choice: Ints, out: Out) -> None:
    """Both get params[3 + row * columns + column]; params[1] is columns, [2] whether one-shot."""
    reward = params[3 + choice[row, 0, 0] * int(params[1]) + choice[row, 1, 0]]
    out.reward[row, 0, 0] = reward
    out.reward[row, 1, 0] = reward
    out.terminated[row] = params[2] == 1.0


@inlined
def _masked(params: Doubles, row: int, choice: Ints, state: State, out: Out) -> None:
    """Pay 1 where every head hits its target, then draw new targets."""
    hit = True
    for head in range(choice.shape[2]):
        hit = hit and choice[row, 0, head] == state.whole[row, head]
    out.reward[row, 0, 0] = 1.0 if hit else 0.0
    _draw_targets(params, row, state.t[row] + 1, state)


@inlined
def _draw_targets(params: Doubles, row: int, event: int, state: State) -> None:
    """Draw a target a head, and which other columns are forbidden.

    params is (problem, forbidden columns, heads, sizes of heads...); whole holds the target of
    each head, then 1 for each forbidden column. Every set of that many columns is as likely:
    column after column, it is forbidden with probability (still to forbid) / (still free to be).
    """
    whole, n_heads = state.whole[row], int(params[2])
    seed, episode = state.seed[row], state.episode[row]
    for head in range(n_heads):
        whole[head] = below(int(params[3 + head]), uniform(seed, episode, head, event, 0))
    wanted, rest = int(params[1]), len(whole) - 2 * n_heads
    at = n_heads
    for head in range(n_heads):
        for action in range(int(params[3 + head])):
            whole[at] = 0
            if action != whole[head]:
                # A stream a column, the last word of the name: the others are mixed once.
                if uniform(seed, episode, 0, event, 1 + at) * rest < wanted:
                    whole[at] = 1
                    wanted -= 1
                rest -= 1
            at += 1


@inlined
def observe_row(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write what the agents see."""
    problem, whole, obs = int(params[0]), state.whole[row], seen.obs
    seen.mask[row] = True
    if problem == BANDIT:
        for i in range(obs.shape[2]):
            obs[row, 0, i] = whole[0] == i
    elif problem == MASKED:
        _observe_targets(params, row, state, seen)
    elif problem == COUNTER:
        seed, episode, t = state.seed[row], state.episode[row], state.t[row]
        obs[row, 0, 0] = t
        obs[row, 0, 1] = COUNTER_MEAN + COUNTER_SPREAD * normal(seed, episode, 0, t, 1)
        obs[row, 0, 2] = COUNTER_CONSTANT
    elif problem == CONSTANT:
        obs[row, 0, 0] = 1.0
    else:
        _observe_game(params, row, state, seen)


@inlined
def _observe_game(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write where the game stands and who one is; the players' numbers of actions may differ."""
    two_step, n_states = int(params[0]) == TWO_STEP, seen.state.shape[1]
    n_columns = 2 if two_step else int(params[1])
    n_rows = 2 if two_step else (len(params) - 3) // n_columns
    for i in range(n_states):
        here = state.whole[row, 0] == i if two_step else True
        seen.state[row, i] = here
        for agent in range(2):
            seen.obs[row, agent, i] = here
            seen.obs[row, agent, n_states + agent] = 1.0
    for action in range(seen.mask.shape[2]):
        seen.mask[row, 0, action] = action < n_rows
        seen.mask[row, 1, action] = action < n_columns


@inlined
def _observe_targets(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write the targets one-hot and forbid the columns."""
    whole, n_heads = state.whole[row], int(params[2])
    column = 0
    for head in range(n_heads):
        for action in range(int(params[3 + head])):
            seen.obs[row, 0, column] = action == whole[head]
            seen.mask[row, 0, column] = whole[n_heads + column] == 0
            column += 1
