# SPDX-License-Identifier: MIT
"""Every algorithm by name: what it learns, its settings, and how a run of it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flyball.core.errors import ConfigError, Problem, nearest
from flyball.core.protocols import Env
from flyball.core.spec import Spec
from flyball.learning.a2c import A2C, A2CConfig
from flyball.learning.acting.greedy import spec_seen
from flyball.learning.cpo import CPO, CPOConfig
from flyball.learning.dqn import DQN, DQNConfig, value_net
from flyball.learning.experience.costs import limits_of
from flyball.learning.experience.gae import require_weights
from flyball.learning.lagrangian import PPOLagrangian, PPOLagrangianConfig
from flyball.learning.maddpg import MADDPG, MADDPGConfig
from flyball.learning.nets.net import Net, NetConfig
from flyball.learning.ppo import PPO, PPOConfig
from flyball.learning.qmix import QMIX, QMIXConfig
from flyball.learning.sac import NET, SAC, SACConfig
from flyball.learning.td3 import TD3, TD3Config
from flyball.learning.training import Learner


@dataclass(frozen=True)
class Recipe:
    """What there is to know of one algorithm before it runs."""

    name: str
    title: str
    """What it is and when to take it, one sentence."""

    config: type[Any]
    """The frozen dataclass of its settings."""

    heads: frozenset[str]
    """Kinds of heads that it learns: Categorical, OptionsHead, TanhGaussian, Hybrid."""

    memory: bool
    """Whether its networks may remember."""

    many: bool
    """Whether it is made for several agents."""

    paper: str
    net: NetConfig
    """Networks where nothing else was asked for."""

    start: Callable[..., Learner]
    """(Env, network settings, own settings, run folder or None) to a run; `make` checks before."""

    idle: Mapping[str, str] = field(default_factory=dict)
    """What to set instead of network settings that would do nothing, by their names."""

    costs: bool = False
    """Whether it is made for worlds with costs that have limits."""

    def refusal(self, spec: Spec) -> str | None:
        """Return why it cannot learn a world, or None."""
        heads = {type(head).__name__ for kind in spec.kinds for head in kind.heads}
        foreign = sorted(heads - self.heads)
        if foreign:
            return f"{self.name} does not learn {', '.join(foreign)} heads"
        if self.many and spec.n_agents == 1:
            return f"{self.name} is made for several agents, and there is one"
        if self.costs and not spec.costs:
            return f"{self.name} keeps limits of costs, and there is no cost"
        return None

    def require(self, spec: Spec, config: Any, where: str) -> None:
        """Raise ConfigError when own settings do not fit a world; a run would find out later.

        Parameters
        ----------
        spec
            Of the world.
        config
            The algorithm's own settings.
        where
            They stand, for messages: ``demo.toml [ppo]``.
        """
        require_weights(config.weights, spec.objectives, f"{where} weights")
        if self.costs:
            limits_of(spec.costs, config.limits, f"{where} limits")

    def require_used(self, net: NetConfig) -> None:
        """Raise ConfigError when network settings ask for what would do nothing."""
        problems = []
        for name, instead in self.idle.items():
            found, usual = getattr(net, name), getattr(self.net, name)
            if found != usual:
                problems.append(
                    Problem(
                        where=f"net.{name}",
                        found=f"{found!r}",
                        allowed=f"{usual!r}: {self.name} does not use it",
                        fix=f"leave it out, and set {instead}",
                    )
                )
        if problems:
            raise ConfigError(problems)

    def make(self, env: Env, net: NetConfig, config: Any, folder: Path | None = None) -> Learner:
        """Return a run.

        Parameters
        ----------
        env
            It learns there.
        net
            Settings of the network, which is made from the own settings' seed.
        config
            Own settings.
        folder
            Of the run, for a replay that is too large for memory.

        Raises
        ------
        ConfigError
            When settings do not fit the Env, or would do nothing.
        """
        self.require_used(net)
        self.require(env.spec, config, self.name)
        return self.start(env, net, config, folder)


ANY = frozenset({"Categorical", "OptionsHead", "TanhGaussian", "Hybrid"})
VALUES_NET = NetConfig(activation="relu")
CHOICES, VALUES = frozenset({"Categorical"}), frozenset({"TanhGaussian"})


def _ppo(env: Env, net: NetConfig, config: PPOConfig, _folder: Path | None = None) -> Learner:
    return PPO(env, Net(env.spec, net, config.seed), config)


def _a2c(env: Env, net: NetConfig, config: A2CConfig, _folder: Path | None = None) -> Learner:
    return A2C(env, Net(env.spec, net, config.seed), config)


def _dqn(env: Env, net: NetConfig, config: DQNConfig, folder: Path | None = None) -> Learner:
    return DQN(env, value_net(env.spec, net, config.seed), config, folder)


def _sac(env: Env, net: NetConfig, config: SACConfig, folder: Path | None = None) -> Learner:
    return SAC(env, Net(env.spec, net, config.seed), config, folder)


def _td3(env: Env, net: NetConfig, config: TD3Config, folder: Path | None = None) -> Learner:
    return TD3(env, Net(env.spec, net, config.seed), config, folder)


def _qmix(env: Env, net: NetConfig, config: QMIXConfig, _folder: Path | None = None) -> Learner:
    seen = spec_seen(env.spec, last_action=config.last_action)
    return QMIX(env, Net(seen, net, config.seed), config)


def _maddpg(env: Env, net: NetConfig, config: MADDPGConfig, folder: Path | None = None) -> Learner:
    return MADDPG(env, Net(env.spec, net, config.seed), config, folder)


def _cpo(env: Env, net: NetConfig, config: CPOConfig, _folder: Path | None = None) -> Learner:
    return CPO(env, Net(env.spec, net, config.seed), config)


def _ppo_lagrangian(
    env: Env, net: NetConfig, config: PPOLagrangianConfig, _folder: Path | None = None
) -> Learner:
    return PPOLagrangian(env, Net(env.spec, net, config.seed), config)


RECIPES = (
    Recipe(
        "ppo",
        "Proximal policy optimisation: the first to try; any heads, memory, many agents.",
        PPOConfig,
        ANY,
        memory=True,
        many=False,
        paper="arXiv:1707.06347",
        net=NetConfig(),
        start=_ppo,
    ),
    Recipe(
        "a2c",
        "Advantage actor-critic: simple and cheap per step, where simulation is cheap too.",
        A2CConfig,
        ANY,
        memory=True,
        many=False,
        paper="arXiv:1602.01783",
        net=NetConfig(),
        start=_a2c,
    ),
    Recipe(
        "dqn",
        "Deep Q-learning: a few choices where simulation is dear, every step replayed many times.",
        DQNConfig,
        CHOICES,
        memory=False,
        many=False,
        paper="doi:10.1038/nature14236",
        net=VALUES_NET,
        start=_dqn,
    ),
    Recipe(
        "sac",
        "Soft actor-critic: set-points where simulation is dear; also one choice with masks.",
        SACConfig,
        CHOICES | VALUES,
        memory=False,
        many=False,
        paper="arXiv:1812.05905",
        net=NET,
        start=_sac,
    ),
    Recipe(
        "td3",
        "Twin delayed policy gradient: set-points by a policy that is deterministic by itself.",
        TD3Config,
        VALUES,
        memory=False,
        many=False,
        paper="arXiv:1802.09477",
        net=NET,
        start=_td3,
        idle={"log_std": "td3.noise"},
    ),
    Recipe(
        "qmix",
        "Monotone mixing of values: teams with one goal and discrete moves; VDN by qmix.mixer.",
        QMIXConfig,
        CHOICES,
        memory=True,
        many=True,
        paper="arXiv:1803.11485",
        net=VALUES_NET,
        start=_qmix,
        idle={"critic": "qmix.mixer: the mixing network sees the state, none does not"},
    ),
    Recipe(
        "maddpg",
        "Central critics, local actors: agents with goals of their own or continuous moves.",
        MADDPGConfig,
        CHOICES | VALUES,
        memory=False,
        many=True,
        paper="arXiv:1706.02275",
        net=VALUES_NET,
        start=_maddpg,
        idle={"critic": "maddpg.critic", "log_std": "maddpg.noise"},
    ),
    Recipe(
        "cpo",
        "Constrained policy optimisation: mean costs of an episode within limits, in small steps.",
        CPOConfig,
        CHOICES | VALUES | {"Hybrid"},
        memory=False,
        many=False,
        paper="arXiv:1705.10528",
        net=NetConfig(),
        start=_cpo,
        costs=True,
    ),
    Recipe(
        "ppo_lagrangian",
        "PPO with a price on each cost, which a controller moves until the mean keeps its limit.",
        PPOLagrangianConfig,
        ANY,
        memory=False,
        many=False,
        paper="arXiv:2007.03964",
        net=NetConfig(),
        start=_ppo_lagrangian,
        costs=True,
    ),
)

ALGORITHMS: Mapping[str, Recipe] = {recipe.name: recipe for recipe in RECIPES}


def recipe(name: str, spec: Spec | None = None) -> Recipe:
    """Return an algorithm's recipe by name.

    Parameters
    ----------
    name
        One of `ALGORITHMS`.
    spec
        If given, of the world that it must be able to learn.

    Raises
    ------
    ConfigError
        When there is no such algorithm, or it cannot learn the world; it names those that can.
    """
    if name not in ALGORITHMS:
        raise ConfigError(
            Problem(
                where="algorithm",
                found=f"'{name}'",
                allowed=", ".join(ALGORITHMS),
                fix=nearest(name, tuple(ALGORITHMS)),
            )
        )
    found = ALGORITHMS[name]
    refusal = found.refusal(spec) if spec is not None else None
    if spec is not None and refusal is not None:
        able = [other.name for other in RECIPES if other.refusal(spec) is None]
        raise ConfigError(
            Problem(
                where=f"algorithm for world {spec.world}",
                found=refusal,
                allowed=", ".join(able) or "none yet",
                fix=f"take {able[0]}" if able else "train it with another library over interop",
            )
        )
    return found
