# SPDX-License-Identifier: MIT
"""Records without code: what can go wrong is a word that the docstring does not explain."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from flyball.core import batch
from flyball.core.batch import Action, Observation, Options, Step

LETTERS = set(re.findall(r"\b([A-Z]) \w+", batch.__doc__))


@pytest.mark.parametrize("record", [Options, Observation, Action, Step])
def test_every_axis_of_a_record_is_a_letter_that_the_module_explains(record):
    text = Path(batch.__file__).read_text(encoding="utf-8")
    body = text.split(f"class {record.__name__}:")[1].split("@dataclass")[0]
    shapes = dict(re.findall(r"^    (\w+): \w+  # \((.*?)\)(?:  |$)", body, re.MULTILINE))

    arrays = {field.name for field in fields(record) if field.type not in (Options, Observation)}
    arrays -= {field.name for field in fields(record) if field.type is Action}
    assert set(shapes) == arrays
    for shape in shapes.values():
        assert set(re.findall(r"[A-Z]", shape)) <= LETTERS


def test_a_record_refuses_a_field_that_the_contract_does_not_know():
    step = Action(choice=None, value=None)

    with pytest.raises(AttributeError):
        step.finished = True


def test_the_two_ends_of_an_episode_are_two_fields():
    names = {field.name for field in fields(Step)}

    assert {"terminated", "truncated"} <= names
