# SPDX-License-Identifier: MIT
"""Where trajectories lie: preallocated, written in place, read as index blocks.

T steps · B parallel copies · N agents; a *decision* is one (step, row, agent) that counts, a *row*
of the arena is t * B * N + b * N + n, a *column* is b * N + n. Ragged options lie end to end and
grow by doubling. For networks with memory the arena is cut into windows of W steps; the memory
before the first step of each window is kept, and a block is whole windows of some columns.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from flyball.core.batch import Bools, Doubles, Floats, Longs, Observation, Step
from flyball.core.random import generator
from flyball.learning.experience.finite import require_finite, require_observed
from flyball.learning.nets.net import Net, Rows
from flyball.learning.nets.rows import Inputs, Taken, agent_index
from flyball.policies import Sizes


class Decisions(NamedTuple):
    """A minibatch of R decisions."""

    inputs: Inputs  # of the R decisions; with memory of all L * C rows of the windows
    taken: Taken  # (R, ...)
    log_prob: Tensor  # (R,) f32  under the policy that collected
    advantage: Tensor  # (R,) f32
    target: Tensor  # (R,) f32  of the critic
    rows: Longs  # (R,)  of the arena
    memory: Tensor | None = None  # (C, 2M) of actor and critic before the windows
    start: Tensor | None = None  # (L * C,) bool
    picked: Tensor | None = None  # (R,) which of the L * C rows are the decisions

    def to(self, device: torch.device) -> "Decisions":
        """Return the decisions on another device."""
        if device.type == "cpu":
            return self
        memory, start, picked = (
            part if part is None else part.to(device)
            for part in (self.memory, self.start, self.picked)
        )
        return Decisions(
            Inputs(*(part.to(device) for part in self.inputs)),
            Taken(*(part.to(device) for part in self.taken)),
            self.log_prob.to(device),
            self.advantage.to(device),
            self.target.to(device),
            self.rows,
            memory,
            start,
            picked,
        )

    def through(self, net: Net) -> Rows:
        """Return the decisions as actor and critic read them."""
        rows = net.normalise(self.inputs)
        if self.memory is None or self.start is None or self.picked is None:
            return rows
        return net.recall(rows, self.memory, self.start).at(self.picked)


@njit(cache=True, nogil=True)
def gather_options(features: Floats, offset: Longs, rows: Longs) -> tuple[Floats, Longs]:
    """Return the candidates of the given rows, end to end, and their offsets."""
    own = np.zeros(len(rows) + 1, np.int64)
    for k in range(len(rows)):
        own[k + 1] = own[k] + offset[rows[k] + 1] - offset[rows[k]]
    out = np.empty((own[-1], features.shape[1]), features.dtype)
    for k in range(len(rows)):
        start = offset[rows[k]]
        for i in range(own[k + 1] - own[k]):
            for j in range(features.shape[1]):
                out[own[k] + i, j] = features[start + i, j]
    return out, own


def _longer(array: NDArray[Any], length: int) -> NDArray[Any]:
    out = np.zeros((length, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out


PER_STEP = (
    "obs",
    "state",
    "mask",
    "counted",
    "start",
    "choice",
    "latent",
    "log_prob",
    "reward",
    "final_value",
    "terminated",
    "truncated",
    "advantage",
    "target",
)


class Arena:
    """Storage for the trajectories of one iteration; `clear` starts it anew without freeing it.

    Parameters
    ----------
    n_steps
        Steps to begin with; it grows by doubling.
    n_envs
        B.
    sizes
        Of the axes; N agents.
    n_memory
        M, floats of memory of a row in the actor; the critic has as many. 0: none.
    window
        W, steps of a window; only where there is memory.
    """

    def __init__(
        self, n_steps: int, n_envs: int, sizes: Sizes, *, n_memory: int = 0, window: int = 16
    ) -> None:
        self.n_envs, self.n_agents, self.sizes = n_envs, sizes.n_agents, sizes
        self.window, self.n_columns = window, n_envs * sizes.n_agents
        shape = (n_steps, n_envs, sizes.n_agents)
        self.obs: Floats = np.zeros((*shape, sizes.n_obs), np.float32)
        self.state: Floats = np.zeros((*shape, sizes.n_state), np.float32)
        self.mask: Bools = np.zeros((*shape, sum(sizes.actions)), np.bool_)
        self.counted: Bools = np.zeros(shape, np.bool_)
        self.start: Bools = np.zeros(shape, np.bool_)
        self.choice: Longs = np.zeros((*shape, sizes.n_heads), np.int64)
        self.latent: Floats = np.zeros((*shape, sizes.n_values), np.float32)
        self.log_prob: Floats = np.zeros(shape, np.float32)
        self.reward: Doubles = np.zeros(shape)  # utility: scalarised, larger is better
        self.final_value: Doubles = np.zeros(shape)  # of the last observation where truncated
        self.terminated: Bools = np.zeros(shape, np.bool_)
        self.truncated: Bools = np.zeros(shape, np.bool_)
        self.advantage: Floats = np.zeros(shape, np.float32)
        self.target: Floats = np.zeros(shape, np.float32)
        self.offset: Longs = np.zeros(n_steps * self.n_columns + 1, np.int64)
        self.features: Floats = np.zeros((1024, sizes.n_features), np.float32)
        windows = 1 + (n_steps - 1) // window if n_memory else 0
        self.memory: Floats = np.zeros((windows, self.n_columns, 2 * n_memory), np.float32)
        self.n_steps = 0

    def clear(self) -> None:
        """Forget everything that was stored."""
        self.n_steps = 0

    def store(self, observation: Observation, counted: Bools, memory: Floats | None = None) -> int:
        """Copy an observation as the next step and return its number t.

        Parameters
        ----------
        observation
            The Env's latest.
        counted
            (B, N) what counts.
        memory
            (B * N, 2M) of actor and critic before the step.

        Raises
        ------
        RunError
            When something that a network would read is not finite.
        """
        require_observed(observation)
        t = self.n_steps
        if t == len(self.counted):
            self._grow(2 * t)
        self.obs[t] = observation.obs
        if self.sizes.n_state:
            self.state[t] = observation.state[:, None, :]
        if self.sizes.actions:
            self.mask[t] = observation.mask
        self.counted[t] = counted
        self.start[t] = observation.start[:, None]
        self.final_value[t] = 0.0
        if self.sizes.n_features:
            self._store_options(t, observation)
        if memory is not None and len(self.memory) and t % self.window == 0:
            self.memory[t // self.window] = memory
        self.n_steps = t + 1
        return t

    def reap(self, t: int, step: Step, utility: Doubles) -> None:
        """Keep what a step paid, scalarised (B, N).

        Raises
        ------
        RunError
            When a reward, of whatever objective, is not finite.
        """
        require_finite("reward", step.reward)
        self.reward[t] = utility

    def _store_options(self, t: int, observation: Observation) -> None:
        rows = self.n_columns
        first = self.offset[t * rows] if t else 0
        own = observation.options.offset
        self.offset[t * rows : (t + 1) * rows + 1] = first + own
        last = int(first + own[-1])
        if last > len(self.features):
            self.features = _longer(self.features, max(last, 2 * len(self.features)))
        self.features[first:last] = observation.options.features[: own[-1]]

    def _grow(self, n_steps: int) -> None:
        for name in PER_STEP:
            setattr(self, name, _longer(getattr(self, name), n_steps))
        self.offset = _longer(self.offset, n_steps * self.n_columns + 1)
        if len(self.memory):
            self.memory = _longer(self.memory, 1 + (n_steps - 1) // self.window)

    def decisions(self) -> Longs:
        """Return the arena rows (D,) that count, in time order."""
        return np.flatnonzero(self.counted[: self.n_steps])

    def flat(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a (T, B, N, ...) array of this arena with its first three axes as one."""
        return array.reshape(array.shape[0] * self.n_columns, *array.shape[3:])

    def inputs(self, rows: Longs) -> Inputs:
        """Return what a network reads at the given arena rows."""
        if self.sizes.n_features:
            features, offset = gather_options(self.features, self.offset, rows)
        else:
            features, offset = self.features[:0], np.zeros(len(rows) + 1, np.int64)
        return Inputs(
            torch.from_numpy(self.flat(self.obs)[rows]),
            torch.from_numpy(self.flat(self.state)[rows]),
            torch.from_numpy(self.flat(self.mask)[rows]),
            torch.from_numpy(features),
            torch.from_numpy(offset),
            torch.from_numpy(agent_index(rows, self.n_agents)),
        )

    def minibatch(self, rows: Longs) -> Decisions:
        """Return the decisions at the given arena rows, for networks without memory."""
        return self._decisions(self.inputs(rows), rows)

    def _decisions(self, inputs: Inputs, rows: Longs) -> Decisions:
        return Decisions(
            inputs,
            Taken(
                torch.from_numpy(self.flat(self.choice)[rows]),
                torch.from_numpy(self.flat(self.latent)[rows]),
            ),
            torch.from_numpy(self.flat(self.log_prob)[rows]),
            torch.from_numpy(self.flat(self.advantage)[rows]),
            torch.from_numpy(self.flat(self.target)[rows]),
            rows,
        )

    def windows(self, which: Longs, counts: Bools) -> Decisions:
        """Return whole windows of some columns, with their memory, for networks that remember.

        Parameters
        ----------
        which
            (C,) numbers of windows: window * columns + column.
        counts
            (T * B * N,) bool, the arena rows that are decisions.
        """
        window, column = np.divmod(which, self.n_columns)
        step = window * self.window + np.arange(self.window)[:, None]  # (L, C)
        inside = step < self.n_steps
        rows = (np.minimum(step, self.n_steps - 1) * self.n_columns + column).ravel()
        picked = np.flatnonzero(inside.ravel() & counts[rows])
        return self._decisions(self.inputs(rows), rows[picked])._replace(
            memory=torch.from_numpy(self.memory.reshape(-1, self.memory.shape[2])[which]),
            start=torch.from_numpy(self.flat(self.start)[rows]),
            picked=torch.from_numpy(picked),
        )

    def blocks(self, rows: Longs, size: int, *name: int) -> Iterator[Decisions]:
        """Yield the decisions in random order, in blocks of about `size`.

        Parameters
        ----------
        rows
            (D,) arena rows that are decisions.
        size
            Of a block; with memory, whole windows of about as many decisions.
        name
            Names the order (see `core.random`).
        """
        n_blocks = max(1, round(len(rows) / size))
        draws = generator(*name)
        if len(self.memory):
            counts = np.zeros(self.n_steps * self.n_columns, np.bool_)
            counts[rows] = True
            step, column = np.divmod(rows, self.n_columns)
            which = np.unique(step // self.window * self.n_columns + column)
            for part in np.array_split(draws.permutation(which), min(n_blocks, len(which))):
                yield self.windows(part, counts)
            return
        if self.sizes.n_features:
            for part in np.array_split(draws.permutation(rows), n_blocks):
                yield self.minibatch(part)
            return
        whole, bounds = self.shuffled(rows, size, *name)
        for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            yield _cut(whole, slice(first, last))

    def shuffled(self, rows: Longs, size: int, *name: int) -> tuple[Decisions, Longs]:
        """Return the decisions in random order, gathered once, and where blocks begin and end.

        Without options; see `blocks`.
        """
        n_blocks = max(1, round(len(rows) / size))
        bounds = np.linspace(0, len(rows), n_blocks + 1).round().astype(np.int64)
        return self.minibatch(generator(*name).permutation(rows)), bounds


def _cut(whole: Decisions, part: slice) -> Decisions:
    obs, state, mask, features, _, agent = whole.inputs
    own = (obs[part], state[part], mask[part], features)
    inputs = Inputs(*own, whole.inputs.offset[: part.stop - part.start + 1], agent[part])
    taken = Taken(whole.taken.choice[part], whole.taken.latent[part])
    return Decisions(
        inputs,
        taken,
        whole.log_prob[part],
        whole.advantage[part],
        whole.target[part],
        whole.rows[part],
    )
