# SPDX-License-Identifier: MIT
"""The mirror tool finds source files that no test file stands for."""

from pathlib import Path

import pytest

from tools import mirror


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("src/flyball/safety/shield.py", "tests/safety/test_shield.py"),
        ("src/flyball/worlds/jobshop/env.py", "tests/worlds/jobshop/test_env.py"),
        ("tools/size.py", "tests/tools/test_size.py"),
    ],
)
def test_the_test_of_a_file_lies_in_the_same_room(source, test):
    assert mirror.mirror(Path(source)) == Path(test)


def test_a_file_without_a_test_is_named_with_the_place_of_its_test(tmp_path):
    touch(tmp_path, "src/flyball/core/spec.py")

    messages = mirror.unmirrored(tmp_path, {})

    assert messages == ["src/flyball/core/spec.py: no test; write tests/core/test_spec.py"]


def test_a_file_with_a_test_and_a_face_pass(tmp_path):
    touch(tmp_path, "src/flyball/core/spec.py", "tests/core/test_spec.py")
    touch(tmp_path, "src/flyball/core/__init__.py")

    assert mirror.unmirrored(tmp_path, {}) == []


def test_an_exception_excuses_its_file(tmp_path):
    touch(tmp_path, "src/flyball/core/protocols.py")

    assert mirror.unmirrored(tmp_path, {"src/flyball/core/protocols.py": "no code"}) == []


def test_an_exception_for_a_file_that_has_a_test_is_reported(tmp_path):
    touch(tmp_path, "src/flyball/core/spec.py", "tests/core/test_spec.py")

    messages = mirror.unmirrored(tmp_path, {"src/flyball/core/spec.py": "no code"})

    assert messages == [
        "tools/mirror.py: the exception for src/flyball/core/spec.py is not needed; take it out"
    ]


def test_an_exception_may_name_the_test_that_stands_for_it_if_there_is_one(tmp_path):
    touch(tmp_path, "src/flyball/core/spec.py", "tests/core/test_batch.py")

    found = mirror.unmirrored(tmp_path, {"src/flyball/core/spec.py": "tests/core/test_batch.py"})
    missing = mirror.unmirrored(tmp_path, {"src/flyball/core/spec.py": "tests/core/test_no.py"})

    assert found == []
    assert missing == [
        "src/flyball/core/spec.py: tools/mirror.py says tests/core/test_no.py, which does not exist"
    ]
