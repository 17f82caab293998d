# SPDX-License-Identifier: MIT
"""Point masses on a plane: agents cover landmarks; a speaker guides a listener. One row's dynamics.

Equal to mpe2's ``simple_spread_v3`` and ``simple_speaker_listener_v4`` state by state, in their
order of arithmetic [1]_. `params` is (problem, agents, local ratio, continuous, channel cut). With
N agents and L landmarks, `state.real` holds, two numbers each: N positions, N velocities, the N
forces of the last step, L positions of landmarks; then the three numbers that the speaker said.
`state.whole` holds the landmark that the listener must reach. The scenarios are in `teams`.

References
----------
.. [1] Lowe et al., *Multi-agent actor-critic for mixed cooperative-competitive environments*,
   arXiv:1706.02275; mpe2 1.1.1, ``mpe2/_mpe_utils/core.py``.
"""

import math

from flyball.core.batch import Doubles, Ints
from flyball.worlds.classics.compiling import inlined
from flyball.worlds.classics.draws import below, uniform
from flyball.worlds.classics.state import Out, Seen, State

SPREAD, GUIDE = range(2)
PROBLEM, N_AGENTS, LOCAL_RATIO, CONTINUOUS, CUT = range(5)

N_GOALS = 3
N_WORDS = 3
SPEAKER, LISTENER = 0, 1

STEP_S = 0.1
DAMPING = 0.25
PUSH = 5.0  # force of a full action; every mass is 1
REACH = 0.15 + 0.15  # two agents touch when nearer than this
CONTACT_FORCE = 1e2
CONTACT_MARGIN = 1e-3
DIM, BRIGHT = 0.15, 0.65  # the goal's number as a colour


@inlined
def reset_row(params: Doubles, row: int, seed: int, episode: int, state: State) -> None:
    """Put agents and landmarks anywhere in [-1, 1] squared, at rest; choose the goal."""
    real, n = state.real[row], int(params[N_AGENTS])
    n_landmarks = N_GOALS if params[PROBLEM] == GUIDE else n
    real[:] = 0.0
    for i in range(n):
        for axis in range(2):
            real[2 * i + axis] = -1.0 + 2.0 * uniform(seed, episode, i, 0, axis)
    for i in range(n_landmarks):
        for axis in range(2):
            place = -1.0 + 2.0 * uniform(seed, episode, n + i, 0, axis)
            real[6 * n + 2 * i + axis] = place
    if params[PROBLEM] == GUIDE:
        state.whole[row, 0] = below(N_GOALS, uniform(seed, episode, SPEAKER, 0, 2))


@inlined
def step_row(
    params: Doubles, row: int, choice: Ints, value: Doubles, state: State, out: Out
) -> None:
    """Push, collide, move by one step of 0.1 s, speak, reward."""
    real, n = state.real[row], int(params[N_AGENTS])
    if params[PROBLEM] == GUIDE:
        real[4 * n + 2 * SPEAKER] = real[4 * n + 2 * SPEAKER + 1] = 0.0
        _push(params, row, LISTENER, choice, value, state)
    else:
        for agent in range(n):
            _push(params, row, agent, choice, value, state)
        _collide(row, n, state)
    for axis in range(2 * n):
        real[axis] += real[2 * n + axis] * STEP_S
        real[2 * n + axis] = real[2 * n + axis] * (1.0 - DAMPING) + real[4 * n + axis] * STEP_S
    if params[PROBLEM] == GUIDE:
        for word in range(N_WORDS):
            said = 1.0 if choice.shape[2] > 0 and choice[row, SPEAKER, 0] == word else 0.0
            if params[CONTINUOUS] == 1.0:
                said = value[row, SPEAKER, word]
            real[6 * n + 2 * N_GOALS + word] = said
        _reward_guide(row, state, out)
    else:
        _reward_spread(params, row, state, out)


@inlined
def _push(
    params: Doubles, row: int, agent: int, choice: Ints, value: Doubles, state: State
) -> None:
    """Write the force of an agent's own action: nothing, left, right, down, up."""
    real, at = state.real[row], 4 * int(params[N_AGENTS]) + 2 * agent
    x = y = 0.0
    if params[CONTINUOUS] == 1.0:
        x = value[row, agent, 2] - value[row, agent, 1]
        y = value[row, agent, 4] - value[row, agent, 3]
    else:
        move = choice[row, agent, 0]
        x = -1.0 if move == 1 else (1.0 if move == 2 else 0.0)
        y = -1.0 if move == 3 else (1.0 if move == 4 else 0.0)
    real[at] = x * PUSH
    real[at + 1] = y * PUSH


@inlined
def _collide(row: int, n: int, state: State) -> None:
    """Add to each pair's forces a soft push apart, along the line between their centres."""
    real = state.real[row]
    for a in range(n):
        for b in range(a + 1, n):
            x, y = real[2 * a] - real[2 * b], real[2 * a + 1] - real[2 * b + 1]
            distance = math.sqrt(x * x + y * y)
            if distance == 0.0:  # no direction to push in; mpe2 would go on with NaN
                continue
            depth = -(distance - REACH) / CONTACT_MARGIN
            # log(1 + exp(depth)) without overflow
            soft = (
                depth + math.log1p(math.exp(-depth)) if depth > 0 else math.log1p(math.exp(depth))
            )
            depth = soft * CONTACT_MARGIN
            force_x = CONTACT_FORCE * x / distance * depth
            force_y = CONTACT_FORCE * y / distance * depth
            real[4 * n + 2 * a] += force_x
            real[4 * n + 2 * a + 1] += force_y
            real[4 * n + 2 * b] -= force_x
            real[4 * n + 2 * b + 1] -= force_y


@inlined
def _reward_spread(params: Doubles, row: int, state: State, out: Out) -> None:
    """Reward the distances of landmarks to their nearest agents, minus 1 for each own contact."""
    real, n = state.real[row], int(params[N_AGENTS])
    ratio = params[LOCAL_RATIO]
    shared = 0.0
    for landmark in range(n):
        at, nearest = 6 * n + 2 * landmark, math.inf
        for agent in range(n):
            x, y = real[2 * agent] - real[at], real[2 * agent + 1] - real[at + 1]
            nearest = min(nearest, math.sqrt(x * x + y * y))
        shared -= nearest
    for agent in range(n):
        own = 0.0
        for other in range(n):
            x = real[2 * other] - real[2 * agent]
            y = real[2 * other + 1] - real[2 * agent + 1]
            if other != agent and math.sqrt(x * x + y * y) < REACH:
                own -= 1.0
        out.reward[row, agent, 0] = shared * (1.0 - ratio) + own * ratio


@inlined
def _reward_guide(row: int, state: State, out: Out) -> None:
    """Reward both with minus the squared distance of the listener to its goal."""
    real, at = state.real[row], 6 * 2 + 2 * state.whole[row, 0]
    x, y = real[2 * LISTENER] - real[at], real[2 * LISTENER + 1] - real[at + 1]
    out.reward[row, SPEAKER, 0] = out.reward[row, LISTENER, 0] = -(x * x + y * y)


@inlined
def observe_row(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write what each agent sees, and for critics all of it side by side."""
    if params[PROBLEM] == GUIDE:
        _observe_guide(params, row, state, seen)
    else:
        _observe_spread(params, row, state, seen)


@inlined
def _observe_spread(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write own velocity and place, landmarks and others from there; nobody speaks: zeros."""
    real, n = state.real[row], int(params[N_AGENTS])
    width = 6 * n
    seen.mask[row] = True
    for agent in range(n):
        obs, mine = seen.obs[row, agent], real[2 * agent : 2 * agent + 2]
        for axis in range(2):
            obs[axis] = real[2 * n + 2 * agent + axis]
            obs[2 + axis] = mine[axis]
            at = 4 + axis
            for landmark in range(n):
                obs[at] = real[6 * n + 2 * landmark + axis] - mine[axis]
                at += 2
            for other in range(n):
                if other != agent:
                    obs[at] = real[2 * other + axis] - mine[axis]
                    at += 2
        for column in range(width):
            seen.state[row, agent * width + column] = obs[column]


@inlined
def _observe_guide(params: Doubles, row: int, state: State, seen: Seen) -> None:
    """Write the goal's colour for the speaker; velocity, landmarks and message for the listener."""
    real, goal, n = state.real[row], state.whole[row, 0], 2
    speaker, listener = seen.obs[row, SPEAKER], seen.obs[row, LISTENER]
    seen.mask[row] = True
    for move in range(N_WORDS, seen.mask.shape[2]):
        seen.mask[row, SPEAKER, move] = False
    for axis in range(2):
        listener[axis] = real[2 * n + 2 * LISTENER + axis]
        for landmark in range(N_GOALS):
            far = real[6 * n + 2 * landmark + axis] - real[2 * LISTENER + axis]
            listener[2 + 2 * landmark + axis] = far
    for k in range(N_GOALS):
        speaker[k] = BRIGHT if k == goal else DIM
        heard = real[6 * n + 2 * N_GOALS + k] if params[CUT] == 0.0 else 0.0
        listener[2 + 2 * N_GOALS + k] = heard
        seen.state[row, k] = speaker[k]
        seen.state[row, 14 + k] = 1.0 if k == goal else 0.0
    for column in range(11):
        seen.state[row, 3 + column] = listener[column]
