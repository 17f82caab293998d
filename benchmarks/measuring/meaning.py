# SPDX-License-Identifier: MIT
"""What the result of some code depends on: every module that it imports, by what it says.

Comments, docstrings and imports themselves say nothing, and neither does a file's place. So a
result stays what it is when code is moved or explained, and goes out of date when code changes.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "src"

Imported = tuple[str, str | None]
"""A module and a name taken from it; None: the module itself."""


def meaning(modules: Iterable[str], root: Path = SOURCES) -> str:
    """Return the hash of modules and of all that they import below `root`, directly or not."""
    said = sorted(_said(_tree(file)) for file in files(modules, root))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def files(modules: Iterable[str], root: Path = SOURCES) -> set[Path]:
    """Return the files of modules and of all that they import below `root`.

    Of a package's face what is asked for counts, not all that it shows.
    """
    found: set[Path] = set()
    seen: set[Imported] = set()
    ahead: list[Imported] = [(module, None) for module in modules]
    while ahead:
        asked = ahead.pop()
        if asked in seen:
            continue
        seen.add(asked)
        module, name = asked
        place = root.joinpath(*module.split("."))
        file, face = place.with_suffix(".py"), place / "__init__.py"
        inside = place / str(name)
        if name is not None and (inside.is_dir() or inside.with_suffix(".py").is_file()):
            ahead.append((f"{module}.{name}", None))
        elif file.is_file():
            found.add(file)
            ahead += [(whole, part) for whole, part, _ in _imports(file)]
        elif face.is_file():
            # A package that is taken as a whole may be asked for anything that its face shows.
            shown = [
                (whole, part) for whole, part, known in _imports(face) if name in (None, known)
            ]
            found |= set() if shown and name is not None else {face}
            ahead += shown
    return found


def _imports(file: Path) -> Iterator[tuple[str, str | None, str]]:
    """Yield module, name taken from it or None, and the name by which the file knows it."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield node.module, alias.name, alias.asname or alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, alias.asname or alias.name


def _said(tree: ast.Module) -> str:
    """Return what a module says, without imports and without texts that are no value."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _idle(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _idle(part: ast.stmt) -> bool:
    text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
    return text or isinstance(part, ast.Import | ast.ImportFrom)


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes())
