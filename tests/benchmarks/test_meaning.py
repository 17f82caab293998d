# SPDX-License-Identifier: MIT
"""A result goes out of date when what it depends on changes, and not when that is moved."""

import pytest
from measuring.meaning import SOURCES, files, meaning

CODE = {
    "own/__init__.py": "from own.rates import rate as shown\nfrom own.other import idle\n",
    "own/rates.py": (
        'from own.units import HOUR\n\ndef rate(x):\n    """Say."""\n    return x / HOUR\n'
    ),
    "own/units.py": "HOUR = 60  # minutes\n",
    "own/other.py": "idle = 1\n",
    "learner.py": (
        "import math\nfrom own import shown\n\ndef learn(x):\n    return shown(math.pi * x)\n"
    ),
}


@pytest.fixture
def tree(tmp_path):
    def write(**changed):
        for name, text in (CODE | changed).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


def test_what_is_imported_counts_through_faces_and_what_they_also_show_does_not(tree):
    found = files(["learner"], tree())

    assert {file.name for file in found} == {"learner.py", "rates.py", "units.py"}


def test_a_package_that_is_taken_as_a_whole_counts_with_all_that_its_face_shows(tree):
    root = tree(**{"learner.py": "import own\n\ndef learn(x):\n    return own.shown(x)\n"})

    names = {"learner.py", "__init__.py", "rates.py", "units.py", "other.py"}
    assert {file.name for file in files(["learner"], root)} == names


def test_a_change_of_code_changes_the_meaning_wherever_it_is_imported_from(tree):
    before = meaning(["learner"], tree())

    assert meaning(["learner"], tree(**{"own/units.py": "HOUR = 3600\n"})) != before


@pytest.mark.parametrize(
    "changed",
    [
        {"own/other.py": "idle = 2\n"},
        {"own/units.py": '"""Minutes."""\n\nHOUR = 60\n'},
        {
            "own/units.py": "",
            "own/times.py": CODE["own/units.py"],
            "own/rates.py": CODE["own/rates.py"].replace("units", "times"),
        },
    ],
)
def test_what_is_not_used_explained_or_moved_changes_nothing(tree, changed):
    before = meaning(["learner"], tree())

    (tree() / "own/units.py").unlink()
    root = tree(**changed)

    assert meaning(["learner"], root) == before


def test_an_algorithm_depends_on_its_parts_and_on_no_other_algorithm():
    found = {file.name for file in files(["flyball.learning.qmix"], SOURCES)}

    assert {"qmix.py", "mixers.py", "batch.py", "draws.py"} <= found
    assert not {"maddpg.py", "ppo.py", "catalogue.py"} & found
