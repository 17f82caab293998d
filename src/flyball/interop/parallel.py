# SPDX-License-Identifier: MIT
"""One copy of a world as a PettingZoo ParallelEnv with its one agent."""

from typing import Any

from gymnasium import spaces
from pettingzoo import ParallelEnv

from flyball.core.protocols import Env
from flyball.interop.single import SingleEnv
from flyball.interop.translation import AdapterConfig, Seen

Each = dict[str, Any]
"""Something for each agent, by its name."""


class OneAgentEnv(ParallelEnv):  # type: ignore[misc]  # PettingZoo ships no types
    """A world with one agent and one options head as `pettingzoo.ParallelEnv`.

    With ``layout="dict"`` the observation holds ``action_mask`` beside ``observations``, which is
    where PettingZoo's own tests and learners look; ``infos[agent]["action_mask"]`` has it always.

    Parameters
    ----------
    env
        A batch of one row.
    config
        Settings of the translation.
    """

    def __init__(self, env: Env, config: AdapterConfig) -> None:
        self.metadata = {"name": f"flyball_{env.spec.world}_v0", "render_modes": []}
        self.render_mode = None
        self.agent = env.spec.kinds[0].name
        self.possible_agents = [self.agent]
        self.agents: list[str] = []
        self._single = SingleEnv(env, config)

    def observation_space(self, agent: str) -> spaces.Space[Any]:  # noqa: ARG002
        """Return the one space there is, the same object each time."""
        return self._single.observation_space

    def action_space(self, agent: str) -> spaces.Space[Any]:  # noqa: ARG002
        """Return the one space there is, the same object each time."""
        return self._single.action_space

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Seen], Each]:
        """Begin an episode (see `SingleEnv.reset`)."""
        seen, info = self._single.reset(seed=seed, options=options)
        self.agents = [self.agent]
        return {self.agent: seen}, {self.agent: info}

    def step(self, actions: dict[str, Any]) -> tuple[Each, Each, Each, Each, Each]:
        """Choose the agent's candidate; the agent leaves when the episode ends."""
        name = self.agent
        seen, reward, terminated, truncated, info = self._single.step(actions[name])
        if terminated or truncated:
            self.agents = []
        return {name: seen}, {name: reward}, {name: terminated}, {name: truncated}, {name: info}
