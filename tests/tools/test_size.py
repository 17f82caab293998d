# SPDX-License-Identifier: MIT
"""The size tool finds what is too long, and nothing else."""

from pathlib import Path

import pytest

from tools import size


def project(root: Path, name: str, text: str) -> list[size.Size]:
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return size.measure(root)


def test_a_file_over_the_limit_is_named_with_both_numbers(tmp_path):
    found = project(tmp_path, "src/flyball/core/long.py", "x = 1\n" * 501)

    messages = size.too_long(found, {})

    assert messages == ["src/flyball/core/long.py: 501 lines, 500 allowed; split it by its nouns"]


def test_a_file_at_the_limit_passes(tmp_path):
    found = project(tmp_path, "src/flyball/core/long.py", "x = 1\n" * 500)

    assert size.too_long(found, {}) == []


@pytest.mark.parametrize(
    ("name", "lines", "fails"),
    [
        ("env.py", 80, False),
        ("env.py", 81, True),
        ("kernels.py", 120, False),
        ("kernels.py", 121, True),
    ],
)
def test_functions_stop_at_80_lines_and_kernels_at_120(tmp_path, name, lines, fails):
    text = "class A:\n    def f(self):\n" + "        x = 1\n" * (lines - 1)
    found = project(tmp_path, f"src/flyball/worlds/shop/{name}", text)

    messages = size.too_long(found, {})

    assert [message.split(":")[2] for message in messages] == (["A.f"] if fails else [])


def test_a_docstring_does_not_make_a_function_long(tmp_path):
    text = 'def f():\n    """First.\n' + "    more\n" * 100 + '    """\n    return 1\n'
    found = project(tmp_path, "src/flyball/core/documented.py", text)

    assert [row.lines for row in found if row.name == "f"] == [2]


def test_a_function_inside_a_function_is_measured_too(tmp_path):
    text = "def f():\n    if True:\n        def g():\n" + "            x = 1\n" * 4
    found = project(tmp_path, "tools/nested.py", text)

    assert {row.name: row.lines for row in found if row.name} == {"f": 7, "f.g": 5}


def test_an_exception_excuses_its_file_and_no_other(tmp_path):
    found = project(tmp_path, "src/flyball/core/long.py", "x = 1\n" * 501)

    assert size.too_long(found, {"src/flyball/core/long.py": "a table"}) == []


def test_an_exception_that_is_not_needed_is_reported(tmp_path):
    found = project(tmp_path, "src/flyball/core/short.py", "x = 1\n")

    messages = size.too_long(found, {"src/flyball/core/short.py": "was long once"})

    assert messages == [
        "tools/size.py: the exception for src/flyball/core/short.py is not needed; take it out"
    ]


def test_the_table_counts_a_world_as_a_room_and_names_what_is_long(tmp_path):
    found = project(tmp_path, "src/flyball/worlds/shop/env.py", "x = 1\n" * 301)

    text = size.table(found)

    assert "src/flyball/worlds/shop " in text
    assert "longer than wanted: src/flyball/worlds/shop/env.py 301 lines, aim for 300" in text
