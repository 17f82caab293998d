# SPDX-License-Identifier: MIT
import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("algorithm_pages", ROOT / "tools/algorithms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(ROOT / "tools"))


PAGES = sorted((ROOT / "docs" / "algorithms").glob("*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_says_what_code_and_evidence_say(tool, path):
    text = path.read_text(encoding="utf-8")

    assert tool.filled(text, ROOT / "evidence") == text, "run: python tools/algorithms.py"


def test_every_algorithm_has_a_page():
    from flyball.learning import ALGORITHMS

    assert set(ALGORITHMS) <= {path.stem for path in PAGES}


def test_a_figure_that_misses_its_target_stays_in_the_table(tool, tmp_path):
    row = dict.fromkeys(("peer", "peer_name", "ratio", "low", "high"))
    row |= {"metric": "ppo x", "ours": 1.0, "n": 3, "target": 2.0, "met": False, "note": "slow"}
    (tmp_path / "team_learning.json").write_text(json.dumps({"rows": [row]}))

    text = tool.filled("a\n<!-- figures: ppo -->\nold\n<!-- end -->\nb\n", tmp_path)

    assert "old" not in text
    assert "| ppo x | 1 |" in text
    assert "**no**" in text
    assert text.startswith("a\n")
    assert text.endswith("b\n")
