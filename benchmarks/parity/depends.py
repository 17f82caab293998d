# SPDX-License-Identifier: MIT
"""What a run's result depends on: the code that it reaches, without comments and docstrings."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from measuring import ROOT

SOURCE = ROOT / "src"


def code_hash(*modules: str, source: Path = SOURCE) -> str:
    """Return a hash of everything that some modules say and import, directly or indirectly.

    Parameters
    ----------
    modules
        Full names. Importing one does not count the faces of the packages that it lies in.
    source
        Folder of the packages; what lies outside counts by its version instead.
    """
    digest = hashlib.sha256()
    for path in sorted(reached(modules, source)):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0")
        digest.update(_said(path).encode() + b"\0")
    return digest.hexdigest()[:16]


def reached(modules: tuple[str, ...], source: Path = SOURCE) -> set[Path]:
    """Return the files of some modules and of all that they import."""
    left, found = list(modules), set[Path]()
    while left:
        path = _file(left.pop(), source)
        if path is not None and path not in found:
            found.add(path)
            left += _imports(path, source)
    return found


def _file(module: str, source: Path) -> Path | None:
    """Return where a module lies, or None if it is none or not ours."""
    at = source / module.replace(".", "/")
    candidates = (at.with_suffix(".py"), at / "__init__.py")
    return next((path for path in candidates if path.exists()), None)


def _imports(path: Path, source: Path) -> Iterator[str]:
    """Yield the names that a file may mean: a submodule of a package goes before its face."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inner = [f"{node.module}.{name.name}" for name in node.names]
            modules = [name for name in inner if _file(name, source) is not None]
            yield from modules
            if len(modules) < len(inner):
                yield node.module


def _said(path: Path) -> str:
    """Return a file's code without comments, layout and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            # Beside docstrings these are the sentences under the fields of settings.
            node.body = [each for each in node.body if not _is_text(each)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
