# SPDX-License-Identifier: MIT
"""Print the size of every room, and fail where a file or a function is too long.

Lines are counted as they stand in the file. A function is counted from its `def` to its last line
without its docstring: manual pages may be long.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FILE_WANTED = 300
FILE_LIMIT = 500
FUNCTION_WANTED = 40
FUNCTION_LIMIT = 80
KERNEL_LIMIT = 120

EXCEPTIONS: dict[str, str] = {
    # "src/flyball/room/file.py" or "src/flyball/room/file.py::function": "reason"
}


class Size(NamedTuple):
    """The length of a file or, with `name` set, of a function in it."""

    path: str
    name: str
    lines: int
    wanted: int
    limit: int

    @property
    def key(self) -> str:
        """What an exception is written under."""
        return f"{self.path}::{self.name}" if self.name else self.path


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring; decorators do not count."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Yield the dotted name and the lines of every function and method in a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{node.name}", function_lines(node)
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def sizes(root: Path, path: Path) -> Iterator[Size]:
    """Yield the size of one file and of all its functions; `path` lies under `root`."""
    name = path.relative_to(root).as_posix()
    source = path.read_text(encoding="utf-8")
    yield Size(name, "", len(source.splitlines()), FILE_WANTED, FILE_LIMIT)
    limit = KERNEL_LIMIT if path.name == "kernels.py" else FUNCTION_LIMIT
    for function, lines in functions(ast.parse(source, name)):
        yield Size(name, function, lines, FUNCTION_WANTED, limit)


def measure(root: Path) -> list[Size]:
    """Return the sizes of all Python files of the project at `root`."""
    paths = [
        path
        for folder in ("src", "tests", "tools", "benchmarks")
        for path in sorted((root / folder).rglob("*.py"))
    ]
    return [size for path in paths for size in sizes(root, path)]


def too_long(found: list[Size], exceptions: dict[str, str]) -> list[str]:
    """Return one message for each size over its limit and each exception without use."""
    over = {size.key: size for size in found if size.lines > size.limit}
    messages = [
        f"{size.key}: {size.lines} lines, {size.limit} allowed; split it by its nouns"
        for key, size in over.items()
        if key not in exceptions
    ]
    messages += [
        f"tools/size.py: the exception for {key} is not needed; take it out"
        for key in exceptions
        if key not in over
    ]
    return messages


def room(path: str) -> str:
    """Return the room or folder that a file is counted under, a world being a room of its own."""
    parts = path.split("/")[:-1]
    depth = 4 if parts[2:3] == ["worlds"] else 3
    return "/".join(parts[:depth]) if parts[0] == "src" else parts[0]


def table(found: list[Size]) -> str:
    """Return the lines and files of each room, and what is longer than it should be."""
    files = [size for size in found if not size.name]
    rows = []
    for name in sorted({room(size.path) for size in files}):
        lines = [size.lines for size in files if room(size.path) == name]
        rows.append(f"{name:<32} {sum(lines):>6} lines {len(lines):>4} files, longest {max(lines)}")
    rows.append(f"{'all':<32} {sum(size.lines for size in files):>6} lines {len(files):>4} files")
    rows += [
        f"  longer than wanted: {size.key} {size.lines} lines, aim for {size.wanted}"
        for size in found
        if size.wanted < size.lines <= size.limit
    ]
    return "\n".join(rows)


def main() -> int:
    """Print the table and return 1 if anything is over its limit."""
    found = measure(Path(__file__).parents[1])
    print(table(found))
    messages = too_long(found, EXCEPTIONS)
    for message in messages:
        print(message, file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
