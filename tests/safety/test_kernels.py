# SPDX-License-Identifier: MIT
"""What is compiled must be what is written, whichever file it is written in."""

from pathlib import Path

import numpy as np
import pytest

from flyball import safety
from flyball.safety import bounds, filtering, kernels
from flyball.safety.kernels import RoomCache, inlined, kernel

ROOM = Path(safety.__file__).parent


def test_every_file_with_compiled_code_makes_the_cache_stale():
    for file in ROOM.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name != "kernels.py" and ("@kernel" in text or "@inlined" in text):
            assert "@njit" not in text, file


def test_another_content_of_the_room_is_another_place_in_the_cache(monkeypatch):
    if not hasattr(filtering.filter_rows, "_cache"):
        pytest.skip("the compiler is off")
    cache = filtering.filter_rows._cache
    assert isinstance(cache, RoomCache)
    codegen = filtering.filter_rows.targetctx.codegen()
    before = cache._index_key((), codegen)

    monkeypatch.setattr(RoomCache, "sources", "another")

    assert cache._index_key((), codegen) != before


def test_any_file_of_the_room_counts(monkeypatch, tmp_path):
    (tmp_path / "codes.py").write_text("LOST = 4")
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "kernels.py"))
    before = kernels._content()

    (tmp_path / "codes.py").write_text("LOST = 5")

    assert kernels._content() != before


def test_what_is_inlined_can_be_called_from_python_too():
    @inlined
    def double(x):
        return 2.0 * x

    @kernel
    def twice(x):
        return double(double(x))

    assert (double(1.5), twice(1.5)) == (3.0, 6.0)
    assert bounds.table(np.array([0.0, 1.0]), np.array([0.0, 8.0]), 0, 2, 0.5) == 4.0
