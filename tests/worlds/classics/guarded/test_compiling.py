# SPDX-License-Identifier: MIT
from pathlib import Path

from flyball.worlds.classics import compiling as small
from flyball.worlds.classics.guarded import compiling

FOLDER = Path(compiling.__file__).parent


def test_every_file_that_compiles_something_for_a_loop_makes_the_code_on_disk_stale():
    marked = ("@inlined", "@called", "_of_plant(", "@njit")
    found = {
        path.name
        for path in FOLDER.glob("*.py")
        if any(mark in path.read_text(encoding="utf-8") for mark in marked)
    }

    assert found <= set(compiling.KERNEL_FILES)
    assert all((FOLDER / name).exists() for name in compiling.KERNEL_FILES)


def test_the_code_on_disk_goes_stale_with_the_files_of_the_small_problems_too():
    assert issubclass(compiling.GuardedCache, small.RoomCache)
    assert compiling.GuardedCache.sources != small.RoomCache.sources
    assert len(compiling.GuardedCache.sources) == 64


def test_a_called_function_computes_what_python_does():
    @compiling.called
    def half(x):
        return 0.5 * x

    assert half(3.0) == 1.5
