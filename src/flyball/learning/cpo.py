# SPDX-License-Identifier: MIT
"""Constrained policy optimisation: a trust region under limits on the mean cost of an episode.

Achiam et al. (2017), arXiv:1705.10528. Each iteration takes one step of the actor: the best one, to
first order, that stays within a KL divergence of the old policy and keeps every limit (see
`quadratic`); where broken limits are out of reach, the step only lowers their costs. Then the step
is shortened until, by the experience that there is, the reward gains, every cost keeps its limit
(or falls, where it is broken) and the divergence is within bounds (see `trust`); what is not finite
counts as refused, and when nothing is accepted the policy stays as it is.

Which cost. A limit bounds the undiscounted sum over an episode, so this sum is what is estimated:
its mean over the latest episodes, and `caution` standard errors more. Its change with the policy is
the surrogate of `experience.costs`, undiscounted too, centred and never scaled, times the decisions
of an episode, so that both are in the limit's unit. (The paper discounts both; popular code
compares a sum with a discounted surrogate, or scales it.) A multiplier is then what a unit more of
its limit would be worth, in utility. Several costs are kept together, exactly, in one step; the
paper's code knows one.

Until the first episode has ended nothing is known of its cost, and the policy stands.

CPO controls an *expected* cost and never is a guarantee: single episodes break the limit, training
does, and published runs end above it (``docs/algorithms/cpo.md``). What must never happen belongs
to a Shield.

Known good result: a three-state problem with one limit, whose linear program is solved by hand, to
within 2 % of its optimum and below its limit (``tests/learning/test_cpo.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from flyball.core.batch import Doubles, Longs
from flyball.core.errors import ConfigError, Problem
from flyball.core.protocols import Env
from flyball.learning.checkpoint import Arrays, learner_arrays, load_learner
from flyball.learning.course import Course, Lesson
from flyball.learning.experience.costs import CostPlan, Costs, limits_of, require_costs
from flyball.learning.experience.metered import Metered
from flyball.learning.experience.onpolicy import Experience, Plan
from flyball.learning.nets.flat import Adam
from flyball.learning.nets.net import Actor, Net
from flyball.learning.quadratic import Case
from flyball.learning.settings import check
from flyball.learning.trust import Terms, Try, Verdict, search

STREAM_EPOCH, STREAM_COSTS = 11, 12


@dataclass(frozen=True, kw_only=True)
class CPOConfig:
    """Settings of `CPO`; names as in Achiam et al. (2017), arXiv:1705.10528."""

    seed: int = 0
    """Names every random draw of the run, at least 0."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Utility per native unit of each objective; empty: the first objective alone."""

    limits: Mapping[str, float] = field(default_factory=dict)
    """Largest mean cost of an episode by cost, native units; other costs keep the world's limit."""

    n_steps: int = 256
    """Steps of every row in one iteration."""

    target_kl: float = 0.01
    """Largest mean KL divergence of a step, nats."""

    caution: float = 1.0
    """Standard errors that are added to the mean cost before it is compared with its limit."""

    episodes: int = 32
    """Latest episodes that the mean cost is taken of; more where more end in an iteration."""

    gamma: float = 0.99
    """Discount of rewards per decision, in [0, 1]; costs are never discounted."""

    lam: float = 0.95
    """Trace decay of the reward's advantage estimate, in [0, 1]."""

    cost_lam: float = 0.97
    """Trace decay of the costs' advantage estimates, in [0, 1]."""

    damping: float = 0.01
    """Is added to the diagonal of Fisher's matrix."""

    cg_iterations: int = 15
    """Conjugate gradient steps for each direction."""

    fisher_rows: int = 4096
    """Decisions that Fisher's matrix is taken of, spread evenly over all."""

    tries: int = 20
    """Lengths of a step that are tried."""

    shrink: float = 0.8
    """Share of its length that a refused step keeps, in (0, 1)."""

    epochs: int = 10
    """Passes of the critics over the decisions of an iteration."""

    minibatch: int = 128
    """Decisions in one gradient step of the critics."""

    rate: float = 1e-3
    """Learning rate of the critics' Adam at the start of the budget."""

    rate_end: float = 0.1
    """Share of the learning rate that is left at the end of the budget, in [0, 1]."""

    gradient_clip: float = 0.5
    """Largest norm of a critic's gradient."""

    scale_rewards: bool = True
    """Whether rewards are divided by the running deviation of the discounted return."""

    norm_iterations: int = 20
    """Iterations after which the feature normalisers stand still."""

    def __post_init__(self) -> None:
        check(
            "cpo",
            self,
            {
                "in [0, 1]": ("gamma", "lam", "cost_lam", "rate_end"),
                "in (0, 1)": ("shrink",),
                "above 0": ("target_kl", "rate"),
                "above 0, or inf": ("gradient_clip",),
                "at least 0": ("seed", "caution", "damping", "norm_iterations"),
                "at least 1": (
                    "n_steps",
                    "episodes",
                    "cg_iterations",
                    "fisher_rows",
                    "tries",
                    "epochs",
                    "minibatch",
                ),
            },
        )


class CPO:
    """A run of CPO on one Env: `iterate` collects, takes one step, and teaches the critics."""

    name = "cpo"

    def __init__(self, env: Env, net: Net, config: CPOConfig) -> None:
        require_costs(env.spec, net, self.name)
        _require_heads(net, env)
        self.limits = limits_of(env.spec.costs, config.limits, "cpo.limits")
        self.env, self.net, self.config = env, net, config
        self.optimiser = Adam([net.critic], config.rate)
        self.metered = Metered(env, config.episodes)
        self.experience = Experience(
            self.metered,
            net,
            Plan(
                seed=config.seed,
                n_steps=config.n_steps,
                gamma=config.gamma,
                lam=config.lam,
                weights=config.weights,
                scale_rewards=config.scale_rewards,
            ),
        )
        self.costs = Costs(
            self.metered,
            net,
            CostPlan(
                seed=config.seed + 1,
                lam=config.cost_lam,
                rate=config.rate,
                gradient_clip=config.gradient_clip,
            ),
        )
        self.policy = self.experience.policy

    @property
    def reward_scale(self) -> float:
        """What rewards are divided by now, in utility."""
        return self.experience.scale.std

    def iterate(self, iteration: int, share: float) -> dict[str, float]:
        """Collect, learn, and return what happened; `share` of the budget is spent."""
        config, experience = self.config, self.experience
        rate = config.rate * (1 - share * (1 - config.rate_end))
        self.optimiser.rate = self.costs.optimiser.rate = rate
        self.metered.begin()
        tally = experience.collect(iteration)
        scale = experience.estimate()
        self.costs.estimate(experience)
        rows = experience.arena.decisions()
        figures = tally.figures() | {"reward_scale": scale}
        if len(rows):
            figures |= self.step(rows) | self.teach(rows, iteration)
            if iteration < config.norm_iterations:
                self.net.learn_norm(experience.arena.inputs(rows))
        return figures

    def step(self, rows: Longs) -> dict[str, float]:
        """Take one step of the actor by the decisions at these arena rows; return its figures."""
        bill = self.metered.bill()
        costs = self.env.spec.costs
        named = zip(costs, self.limits.tolist(), strict=True)
        figures = {f"limit.{cost.name}": limit for cost, limit in named}
        if bill is None:
            return figures | {"accepted": 0.0, "kl": 0.0}
        block = self.experience.arena.minibatch(rows)
        gain = block.advantage.double().numpy() * self.reward_scale
        lesson = Lesson(self.net, block, gain, self.costs.advantage[rows], bill.decisions)
        excess = bill.mean + self.config.caution * bill.error - self.limits
        course = self.course(lesson, excess)
        tried, verdict = self.move(lesson, course)
        each = {
            "episode_cost": bill.mean,
            "multiplier": course.best.multiplier,
            "cost_change": np.zeros(len(costs)) if verdict is None else verdict.change,
        }
        for name, values in each.items():
            named = zip(costs, values.tolist(), strict=True)
            figures |= {f"{name}.{cost.name}": value for cost, value in named}
        return figures | {
            "case": float(course.best.case),
            "accepted": tried.share,
            "kl": 0.0 if verdict is None else verdict.kl,
            "gain": 0.0 if verdict is None else verdict.gain,
            "entropy_nats": lesson.entropy,
        }

    def course(self, lesson: Lesson, excess: Doubles) -> Course:
        """Return where the best steps lead; `excess` (C,) is cost less limit, native units."""
        config = self.config
        every = -(-len(lesson.log_prob) // config.fisher_rows)
        fisher = lesson.region.fisher(every, config.damping)
        return Course(lesson, fisher, config.cg_iterations, excess, config.target_kl)

    def move(self, lesson: Lesson, course: Course) -> tuple[Try, Verdict | None]:
        """Move the actor as far as it can be shown to be right; return how, and what it does."""
        config, region, excess = self.config, lesson.region, course.numbers.c
        broken = excess > 0.0
        terms = Terms(
            room=np.maximum(-excess, 0.0),
            mended=broken & (np.arange(len(excess)) == course.worst),
            kl=config.target_kl,
            gains=not broken.any(),
        )

        def judge(tried: Try) -> Verdict:
            region.place(region.origin + course.step(tried))
            return lesson.verdict()

        tries = 0 if course.best.case == Case.STILL else config.tries
        tried, verdict = search(judge, terms, tries=tries, shrink=config.shrink)
        if verdict is not None:
            region.give(region.origin + course.step(tried), self.net.actor)
        return tried, verdict

    def teach(self, rows: Longs, iteration: int) -> dict[str, float]:
        """Fit the critics to their targets; return their mean squared errors."""
        config, arena, net = self.config, self.experience.arena, self.net
        name, losses, cost_losses = (config.seed, iteration), [], []
        for epoch in range(config.epochs):
            for block in arena.blocks(rows, config.minibatch, *name, epoch, STREAM_EPOCH):
                loss = (net.value(block.through(net)) - block.target).square().mean()
                self.optimiser.descend(loss, config.gradient_clip)
                losses.append(float(loss.detach()))
            own = (*name, epoch, STREAM_COSTS)
            cost_losses.append(self.costs.learn(self.experience, rows, config.minibatch, *own))
        return {"value_loss": float(np.mean(losses)), "critic_loss": float(np.mean(cost_losses))}

    def state(self) -> Arrays:
        """Return everything that the next iteration depends on, as named arrays."""
        own = learner_arrays(self.net, self.optimiser) | self.experience.state()
        return own | self.costs.state()

    def restore(self, arrays: Arrays) -> None:
        """Go back to a `state`, bit for bit."""
        load_learner(self.net, self.optimiser, arrays)
        self.experience.restore(arrays)
        self.costs.restore(arrays)


def _require_heads(net: Net, env: Env) -> None:
    """Raise ConfigError when a policy chooses among options, whose divergence is not built."""
    if not isinstance(net.actor, Actor):
        raise ConfigError(
            Problem(
                where=f"world {env.spec.world}",
                found="an options head",
                allowed="Categorical, TanhGaussian and Hybrid heads",
                fix="train with ppo_lagrangian",
            )
        )
