# SPDX-License-Identifier: MIT
"""What was decided is decided again from its records, bit for bit, or the difference is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flyball.core.errors import RunError
from flyball.core.journal import MemoryJournal
from flyball.core.journal_file import FileJournal
from flyball.core.limits import Linear
from flyball.safety.audit import Entry, Inputs, entries, entry_of, latest, record_of, replay
from flyball.safety.filtering import WORDS, Asked, Filter
from flyball.safety.fingerprint import fingerprint
from tests.safety.plant import DECISION_S, LIMITS, SIGNALS, VALUES

OWN = [*LIMITS, Linear(name="power", unit="kW", bound=120.0, values={"valve": 1.0, "fuel": 0.7})]
START = np.array([50.0, 30.0, 0.0, 0.0, 0.0])
ANY = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


def many(shape):
    return arrays(np.float64, shape, elements=ANY)


ENTRIES = st.builds(
    Entry,
    sequence=st.integers(0, 2**60),
    inputs=st.builds(
        Inputs, ANY, st.booleans(), st.booleans(), many(3), many(2), many(2),
        arrays(np.bool_, 2), many(3), ANY,
    ),
    applied=many(3),
    codes=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    binding=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    multipliers=st.dictionaries(st.text(max_size=5), ANY, max_size=2),
    policy=st.text(max_size=5),
    operator=st.text(max_size=5),
)  # fmt: skip


def bits(entry):
    """Return all of an entry with the bits of its floats; NaNs are one."""

    def of(part):
        if isinstance(part, np.ndarray):
            return np.where(np.isnan(part), np.nan, part).tobytes(), part.dtype, part.shape
        return float(part).hex() if isinstance(part, float) else part

    inputs = [of(part) for part in entry.inputs]
    multipliers = {name: x.hex() for name, x in entry.multipliers.items()}
    return inputs, of(entry.applied), replace(
        entry, inputs=None, applied=None, multipliers=multipliers
    )  # fmt: skip


@given(ENTRIES)
def test_a_decision_comes_back_from_its_record_bit_for_bit(entry):
    journal = MemoryJournal()
    journal.append(record_of(entry))

    (back,) = entries(journal.records())

    assert bits(back) == bits(entry)


class Plant:
    """A shield that remembers: the filter, and the values of the stop while it is stopped."""

    def __init__(self, limits=OWN):
        self.limits = limits
        self.filter = Filter(limits, VALUES, SIGNALS, n_rows=1, decision_s=DECISION_S)

    def decide(self, inputs):
        one = np.arange(1)
        if inputs.first:
            self.filter.begin(one, inputs.last[None], np.array([inputs.last_s]))
        asked = Asked(
            inputs.proposed[None], inputs.signal[None], inputs.error[None], inputs.trusted[None],
            np.array([inputs.now_s]),
        )  # fmt: skip
        self.found = self.filter(asked)
        applied = inputs.last if inputs.stopped else self.found.applied[0].copy()
        self.filter.note(applied[None], asked.now_s)
        return applied


def recorded(journal, n, limits=OWN):
    """Let a plant run, with wild policies, starts in between and stops, and record it."""
    rng, last, last_s = np.random.default_rng(1), START, 0.0
    for sequence in range(n):
        if first := sequence % 17 == 0:
            plant = Plant(limits)
        odd = rng.random(5) < 0.05
        inputs = Inputs(
            now_s=float(sequence + 1) / 3.0,
            first=first,
            stopped=sequence % 23 > 18,
            proposed=np.where(
                odd, rng.choice([np.nan, np.inf, -0.0, 1e300], 5), last + rng.normal(0, 9, 5)
            ),
            signal=np.array([rng.uniform(1, 10), rng.uniform(0, 100)]),
            error=np.full(2, 0.1),
            trusted=rng.random(2) < 0.9,
            last=last,
            last_s=last_s,
        )
        last, last_s = plant.decide(inputs), inputs.now_s
        binding = [
            plant.filter.made.intervals[i].name for i in plant.found.narrow[0].ravel() if i >= 0
        ]
        journal.append(
            record_of(
                Entry(
                    sequence=sequence, inputs=inputs, applied=last, shield=fingerprint(limits),
                    codes={"filter": WORDS[int(plant.found.code[0])]}, binding=tuple(binding),
                    observation=fingerprint(inputs.signal), policy="7", operator="Ann",
                )
            )
        )  # fmt: skip
        journal.append({"kind": "other"})


def test_a_replay_from_the_file_makes_every_decision_again(tmp_path):
    with FileJournal(tmp_path / "audit.jsonl", durability="process") as journal:
        recorded(journal, 200)
    with FileJournal(tmp_path / "audit.jsonl") as journal:
        assert len({entry.codes["filter"] for entry in entries(journal.records())}) >= 3

        found = replay(journal.records(), Plant().decide, shield=fingerprint(OWN))

    assert found == (200, None)


def changed(records, sequence, **parts):
    """Return records of which one decision was changed."""
    return [
        {**record, **parts} if record.get("sequence") == sequence else record
        for record in json.loads(json.dumps(list(records)))
    ]


def test_the_first_decision_that_differs_is_named():
    journal = MemoryJournal()
    recorded(journal, 60)
    applied = list(next(e for e in entries(journal.records()) if e.sequence == 41).applied)
    applied[0] = float(np.nextafter(applied[0], 1e9))
    records = changed(changed(journal.records(), 41, applied=applied), 50, applied=[0.0] * 5)

    n_same, difference = replay(records, Plant().decide)

    assert n_same == 41
    assert (difference.sequence, difference.part) == (41, "applied")
    assert difference.recorded != difference.found
    assert str(difference).startswith("decision 41 applied: recorded [0x1.")


def test_zero_and_minus_zero_differ():
    journal = MemoryJournal()
    recorded(journal, 1)
    (entry,) = entries(journal.records())
    records = [record_of(replace(entry, applied=np.zeros(5)))]

    assert replay(records, lambda _: np.zeros(5)) == (1, None)
    assert replay(records, lambda _: -np.zeros(5)).difference.found.startswith("[-0x0.0p+0")


def test_other_limits_or_another_plant_do_not_pass_for_the_recorded_ones():
    journal = MemoryJournal()
    recorded(journal, 60)
    other = [replace(OWN[0], high=50.0), *OWN[1:]]

    assert replay(journal.records(), Plant(other).decide).difference.part == "applied"
    found = replay(journal.records(), Plant(other).decide, shield=fingerprint(other))
    assert found.n_same == 0
    assert found.difference.part == "shield"
    assert found.difference.recorded == fingerprint(OWN)


def test_a_decision_that_was_left_out_is_missed():
    journal = MemoryJournal()
    recorded(journal, 30)
    records = [record for record in journal.records() if record.get("sequence") != 12]

    n_same, difference = replay(records, Plant().decide)

    assert n_same == 12
    assert str(difference) == "decision 13 sequence: recorded 13, found 12 would be next"


def test_a_process_that_begins_anew_may_count_from_0_but_skips_nothing():
    first, second = MemoryJournal(), MemoryJournal()
    recorded(first, 30)
    recorded(second, 20)
    records = [*first.records(), *second.records()]

    assert replay(records, Plant().decide) == (50, None)
    assert latest(records).sequence == 19
    begins = next(record for record in second.records() if record.get("sequence") == 0)
    records = [*first.records(), {**begins, "sequence": 7}]
    assert replay(records, Plant().decide).difference.part == "sequence"


def test_who_begins_anew_finds_what_was_applied_last():
    journal = MemoryJournal()
    assert latest(journal.records()) is None
    recorded(journal, 9)

    entry = latest(journal.records())

    assert entry.sequence == 8
    assert bits(entry) == bits(list(entries(journal.records()))[-1])


def test_a_replay_that_fails_names_the_decision_it_failed_in():
    journal = MemoryJournal()
    recorded(journal, 3)

    def fail(inputs):
        if inputs.now_s > 0.5:
            msg = "half"
            raise ZeroDivisionError(msg)
        return Plant().decide(inputs)

    found = replay(journal.records(), fail)

    assert found.n_same == 1
    assert found.difference.sequence == 1
    assert found.difference.found == "ZeroDivisionError: half"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"version": 2}, r"audit record 1: decision, version 2; allowed: decision, version 1; fix"),
        ({"applied": ["much"]}, "audit record 1: ValueError: .*allowed: all parts of a decision"),
        ({"applied": None}, "audit record 1: TypeError"),
        ({"multipliers": []}, "audit record 1: AttributeError"),
    ],
)
def test_a_record_that_is_no_decision_is_refused(parts, message):
    journal = MemoryJournal()
    recorded(journal, 2)
    records = changed(journal.records(), 1, **parts)

    with pytest.raises(RunError, match=message):
        replay(records, Plant().decide)
    with pytest.raises(RunError, match="None, version None"):
        entry_of({"kind": None})
    del records[2]["last"]
    with pytest.raises(RunError, match=r"audit record 1: .*(KeyError: 'last'|version)"):
        entry_of({**records[2], "version": 1})
