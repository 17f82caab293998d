# SPDX-License-Identifier: MIT
"""Other days of a plant: its machines, calendars and set-ups stay, the orders are new.

What a Policy is trained on and judged on when there is one order book only. New orders are drawn
from distributions fitted to that book:

- **Orders**: a Poisson number; each takes route, families, customer, weight and release of an order
  of the book, drawn with replacement, so that what belongs together stays together.
- **Working times**: a smoothed bootstrap that keeps mean and variance of the logarithms within a
  cell [1]_; the operations of an order vary together as far as they do in the book.
- **Due times**: the allowance (due minus release, in working days) of the same order, scaled with
  its new work by the fitted power, with scatter; on the book's clock when its due times are dates.
- **Start**: work in progress on as many machines, other families on the machines, another day.

References
----------
.. [1] Silverman, Young, *The bootstrap: to smooth or not to smooth?*, Biometrika 74, 1987.
"""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from flyball.core.batch import Bools, Doubles, Ints, Longs
from flyball.worlds.jobshop import additions, draws
from flyball.worlds.jobshop.calendar import DAY_S
from flyball.worlds.jobshop.draws import Stream
from flyball.worlds.jobshop.fit import Fit, fit, from_days
from flyball.worlds.jobshop.scenario import NO_DUE_S, Calendars, Scenario, open_ended

SMOOTHING = 0.25
"""Share of the variance of log working times that is drawn anew, the rest is the template's."""

DUE_SCATTER = 0.3
"""Scatter of an allowance, over that of the book's allowances around the fitted power."""


class Days:
    """Draws days of one plant; a day is a function of (stream, seed, number).

    Parameters
    ----------
    plant
        The shop with the order book to fit; what is fixed in it counts as work in progress.
    """

    def __init__(self, plant: Scenario) -> None:
        self.plant = plant
        self.fit: Fit = fit(plant)

    def draw(self, seed: int, number: int, stream: Stream) -> Scenario:
        """Return day `number` of a seed; streams never share a draw.

        It holds at least one order, with at least one operation that is not fixed.
        """
        rng = draws.draw(stream, 4, seed, number)
        plant = self.plant
        n_jobs = max(1, int(rng.poisson(plant.n_jobs)))
        template = rng.integers(0, plant.n_jobs, n_jobs)
        shift_days = int(rng.choice(self.fit.shift_days))
        day = _moved(plant, shift_days * DAY_S)
        factor = self._factors(rng, template)
        day = _with_orders(day, template, factor, self.fit.unit_s)
        working = self.fit.working[shift_days:]
        due_days = self._due_days(rng, template, day)
        due_s = from_days(due_days, working)
        day = replace(
            day,
            name=f"{plant.name}, {stream} day {seed}-{number}",
            release_s=from_days(self.fit.release_days[template], working),
            due_s=np.where(plant.due_s[template] >= NO_DUE_S, NO_DUE_S, due_s),
            machine_family=self._families(rng),
        )
        day = additions.with_work_in_progress(rng, day, self.fit.busy_share)
        return replace(day, calendars=open_ended(day.calendars))

    def _factors(self, rng: np.random.Generator, template: Longs) -> Doubles:
        """Return what to multiply the times of each operation of the drawn orders by, shape (O',).

        With a standard deviation s of the log times about their cell's mean and a template's
        deviation r, the new deviation is sqrt(1 - q) r + sqrt(q) s z: the same mean and variance.
        """
        f, s = self.fit, self.plant
        op = _expand(s.job_op, template)
        job = np.repeat(np.arange(len(template)), np.diff(s.job_op)[template])
        common = rng.standard_normal(len(template))[job]
        own = rng.standard_normal(len(op))
        z = np.sqrt(f.together) * common + np.sqrt(1 - f.together) * own
        r = f.deviation[op]
        new = np.sqrt(1 - SMOOTHING) * r + np.sqrt(SMOOTHING) * f.scatter[op] * z
        factor: Doubles = np.minimum(np.exp(new - r), f.most[op])
        return factor

    def _due_days(self, rng: np.random.Generator, template: Longs, day: Scenario) -> Doubles:
        """Return the due times of the drawn orders in working days, shape (J',)."""
        f = self.fit
        work_s = np.add.reduceat(day.mean_duration_s, day.job_op[:-1])
        ratio = (np.maximum(work_s, 1) / f.work_s[template]) ** f.power
        noise = DUE_SCATTER * f.allowance_scatter
        ratio *= np.exp(noise * rng.standard_normal(len(template)) - noise**2 / 2)
        more_days = (f.due_days - f.release_days)[template] * (ratio - 1)
        due_days: Doubles = f.due_days[template] + (np.rint(more_days) if f.by_day else more_days)
        return due_days

    def _families(self, rng: np.random.Generator) -> Ints:
        """Return what each machine is set up for: a family of an operation that it may do."""
        s = self.plant
        family = s.machine_family.copy()
        bare = rng.random(s.n_machines) < np.mean(s.machine_family < 0)
        for machine, ops in enumerate(self.fit.ops_of_machine):
            if len(ops):
                family[machine] = -1 if bare[machine] else s.op_family[rng.choice(ops)]
        return family


def _expand(start: Ints, chosen: Longs) -> Longs:
    """Return the members of the chosen blocks, block after block; block b is start[b:b + 2]."""
    sizes = np.diff(start)[chosen]
    ends = np.cumsum(sizes)
    members: Longs = np.arange(ends[-1]) + np.repeat(start[chosen] - (ends - sizes), sizes)
    return members


def _blocks(sizes: Longs) -> Ints:
    """Return where blocks of these sizes start, and the end of the last."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _with_orders(s: Scenario, template: Longs, factor: Doubles, unit_s: int) -> Scenario:
    """Return the plant with copies of the chosen orders, times multiplied and none fixed."""
    op = _expand(s.job_op, template)
    pair = _expand(s.op_pair, op)
    sizes = np.diff(s.op_pair)[op]
    old_s = s.pair_duration_s[pair]
    new_s = np.rint(old_s * np.repeat(factor, sizes) / unit_s) * unit_s
    duration_s = np.where(old_s == 0, 0, np.maximum(new_s, unit_s)).astype(np.int64)
    jobs, ops = template.tolist(), op.tolist()
    return replace(
        s,
        job_name=draws.numbered("J", len(jobs)),
        customer=tuple(s.customer[job] for job in jobs),
        job_op=_blocks(np.diff(s.job_op)[template]),
        release_s=s.release_s[template],
        due_s=s.due_s[template],
        weight=s.weight[template],
        important=s.important[template],
        op_name=tuple(s.op_name[each] for each in ops),
        op_family=s.op_family[op],
        interruptible=s.interruptible[op],
        op_pair=_blocks(sizes),
        pair_machine=s.pair_machine[pair],
        pair_duration_s=duration_s,
        fixed_machine=np.full(len(ops), -1, dtype=np.int32),
        fixed_start_s=np.zeros(len(ops), dtype=np.int64),
        fixed_end_s=np.zeros(len(ops), dtype=np.int64),
    )


def _moved(s: Scenario, by_s: int) -> Scenario:
    """Return the plant as it stands `by_s` later, orders untouched."""
    if by_s == 0:
        return s
    c = s.calendars
    keep, extra = c.close_s > by_s, c.overtime_close_s > by_s
    calendars = Calendars(
        name=c.name,
        window=_left(c.window, keep),
        open_s=np.maximum(0, c.open_s[keep] - by_s),
        close_s=c.close_s[keep] - by_s,
        overtime=_left(c.overtime, extra),
        overtime_open_s=np.maximum(0, c.overtime_open_s[extra] - by_s),
        overtime_close_s=c.overtime_close_s[extra] - by_s,
    )
    start = None if s.start is None else s.start + timedelta(seconds=by_s)
    return replace(s, calendars=calendars, start=start)


def _left(start: Ints, keep: Bools) -> Ints:
    """Return where blocks start when only some of their members are kept."""
    return np.concatenate([[0], np.cumsum(keep)])[start].astype(np.int32)
