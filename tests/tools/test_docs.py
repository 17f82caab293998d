# SPDX-License-Identifier: MIT
"""The pages that people follow are run as they stand."""

import pytest

from tools import docs


def page(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_command_that_prints_what_the_page_says_passes(tmp_path):
    text = "```console\n$ echo one; echo 1.5 s\none\n... s\n$ true\n```\n"

    assert docs.check_page(page(tmp_path, text)) == []


def test_another_output_is_shown_beside_the_expected_one(tmp_path):
    text = "Title\n\n```console\n$ echo two\none\n```\n"

    (message,) = docs.check_page(page(tmp_path, text))

    assert message == "page.md:4: echo two\nexpected\none\ngot\ntwo\n"


@pytest.mark.parametrize(
    "block", ["```console\n$ false\n```\n", "```python\nraise ValueError\n```\n"]
)
def test_a_block_that_fails_is_reported(tmp_path, block):
    (message,) = docs.check_page(page(tmp_path, block))

    assert "exit code 1" in message


def test_blocks_of_a_page_share_a_folder_and_leave_nothing_behind(tmp_path):
    text = (
        "```python\nfrom pathlib import Path\nPath('a').write_text('x')\n```\n"
        "```console\n$ cat \\\n    a\nx\n```\n"
    )
    path = page(tmp_path, text)

    assert docs.check_page(path) == []
    assert list(tmp_path.iterdir()) == [path]


def test_only_a_block_with_a_reason_is_left_out():
    block = "```console\n$ git clone x\n```\n"

    assert list(docs.samples(f"<!-- not run: needs a network -->\n{block}")) == []
    assert [sample.code for sample in docs.samples(block)] == ["git clone x\n"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    sorted(path for folder in docs.PAGES for path in (docs.ROOT / folder).glob("*.md")),
    ids=lambda path: path.stem,
)
def test_every_page_runs_as_it_stands(path):
    assert docs.check_page(path) == []
