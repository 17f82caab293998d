# SPDX-License-Identifier: MIT
"""Limits go to a file and come back; what a file says wrongly is told all at once, in its place."""

import math
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyball.core.errors import ConfigError, InvariantError
from flyball.core.limits import (
    KINDS,
    Barrier,
    Box,
    Budget,
    Clamp,
    Constraint,
    Curve,
    Dwell,
    Exclusive,
    Interlock,
    Linear,
    Rate,
)
from flyball.core.limits_file import limits_of, text_of

CONFIGS = Path(__file__).parents[2] / "configs" / "limits"
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
ANY = st.floats(allow_nan=False, allow_infinity=False)
SIZE = st.floats(0.0, allow_infinity=False)
LENGTH = st.floats(1e-9, 1e9)
RANGE = st.tuples(ANY, ANY).map(sorted)
ENDS = RANGE | ANY.map(lambda low: (low, math.inf)) | ANY.map(lambda high: (-math.inf, high))
SWITCH = st.tuples(st.floats(-1e9, 0.0), st.floats(1e-9, 1e9))
WEIGHTS = st.dictionaries(NAMES, ANY.filter(bool), min_size=1, max_size=3)
POINTS = st.dictionaries(st.integers(-9, 9), ANY, min_size=1).map(
    lambda found: tuple((float(x), found[x]) for x in sorted(found))
)


@st.composite
def limits(draw, name=NAMES):
    kind, value = draw(st.sampled_from(sorted(KINDS.values(), key=str))), draw(NAMES)
    soft = draw(st.booleans()) and kind.can_be_soft
    common = {
        "name": draw(name),
        "unit": draw(NAMES),
        "severity": "soft" if soft else draw(st.sampled_from(["hard", "monitor"])),
        "price": draw(SIZE.filter(bool)) if soft else 0.0,
        "source": draw(st.just("") | NAMES),
        "owner": draw(st.just("") | NAMES),
        "revision": draw(st.just("") | NAMES),
    }
    low, high = draw(ENDS)
    idle, run = draw(SWITCH)
    levels = {"idle": idle, "run": run}
    own = {
        Box: lambda: {"value": value, "low": low, "high": high},
        Clamp: lambda: {"value": value, "low": low, "high": high},
        Rate: lambda: {
            "value": value,
            "fall": draw(SIZE),
            "rise": draw(SIZE),
            **draw(
                st.sampled_from([{}, {"each": "second"}])
                | LENGTH.map(lambda s: {"each": "window", "window_s": s})
            ),
        },
        Linear: lambda: {
            "bound": draw(ANY),
            "values": draw(WEIGHTS),
            "signals": draw(st.just({}) | WEIGHTS),
        },
        Curve: lambda: {
            "value": value,
            "signal": draw(NAMES),
            "low": draw(POINTS),
            "high": draw(st.just(()) | POINTS),
        },
        Barrier: lambda: {
            "bound": draw(ANY),
            "signals": draw(WEIGHTS),
            "gamma": draw(st.floats(0.0, 1.0, exclude_min=True)),
        },
        Budget: lambda: {
            "value": value,
            "most": draw(SIZE),
            "window_s": draw(LENGTH),
            "counts": draw(st.sampled_from(["moves", "travel"])),
            "least": draw(SIZE),
        },
        Dwell: lambda: {
            "value": value,
            **levels,
            "on_s": draw(SIZE),
            "off_s": 5.0,
            "every_s": draw(st.just(math.inf) | st.floats(6.0)),
        },
        Exclusive: lambda: {
            "values": tuple(draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))),
            **levels,
            "most": 1,
        },
        Interlock: lambda: {"value": value, **levels, "signal": "s", "low": low, "high": high},
    }
    return kind(**common, **own[kind]())


@given(st.lists(limits(), max_size=6, unique_by=lambda limit: limit.name))
def test_what_is_written_is_read_back_the_same_and_written_the_same_again(stated):
    text = text_of(stated)

    found = limits_of(text, "f")

    assert found == tuple(stated)
    assert text_of(found) == text


def test_a_limit_is_written_as_people_read_it():
    limit = Linear(
        name='gas "main"',
        unit="t/h",
        values={"feed": 1, "flow 2": -0.5},
        bound=300.0,
        severity="soft",
        price=2.5,
        source="study 7",
        owner="process",
    )

    text = text_of([limit, Dwell(name="pump", unit="%", value="p", idle=0, run=20, on_s=60)])

    assert text == (
        "[[limits]]\n"
        'name = "gas \\"main\\""\n'
        'kind = "linear"\n'
        "bound = 300\n"
        'values = { feed = 1, "flow 2" = -0.5 }\n'
        'unit = "t/h"\n'
        'source = "study 7"\n'
        'owner = "process"\n'
        'severity = "soft"\n'
        "price = 2.5\n"
        "\n"
        "[[limits]]\n"
        'name = "pump"\n'
        'kind = "dwell"\n'
        'value = "p"\n'
        "idle = 0\n"
        "run = 20\n"
        "on_s = 60\n"
        'unit = "%"\n'
        'severity = "hard"\n'
    )


BOX = '[[limits]]\nname = "n"\nkind = "box"\nvalue = "v"\nlow = 0\nhigh = 1\nunit = "%"\n'

WRONG = [
    ("limits = [", r"f: .*at the end; allowed: TOML; fix: correct that line"),
    (BOX + "low = 3\n", r"f line 8, column 8: Cannot overwrite a value; allowed: TOML"),
    ("a = " + "[" * 5000, "f: .*; allowed: TOML"),
    ("a = " + "9" * 5000, "f: .*; allowed: TOML"),
    ("", r"f: nothing; allowed: \[\[limits\]\] tables, or limits = \[\] for none"),
    ("limits = 3", "f: 'limits' of another form"),
    ("[limits]\nx = 1", "f: 'limits' of another form"),
    ("limit = 1\n" + BOX, "f: unknown key 'limit'; .*did you mean 'limits'"),
    (BOX.replace('"box"', '"boxx"'), r"\[\[limits\]\] 1 'n' kind: 'boxx'; .*did you mean 'box'"),
    (BOX.replace('kind = "box"\n', ""), r"f: \[\[limits\]\] 1 'n' kind: nothing; allowed: box, c"),
    (BOX.replace('"box"', "[1]"), r"kind: \[1\]; allowed: box"),
    (BOX.replace("low", "loww"), r"\[\[limits\]\] 1 'n': unknown key 'loww'; .*mean 'low'"),
    (BOX.replace("low = 0\n", ""), r"1 'n' low: nothing; allowed: a number; fix: .*example 1\.0"),
    (BOX.replace('unit = "%"\n', ""), r"\[\[limits\]\] 1 'n' unit: nothing; allowed: a unit, - "),
    (BOX.replace('name = "n"\n', ""), r"f: \[\[limits\]\] 1 name: nothing; allowed: a name of its"),
    (BOX.replace("low = 0", 'low = "0"'), r"1 'n' low: '0'; allowed: a number"),
    (BOX.replace("low = 0", "low = true"), "1 'n' low: True; allowed: a number"),
    (BOX.replace("low = 0", "low = 1" + "0" * 400), r"low: 10+\.\.\.0+; allowed: a number"),
    (BOX.replace("low = 0", "low = nan"), r"1 'n' low, high: nan, 1\.0; allowed: low at most"),
    (BOX.replace("low = 0", "low = 5"), r"1 'n' low, high: 5\.0, 1\.0; allowed: low at most"),
    (BOX + 'severity = "hrd"\n', '1 \'n\' severity: \'hrd\'; allowed: "hard" or "soft" or "mon'),
    (BOX + BOX, r"f: \[\[limits\]\] 2 'n' name: the name of \[\[limits\]\] 1; allowed: unique"),
    (
        '[[limits]]\nname = "n"\nunit = "-"\nkind = "curve"\nvalue = "v"\nsignal = "s"\n'
        "low = [[0, 1], [2]]\n",
        r"low: \[\[0, 1\], \[2\]\]; allowed: a list of points, two numbers each",
    ),
    (
        '[[limits]]\nname = "n"\nunit = "-"\nkind = "linear"\nbound = 1\nvalues = { a = "b" }\n',
        r"values: {'a': 'b'}; allowed: a table of names, each with a number; fix: .*{ a = 1\.0 }",
    ),
    (
        '[[limits]]\nname = "n"\nunit = "-"\nkind = "exclusive"\nvalues = ["a", 2]\nidle = 0\n'
        "run = 1\nmost = 1.5\n",
        r"(?s)values: \['a', 2\]; allowed: a list of names.*most: 1\.5; allowed: a whole number",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_told_with_its_table_and_key(text, message):
    with pytest.raises(ConfigError, match=message):
        limits_of(text, "f")


def test_every_problem_of_a_file_is_told_at_once():
    many = (
        BOX.replace("low", "lw")
        + BOX.replace("high = 1", "high = -1").replace('unit = "%"', "").replace('"n"', '"m"')
        + '[[limits]]\nname = "m"\n'
    )

    with pytest.raises(ConfigError) as error:
        limits_of("other = 1\n" + many, "plant.toml")

    assert [problem.where for problem in error.value.problems] == [
        "plant.toml",
        "plant.toml: [[limits]] 1 'n'",
        "plant.toml: [[limits]] 1 'n' low",
        "plant.toml: [[limits]] 2 'm' unit",
        "plant.toml: [[limits]] 2 'm' low, high",
        "plant.toml: [[limits]] 3 'm' name",
        "plant.toml: [[limits]] 3 'm' kind",
    ]


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside),
        max_leaves=4,
    ).map(lambda value: BOX.replace("low = 0", f"low = {value}"))
)
def test_any_text_gives_limits_or_problems_in_five_parts(text):
    try:
        found, problems = limits_of(text, "f"), ()
    except ConfigError as error:
        found, problems = (), error.problems

    assert all(isinstance(limit, Constraint) for limit in found)
    assert all(each.where and each.found and each.allowed and each.fix for each in problems)
    assert found or problems or "limits" in text


@given(limits(), st.data())
def test_a_setting_of_another_type_is_refused_in_its_place(limit, data):
    table = tomllib.loads(text_of([limit]))["limits"][0]
    key = data.draw(st.sampled_from(sorted(table)))
    wrong = data.draw(st.sampled_from(["1979-05-27", "[[[]]]", "true"]))
    lines = text_of([limit]).split("\n")
    own = next(n for n, line in enumerate(lines) if line.startswith(f"{key} = "))

    with pytest.raises(ConfigError) as error:
        limits_of("\n".join([*lines[:own], f"{key} = {wrong}", *lines[own + 1 :]]), "f")

    assert any(problem.where.endswith(f" {key}") for problem in error.value.problems)


def test_a_kind_that_files_do_not_know_is_our_fault():
    class Odd(Box):
        """A kind nobody registered."""

    with pytest.raises(InvariantError, match="Odd is no kind"):
        text_of([Odd(name="n", unit="%", value="v", low=0, high=1)])


def test_the_example_has_a_limit_of_every_kind():
    text = (CONFIGS / "example.toml").read_text(encoding="utf-8")

    found = limits_of(text, "example.toml")

    assert {type(limit) for limit in found} == set(KINDS.values())
    assert limits_of(text_of(found), "again") == found
