# SPDX-License-Identifier: MIT
"""Fail where a source file has no test file in the mirrored place.

`src/flyball/room/file.py` is tested by `tests/room/test_file.py`, `tools/file.py` by
`tests/tools/test_file.py`. A face (`__init__.py`) needs none: its test is whoever imports it.
"""

import sys
from pathlib import Path

EXCEPTIONS: dict[str, str] = {
    # "src/flyball/room/file.py": "tests/room/test_other.py", where it is tested instead; or why not
    "src/flyball/core/protocols.py": "Protocols without code; mypy tests them",
}


def mirror(source: Path) -> Path:
    """Return where the test of a source file belongs; both paths are relative to the project."""
    folder = source.parent
    inside = folder.relative_to("src/flyball") if source.parts[0] == "src" else folder
    return Path("tests") / inside / f"test_{source.stem}.py"


def sources(root: Path) -> list[Path]:
    """Return every source file that needs a test, relative to `root`."""
    paths = [*(root / "src" / "flyball").rglob("*.py"), *(root / "tools").rglob("*.py")]
    return sorted(path.relative_to(root) for path in paths if path.stem != "__init__")


def unmirrored(root: Path, exceptions: dict[str, str]) -> list[str]:
    """Return one message for each file without a test and each exception without use."""
    lonely = [path for path in sources(root) if not (root / mirror(path)).exists()]
    names = {path.as_posix() for path in lonely}
    messages = [
        f"{path.as_posix()}: no test; write {mirror(path).as_posix()}"
        for path in lonely
        if path.as_posix() not in exceptions
    ]
    messages += [
        f"tools/mirror.py: the exception for {name} is not needed; take it out"
        for name in exceptions
        if name not in names
    ]
    messages += [
        f"{name}: tools/mirror.py says {where}, which does not exist"
        for name, where in exceptions.items()
        if where.startswith("tests/") and not (root / where).exists()
    ]
    return messages


def main() -> int:
    """Print what is missing and return 1 if anything is."""
    root = Path(__file__).parents[1]
    messages = unmirrored(root, EXCEPTIONS)
    for message in messages:
        print(message, file=sys.stderr)
    print(f"mirror: {len(sources(root))} source files, {len(messages)} without a test")
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
