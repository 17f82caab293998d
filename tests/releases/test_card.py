# SPDX-License-Identifier: MIT
from flyball.releases.card import card_of, summary_of
from flyball.releases.manifest import CARD
from tests.releases.made import EVALUATION


def test_a_card_says_what_a_release_does_and_is_worth(packed):
    maker, digest = packed

    card = maker.vault.get(digest).files[CARD].decode()

    for words in (
        "# walks to the end",
        "A policy for chain, version 1.",
        "ours is 2 h faster than greedy",
        "| greedy | rule | 4 |",
        "Means over 2 held-out cases.",
        "- other chains",
        "| x | feature | m |",
        "| act | Categorical, one of 3 | - |",
        "| place | m |",
        "- place stays below 9 m; at most 50% of the distance is used up in a decision (hard)",
        "- trained by ppo, seeds 1, 2",
        "- clip: 0.2",
    ):
        assert words in card


def test_a_summary_holds_means_of_the_cases_that_were_met():
    summary = summary_of(EVALUATION)

    assert summary["cases"] == 2
    assert [method["mean"]["cost_h"] for method in summary["methods"]] == [2.0, 4.0]
    assert summary["sentence"] == EVALUATION["sentence"]
    assert summary_of({}) == {"methods": []}


def test_no_name_breaks_out_of_its_cell_or_line(packed):
    maker, digest = packed
    manifest = maker.vault.get(digest).manifest
    plain = {name: getattr(manifest, name) for name in manifest.__dataclass_fields__}
    plain |= {"objectives": [["a|b", "h\n# x", "min"]], "limits": ["a\n# b"]}

    card = card_of(plain)

    assert "| a\\|b | h # x | min |" in card
    assert "- a # b" in card


def test_without_a_comparison_the_card_says_so(packed):
    maker, digest = packed
    manifest = maker.vault.get(digest).manifest
    plain = {name: getattr(manifest, name) for name in manifest.__dataclass_fields__}

    card = card_of(plain | {"evaluation": {}, "limits": [], "not_for": []})

    assert "Nothing was compared." in card
    assert "None were stated." in card
    assert "Nothing was stated." in card
