# SPDX-License-Identifier: MIT
from pathlib import Path

import pytest

from flyball.worlds.classics import compiling
from flyball.worlds.classics.compiling import KERNEL_FILES, RoomCache, compiled, inlined

FOLDER = Path(compiling.__file__).parent


@inlined
def twice(number: int) -> int:
    return 2 * number


@compiled
def four_times(number: int) -> int:
    return twice(twice(number))


def test_what_is_inlined_works_in_what_is_compiled():
    assert four_times(3) == 12


def test_every_file_with_kernels_makes_the_cache_stale():
    decorated = {
        path.name
        for path in FOLDER.glob("*.py")
        if "@inlined" in path.read_text(encoding="utf-8") or "compiled(" in path.read_text("utf-8")
    }

    assert decorated | {"state.py"} == set(KERNEL_FILES)


def test_the_key_of_a_compiled_function_holds_the_source_of_all_kernels(monkeypatch):
    function = getattr(four_times, "py_func", None)
    if function is None:
        pytest.skip("the compiler is off")
    cache = RoomCache(function)
    signature = four_times.signatures[0]
    codegen = four_times.targetctx.codegen()

    before = cache._index_key(signature, codegen)
    monkeypatch.setattr(RoomCache, "sources", "others")

    assert cache._index_key(signature, codegen) != before
