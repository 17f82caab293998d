# SPDX-License-Identifier: MIT
"""Run every code block of the tutorials and how-to pages, in a folder of its own for each page.

A ``console`` block holds commands behind ``$`` and, under each, what it prints; ``...`` stands for
what differs from run to run, no lines mean that anything may come. A ``python`` block runs by
itself. A block is left out only with the reason on the line before: ``<!-- not run: reason -->``.
"""

import argparse
import doctest
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = ("docs/tutorials", "docs/how-to")
LIMIT_S = 600
BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+? -->\n)?^```(?P<kind>console|python)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Sample(NamedTuple):
    """Something to run, where it stands, and what it should print (empty: anything)."""

    line: int
    kind: str
    code: str
    output: str


def samples(text: str) -> Iterator[Sample]:
    """Yield what a page asks to run, in order; every command of a console block by itself."""
    for block in BLOCK.finditer(text):
        if block["skip"]:
            continue
        first_line = text.count("\n", 0, block.start("text")) + 1
        if block["kind"] == "python":
            yield Sample(first_line, "python", block["text"], "")
            continue
        yield from commands(block["text"], first_line)


def commands(text: str, first_line: int) -> Iterator[Sample]:
    """Yield the commands of a console block; a command goes on after a backslash."""
    for part in re.finditer(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
        line = first_line + text.count("\n", 0, part.start())
        yield Sample(line, "console", part[1], part[2])


def run(sample: Sample, folder: Path) -> str:
    """Run one sample in `folder`; return what is wrong, or nothing."""
    path = f'export PATH="{ROOT / ".venv" / "bin"}:$PATH"\n'
    shell = ["/bin/bash", "-euo", "pipefail", "-c", path + sample.code]
    command = shell if sample.kind == "console" else [sys.executable, "-c", sample.code]
    try:
        ended = subprocess.run(  # noqa: S603 - the pages of this repository
            command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not finished after {LIMIT_S} s"
    if ended.returncode != 0:
        return f"exit code {ended.returncode}\n{ended.stdout}{ended.stderr}"
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if sample.output and not doctest.OutputChecker().check_output(
        sample.output, ended.stdout, options
    ):
        return f"expected\n{sample.output}got\n{ended.stdout}"
    return ""


def check_page(page: Path) -> list[str]:
    """Run a page from top to bottom in a temporary folder; return one message for each fault."""
    messages = []
    with tempfile.TemporaryDirectory() as folder:
        for sample in samples(page.read_text(encoding="utf-8")):
            wrong = run(sample, Path(folder))
            if wrong:
                messages.append(f"{page.name}:{sample.line}: {sample.code.strip()}\n{wrong}")
    return messages


def main() -> int:
    """Check pages, telling which; return 1 if any block fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="those alone; none: all")
    chosen = [page.resolve() for page in parser.parse_args().pages]
    every = sorted(path for folder in PAGES for path in (ROOT / folder).glob("*.md"))
    failed = 0
    for page in chosen or every:
        messages = check_page(page)
        print(f"docs: {page.relative_to(ROOT)} {'FAILED' if messages else 'runs'}", flush=True)
        for message in messages:
            print(message, file=sys.stderr)
        failed += len(messages)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
