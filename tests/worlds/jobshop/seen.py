# SPDX-License-Identifier: MIT
"""What a policy sees of each candidate, computed from the twin in the words of FEATURES."""

from math import log

from flyball.worlds.jobshop.features import FEATURES
from tests.worlds.jobshop.reference import WAIT, Shop, overlap

FAR = 1e4
FLOOR = -20.0


def clipped(value, low=-FAR, high=FAR):
    return min(max(value, low), high)


class Eyes:
    """Looks at one Shop at one instant; times in means of the shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        s = shop.s
        durations = [[int(s.pair_duration_s[p]) for p in pairs] for pairs in shop.pairs]
        self.mean_of = [sum(each) / len(each) for each in durations]
        self.min_of = [min(each) for each in durations]
        self.mean = max(sum(self.mean_of) / s.n_ops, 1.0)
        full = [
            float(w) * (3 if important else 1)
            for w, important in zip(s.weight, s.important, strict=True)
        ]
        self.mean_weight = sum(full) / len(full) or 1.0
        self.full = full
        self.queue = shop.queues[shop.asked]
        self.queue_mean = (
            sum(self.mean_of[shop.next_op[job]] for job in self.queue) / len(self.queue) / self.mean
        )

    def rows(self):
        """Return one list of feature values for each candidate, and their ATC indices."""
        candidates = self.shop.candidates()
        rows = [self.pair(pair) for pair in candidates if pair != WAIT]
        indices = [self.atc_of(row) for row in rows]
        with_setup = [index - row["setup"] / 0.5 for index, row in zip(indices, rows, strict=True)]
        for row, index, other in zip(rows, indices, with_setup, strict=True):
            row["atc_gap"] = max(index - max(indices), FLOOR)
            row["atcs_gap"] = max(other - max(with_setup), FLOOR)
        if WAIT in candidates:
            rows.append(self.wait(max(indices)))
        return [[row.get(feature.name, 0.0) for feature in FEATURES] for row in rows], with_setup

    def pair(self, pair):
        shop, s = self.shop, self.shop.s
        op, machine = int(s.pair_op[pair]), int(s.pair_machine[pair])
        job = int(s.op_job[op])
        ops = shop.jobs[job]
        run, _ = shop.place(pair)
        setup = overlap(shop.windows[machine], run.setup_start, run.setup_end)
        duration = int(s.pair_duration_s[pair])
        family = s.op_family[op]
        same = [other for other in self.queue if s.op_family[shop.next_op[other]] == family]
        closes = next(close for open_, close in shop.windows[machine] if open_ <= shop.now < close)
        extra = overlap(shop.overtime[machine], run.setup_start, run.setup_end)
        extra += overlap(shop.overtime[machine], run.start, run.end)
        row = {
            "duration": duration / self.mean,
            "speed_loss": duration / max(1, self.min_of[op]) - 1,
            "setup": setup / self.mean,
            "same_family": len(same) / len(self.queue),
            "work_left": self.work_left(job) / self.mean,
            "ops_left": len(ops) - ops.index(op),
            "slack": self.slack(job),
            "weight": self.full[job] / self.mean_weight,
            "important": float(s.important[job]),
            "waited": (shop.now - shop.ready[job]) / self.mean,
            "flow_due": (
                int(s.release_s[job]) + sum(self.mean_of[o] for o in ops if o <= op)
            ) / self.mean,
            "start_delay": (run.start - shop.now - setup) / self.mean,
            "pause": (run.end - run.start - duration) / self.mean,
            "room": min((closes - shop.now) / self.mean, FAR),
            "load": self.load(shop.asked),
            "crowd": len(self.queue) / len(shop.cells[shop.asked]),
            "queue_mean": self.queue_mean,
            "overtime": extra / self.mean,
        }  # fmt: skip
        if op + 1 in ops:
            after = shop.cell_of(op + 1)
            work = sum(self.mean_of[shop.next_op[j]] for j in shop.queues[after])
            row["next_queue"] = work / len(shop.cells[after]) / self.mean
            row["next_starving"] = float(not shop.queues[after])
            row["next_load"] = self.load(after)
        return row

    def wait(self, best):
        shop = self.shop
        soonest = min(shop._events([shop.asked]))
        arriving = [best + FLOOR]
        for job in shop.transit:
            op = shop.next_op[job]
            if shop.cell_of(op) == shop.asked:
                arriving.append(
                    self.atc(
                        self.full[job] / self.mean_weight,
                        self.mean_of[op] / self.mean,
                        self.slack(job),
                        self.work_left(job) / self.mean - self.mean_of[op] / self.mean,
                    )
                )
        return {
            "wait": 1.0,
            "load": self.load(shop.asked),
            "crowd": len(self.queue) / len(shop.cells[shop.asked]),
            "queue_mean": self.queue_mean,
            "next_event": min((soonest - shop.now) / self.mean, FAR),
            "arriving_gap": clipped(max(arriving) - best, FLOOR, -FLOOR),
        }

    def work_left(self, job):
        return sum(self.mean_of[op] for op in self.shop.jobs[job] if op not in self.shop.runs)

    def slack(self, job):
        due = int(self.shop.s.due_s[job])
        return clipped((due - self.shop.now - self.work_left(job)) / self.mean)

    def load(self, cell):
        """Return work per machine that is not assigned yet, over that of the fullest cell."""
        shop = self.shop
        work = [0.0] * len(shop.cells)
        for op in range(shop.s.n_ops):
            if op not in shop.runs:
                work[shop.cell_of(op)] += self.mean_of[op]
        per_machine = [w / len(machines) for w, machines in zip(work, shop.cells, strict=True)]
        return per_machine[cell] / max(1.0, *per_machine)

    def atc_of(self, row):
        later = row["work_left"] - row["duration"]
        return self.atc(row["weight"], row["duration"], row["slack"], later)

    def atc(self, weight, duration, slack, later):
        spare = max(slack - max(later, 0.0), 0.0)  # the work that is left takes twice its time
        return log(max(weight, 1e-6) / max(duration, 1e-6)) - spare / (
            4.0 * max(self.queue_mean, 1e-6)
        )
