# SPDX-License-Identifier: MIT
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flyball.experiments import runs
from flyball.experiments.jobshop.evaluate import EvaluateConfig, evaluate_run
from flyball.experiments.jobshop.report import figure, write_report
from tests.experiments.jobshop.small_runs import unwatched


class Seen(HTMLParser):
    """What a browser would see: headings, tables, images and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.loads: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.scopes: list[str | None] = []
        self.lang: str | None = None
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.order.append(tag)
        if tag == "html":
            self.lang = values.get("lang")
        if tag == "img":
            self.images.append(values)
        if tag == "th":
            self.scopes.append(values.get("scope"))
        if tag in {"script", "img", "iframe", "source"} and values.get("src"):
            self.loads.append(values["src"] or "")
        if tag == "link":
            self.loads.append(values.get("href") or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def report(run: Path) -> tuple[str, Seen, str]:
    compared = evaluate_run(run, EvaluateConfig(days=3, timed_days=1, time_s=0.2), unwatched)
    page = write_report(run, compared).read_text(encoding="utf-8")
    seen = Seen()
    seen.feed(page)
    return page, seen, compared.evaluation.sentence


def test_the_verdict_is_the_first_heading(report):
    page, seen, sentence = report

    assert seen.order.index("h1") < seen.order.index("h2")
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert heading is not None
    assert heading[1] == sentence


def test_nothing_is_loaded_from_anywhere(report):
    page, seen, _ = report

    assert all(address.startswith("data:") for address in seen.loads)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "http" not in style
    assert "@import" not in style


def test_the_tables_have_captions_and_scopes(report):
    _, seen, _ = report

    assert seen.order.count("table") == seen.order.count("caption") == 3
    assert set(seen.scopes) == {"col", "row"}


def test_every_picture_has_words_and_the_page_a_language(report):
    _, seen, _ = report

    assert seen.lang == "en"
    assert len(seen.images) == 3
    assert all(image.get("alt") for image in seen.images)


def test_the_page_tells_seeds_versions_hash_and_command(report):
    page, _, _ = report

    for word in ("data hash", "seed of the held-out days", "numpy ", "threads in training"):
        assert word in page


def test_the_page_tells_how_the_rules_were_tuned_and_who_had_how_many_threads(report):
    page, _, _ = report

    assert "tuned on 4 training shops until no single setting helped" in page
    assert "1 day; search uses 1 thread, CP-SAT 1" in page


def test_the_plant_is_spoken_of_where_there_is_one_only(report, run: Path, tmp_path: Path):
    page, _, _ = report
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    config = EvaluateConfig(days=2, timed_days=0)
    compared = evaluate_run(copy, config, unwatched)
    manifest = runs.read_json(copy / runs.MANIFEST)
    runs.write_json(copy / runs.MANIFEST, manifest | {"plant": None})

    assert "the plant's machines" in page
    assert "the plant's machines" not in write_report(copy, compared).read_text(encoding="utf-8")


def test_do_nothing_is_said_not_to_exist(report):
    page, _, _ = report

    assert "do not exist here" in page


def test_the_order_is_verdict_decision_plan_learning_limits_manifest(report):
    page, _, _ = report

    ids = ["decision", "plan-section", "learning", "limits", "manifest"]
    places = [page.index(f'<section id="{name}">') for name in ids]
    assert places == sorted(places)


def test_a_name_from_a_workbook_cannot_become_a_script():
    text = figure({"text": "</script><script>alert(1)</script>"})

    assert "</script>" not in text
