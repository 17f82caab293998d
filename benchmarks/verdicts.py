# SPDX-License-Identifier: MIT
"""Count how often a release is judged wrongly, and how many blocks a verdict costs.

Simulated releases of one metric on made-up plants: block noise of spread 1, margin 0.3 of it, a
ramp of 10 % and 25 % for 40 blocks each, then 50 %, at most 600 blocks, promotion from the 100th.
They are judged by the functions that `judge` uses, side by side; the settings of the bets were
chosen on other seeds. Beside them: what others do, and the gate that was published.
A twin tells 0.81 of the noise's variance (r = 0.9): assumed here, to be measured for each plant.

``python benchmarks/verdicts.py --releases 10000``
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from canaries import rules
from canaries.plants import PATIENT, Releases, Setting, correlated, draw
from measuring import Figure, yardstick

from flyball.core.batch import Bools, Doubles
from flyball.core.evaluation import Z_95
from flyball.releases.verdicts import Block, Plan, judge
from flyball.releases.verdicts.assigning import CHAMPION
from flyball.releases.verdicts.drift import Usual, changed

SEED = 2026
CHUNK = 1000
PLANTS = (
    "independent",
    "AR(0.9) blocks",
    "AR(0.9) decisions",
    "trending",
    "ramped",
    "heavy",
)
MEANING = {
    "independent": "normal, independent blocks",
    "AR(0.9) blocks": "blocks correlated 0.9 with the one before",
    "AR(0.9) decisions": "20 decisions a block, correlated 0.9, half of them wash-out",
    "trending": "climbs 2 sigma in 600 blocks",
    "ramped": "climbs 4 sigma while the ramp does, then falls 2",
    "heavy": "t with 3 degrees",
}

Rule = Callable[[Releases], tuple[Bools, Bools]]


def simulate(setting: Setting, by: dict[str, Rule], n: int, number: int) -> dict[str, rules.Ended]:
    """Return what came of n releases under each rule, all on the same releases."""
    parts: dict[str, list[rules.Ended]] = {name: [] for name in by}
    for chunk in range(math.ceil(n / CHUNK)):
        drawn = draw(setting, min(CHUNK, n - chunk * CHUNK), (SEED, number, chunk))
        for name, rule in by.items():
            parts[name].append(rules.ended(*rule(drawn), drawn))
    return {
        name: rules.Ended(*(np.concatenate(column) for column in zip(*rows, strict=True)))
        for name, rows in parts.items()
    }


def bets(*alphas: float) -> dict[str, Rule]:
    """Return our rule at each alpha; blocks are prepared once for all of them."""
    last: list[tuple[Releases, rules.Paths]] = []

    def called(drawn: Releases, alpha: float) -> tuple[Bools, Bools]:
        if not last or last[0][0] is not drawn:
            last[:] = [(drawn, rules.ours(rules.seen(drawn), rules.plan(alphas[0])))]
        found = rules.at(last[0][1], alpha)
        return found.harmful, found.safe

    return {f"{alpha:g}": lambda drawn, alpha=alpha: called(drawn, alpha) for alpha in alphas}


def share(metric: str, events: Bools, *, target: float | None, note: str, **peer: object) -> Figure:
    """Return how often something came, with Wilson's 95 % interval; met when all of it is."""
    n, rate = events.size, float(events.mean())
    z2 = Z_95**2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low, high = max(0.0, middle - half), middle + half
    met = None if target is None else high <= target
    return Figure(
        metric=metric, ours=rate, low=low, high=high, n=n, target=target, met=met, note=note, **peer
    )


def mean(
    metric: str,
    values: Doubles,
    *,
    target: float | None,
    note: str,
    more: bool = False,
    **peer: object,
) -> Figure:
    """Return a mean with its 95 % interval; met when all of it is."""
    middle, half = float(values.mean()), Z_95 * float(values.std()) / math.sqrt(values.size)
    low, high = middle - half, middle + half
    met = None if target is None else (low >= target if more else high <= target)
    return Figure(
        metric=metric, ours=middle, low=low, high=high, n=values.size, target=target, met=met,
        note=note, **peer,
    )  # fmt: skip


def named(setting: Setting, alpha: str) -> str:
    """Return plant, twin and error in words."""
    twin = f"twin r = {setting.twin_r:g}" if setting.twin_r else "no twin"
    return f"{setting.plant}, {twin}, alpha {alpha}"


def came(found: rules.Ended) -> str:
    """Return in words what came of all releases."""
    held = 1.0 - found.rolled_back.mean() - found.promoted.mean()
    return (
        f"rolled back {found.rolled_back.mean():.2%}, promoted {found.promoted.mean():.2%}, held "
        f"{held:.2%}; {found.blocks.mean():.0f} blocks, {found.exposed.mean():.1f} exposed"
    )


def errors(n: int) -> Iterator[Figure]:
    """Yield wrong verdicts on every plant."""
    number = 0
    for plant in PLANTS:
        for twin_r in (0.0, 0.9):
            for effect, wrong in ((0.0, "false rollback"), (rules.MARGIN, "wrong promotion")):
                setting = Setting(plant=plant, twin_r=twin_r, effect=effect)
                number += 1
                for alpha, found in simulate(setting, bets(0.01, 0.05), n, number).items():
                    events = found.rolled_back if effect == 0.0 else found.promoted
                    yield share(
                        f"{wrong}, {named(setting, alpha)}",
                        events,
                        target=float(alpha),
                        note=f"{MEANING[plant]}; {came(found)}",
                    )


def costs(n: int) -> Iterator[Figure]:
    """Yield what verdicts cost, beside the published gate on the same releases."""
    number = 100
    for twin_r, sigma in ((0.9, math.sqrt(1 - 0.81)), (0.0, 1.0)):
        for effect in (1.0, 0.5, 0.0, -0.3):
            setting = Setting(plant="independent", twin_r=twin_r, effect=effect)
            number += 1
            gate: dict[str, Rule] = {
                "gate": lambda drawn, sigma=sigma: rules.published(drawn, sigma, 0.05)
            }
            found = simulate(setting, bets(0.01, 0.05) | gate, n, number)
            theirs = found.pop("gate")
            for alpha, mine in found.items():
                yield exposed(setting, alpha, mine, theirs)
    for setting in (
        Setting(plant="independent", twin_r=0.9, ramp=PATIENT),
        *(Setting(plant=plant, twin_r=0.9, effect=1.0) for plant in PLANTS[1:]),
    ):
        number += 1
        for alpha, mine in simulate(setting, bets(0.01), n, number).items():
            yield exposed(setting, alpha, mine, None)


def exposed(setting: Setting, alpha: str, mine: rules.Ended, theirs: rules.Ended | None) -> Figure:
    """Return the blocks with the challenger up to the verdict."""
    goals = {1.0: 10.0, 0.0: 40.0}
    patient = ", 25 % to the end" if setting.ramp is PATIENT else ""
    peer = {} if theirs is None else {
        "peer": float(theirs.exposed.mean()),
        "peer_name": "published gate at 5 %, noise known",
        "ratio": float(theirs.exposed.mean() / mine.exposed.mean()),
    }  # fmt: skip
    other = "" if theirs is None else f"; gate: {came(theirs)}"
    return mean(
        f"exposed blocks, {setting.effect:+g} sigma, {named(setting, alpha)}{patient}",
        mine.exposed,
        target=goals.get(setting.effect) if alpha == "0.01" else None,
        note=f"{came(mine)}{other}",
        **peer,
    )


def rivals(n: int) -> Iterator[Figure]:
    """Yield the false rollbacks of what others do, beside ours on the same releases."""
    even = Setting(plant="independent", ramp=((0.5, 10_000),), n_blocks=400)
    by: dict[str, Rule] = {
        "z test at every block": lambda drawn: only(rules.peeking(drawn, 1.645)),
        "z test at 10 looks": lambda drawn: only(rules.peeking(drawn, 1.645, 40)),
        "threshold of a window, 1 failure": lambda drawn: only(rules.threshold(drawn, 20, 0.25, 1)),
        "threshold of a window, 3 failures": lambda drawn: only(
            rules.threshold(drawn, 20, 0.25, 3)
        ),
    }
    told = {
        "z test at every block": 0.324,
        "z test at 10 looks": 0.174,
        "threshold of a window, 1 failure": 0.999,
        "threshold of a window, 3 failures": 0.957,
    }
    none = simulate(even, by | bets(0.05), n, 200)
    harm = simulate(replace(even, effect=1.0), by | bets(0.05), n, 201)
    mine, seen_harm = none.pop("0.05"), harm["0.05"]
    for name, found in none.items():
        yield share(
            f"false rollback beside: {name}",
            mine.rolled_back,
            target=None,
            peer=float(found.rolled_back.mean()),
            peer_name=name,
            ratio=float(found.rolled_back.mean() / max(mine.rolled_back.mean(), 1e-9)),
            note=f"400 independent blocks half and half, alpha 5 %; published for the rule: "
            f"{told[name]:.1%}; median blocks to find 1 sigma: theirs "
            f"{np.median(harm[name].blocks):.0f}, ours {np.median(seen_harm.blocks):.0f}",
        )
    trend = simulate(
        Setting(plant="trending"),
        {"pooled": lambda drawn: only(rules.mixed_pool(drawn, 0.05))} | bets(0.05),
        n,
        202,
    )
    yield share(
        "false rollback beside: arms pooled over stages",
        trend["0.05"].rolled_back,
        target=None,
        peer=float(trend["pooled"].rolled_back.mean()),
        peer_name="normal mixture of pooled means",
        ratio=float(
            trend["pooled"].rolled_back.mean() / max(trend["0.05"].rolled_back.mean(), 1e-9)
        ),
        note="trend of 2 sigma over 600 blocks and the ramp, alpha 5 %; published: 33.3 %",
    )


def only(harmful: Bools) -> tuple[Bools, Bools]:
    """Return a rule that never promotes."""
    return harmful, np.zeros_like(harmful)


def others(n: int) -> Iterator[Figure]:
    """Yield what the room's other rules do, and ours where arms differ in scatter."""
    looks = tuple(range(100, 601, 100))
    number = 300
    for twin_r in (0.9, 0.0):
        for effect in (0.0, rules.MARGIN, 1.0):
            setting = Setting(plant="independent", twin_r=twin_r, effect=effect)
            number += 1
            found = simulate(
                setting,
                {
                    "normal mixture with the lot's variance": lambda drawn: rules.lot_mixture(
                        rules.seen(drawn), 0.01
                    ),
                    "6 looks": lambda drawn: rules.looked(rules.seen(drawn), looks, 0.01),
                },
                n,
                number,
            )
            for name, each in found.items():
                wrong = each.promoted if effect == rules.MARGIN else each.rolled_back
                what = {0.0: "false rollback", rules.MARGIN: "wrong promotion"}.get(
                    effect, "rollback"
                )
                yield share(
                    f"{what} by {name}, {effect:+g} sigma, {named(setting, '0.01')}",
                    wrong,
                    target=0.01 if effect < 1.0 else None,
                    note=came(each),
                )
    for plant in ("independent", "heavy"):
        for effect, wrong in ((0.0, "false rollback"), (rules.MARGIN, "wrong promotion")):
            setting = Setting(plant=plant, effect=effect, scatter=2.0)
            number += 1
            found = simulate(setting, bets(0.01), n, number)["0.01"]
            yield share(
                f"{wrong}, challenger of double scatter, {named(setting, '0.01')}",
                found.rolled_back if effect == 0.0 else found.promoted,
                target=None,
                note=f"what is tested is a shift of every block, so this is no part of the promise;"
                f" {came(found)}",
            )


def detectors() -> Iterator[Figure]:
    """Yield how long a detector runs without a change, and how soon it finds one."""
    rng = np.random.default_rng([SEED, 400])
    usual = Usual(level=0.0, spread=1.0, tolerance=0.0, blocks_between_alarms=1000.0)
    for plant, target in (("independent", 1000.0), ("heavy", 1000.0), ("AR(0.9) raw", None)):
        drawn = {
            "independent": rng.standard_normal,
            "heavy": lambda size: rng.standard_t(3, size) / math.sqrt(3.0),
            "AR(0.9) raw": lambda size: correlated(size, rng),
        }[plant]
        runs = np.concatenate([_first(drawn((200, 8000)), usual) for _ in range(5)])
        yield mean(
            f"blocks to a false alarm, promised 1,000, {plant}",
            runs,
            target=target,
            more=True,
            note="runs were cut at 8,000 blocks"
            + ("" if target else "; raw correlated blocks break what is assumed: feed residuals"),
        )
    for promised, goal in ((1000.0, None), (50_000.0, 25.0)):
        usual = replace(usual, blocks_between_alarms=promised)
        residual = rng.standard_normal((2000, 500))
        residual[:, 50:] += 1.0
        first = _first(residual, usual)
        delay = first[first > 50] - 50
        yield mean(
            f"blocks to find 1 sigma, {promised:,.0f} promised between alarms",
            delay,
            target=goal,
            note=f"independent residuals; {np.mean(first <= 50):.2%} alarmed before the change; "
            f"median {np.median(delay):.0f}",
        )


def _first(residual: Doubles, usual: Usual) -> Doubles:
    alarm = changed(residual, usual) != 0.0
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1, residual.shape[1]).astype(float)


def speed() -> Iterator[Figure]:
    """Yield how long one verdict takes, beside a yardstick of this machine."""
    drawn = draw(Setting(plant="independent", twin_r=0.9), 1, (SEED, 500))
    blocks = [
        Block(
            key=f"shift {t}",
            arm="challenger" if drawn.arm[0, t] else CHAMPION,
            shares={CHAMPION: 1.0 - drawn.share[0, t], "challenger": drawn.share[0, t]},
            stage="10 %" if t < 40 else "25 %" if t < 80 else "50 %",
            ended_s=float(t),
            outcome={"outcome": drawn.outcome[0, t]},
            twin={"outcome": drawn.twin[0, t]},
        )
        for t in range(600)
    ]
    plan = Plan(primary=rules.METRIC, guards=(), alpha=1e-9)
    spans = []
    for _ in range(10):
        began = time.process_time()
        judge(blocks, plan)
        spans.append(1000.0 * (time.process_time() - began))
    yield mean(
        "judge of 600 blocks, ms", np.array(spans), target=None, note="process time, 1 metric"
    )
    yield Figure(metric="yardstick", ours=yardstick(), n=1, note="million steps/s of a fixed loop")


def main(arguments: Sequence[str]) -> int:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=10_000)
    options = parser.parse_args(arguments)
    n = options.releases
    parts = (errors(n), costs(n // 2), rivals(n), others(n // 2), detectors(), speed())
    for part in parts:
        for figure in part:
            figure.print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
