# SPDX-License-Identifier: MIT
"""A result goes stale with the code that it reaches, and with nothing else."""

import pytest
from parity.depends import SOURCE, code_hash, reached


@pytest.fixture
def package(tmp_path):
    """Return a folder with the package p: face -> b; a -> the submodule b and the face of q."""
    files = {
        "p/__init__.py": "from p.b import two\n",
        "p/a.py": "from p import b\nfrom q import face\n",
        "p/b.py": "import os\ntwo = 2\n",
        "p/alone.py": "x = 1\n",
        "q/__init__.py": "face = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_submodule_is_reached_without_the_face_of_its_package(package):
    found = {path.relative_to(package).as_posix() for path in reached(("p.a",), package)}

    assert found == {"p/a.py", "p/b.py", "q/__init__.py"}


@pytest.mark.parametrize(
    ("name", "text", "same"),
    [
        ("p/b.py", "import os\n\ntwo = 3\n", False),
        ("q/__init__.py", "face = 2\n", False),
        ("p/alone.py", "x = 2\n", True),
    ],
)
def test_only_code_that_is_reached_counts(package, name, text, same):
    before = code_hash("p.a", source=package)

    (package / name).write_text(text)

    assert (code_hash("p.a", source=package) == before) is same


def test_comments_layout_and_docstrings_do_not_count(package):
    before = code_hash("p.b", source=package)
    text = '"""Says."""\n\nimport os\n\n# why\ntwo = 2\n"""Of something."""\n'

    (package / "p/b.py").write_text(text)

    assert code_hash("p.b", source=package) == before


def test_an_algorithm_reaches_what_it_uses_and_no_other_algorithm():
    found = {path.relative_to(SOURCE).as_posix() for path in reached(("flyball.learning.dqn",))}

    assert "flyball/learning/experience/sumtree.py" in found
    assert "flyball/policies/sizes.py" in found
    assert not {"flyball/learning/ppo.py", "flyball/learning/__init__.py"} & found
