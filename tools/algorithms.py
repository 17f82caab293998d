# SPDX-License-Identifier: MIT
"""Fill the tables of ``docs/algorithms/*.md`` from the code and from the evidence.

Between ``<!-- settings: NAME -->`` and ``<!-- end -->`` stand the settings of an algorithm as the
code has them; between ``<!-- figures: WORD ... -->`` and ``<!-- end -->`` the figures of all
evidence whose name begins with one of the words. What a person wrote around them stays. With
``--check`` nothing is changed; it says which pages are not as they would be written.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from evidence import line  # the tools stand in one folder
from flyball.experiments import algorithms

ROOT = Path(__file__).parents[1]
NETWORK = ("net.hidden", "net.critic_hidden", "net.activation", "net.norm")
MARK = re.compile(r"<!-- (settings|figures): ([^>]*?) -->\n.*?<!-- end -->", re.DOTALL)


def settings(name: str) -> str:
    """Return the table of an algorithm's own settings, and the sizes of its networks."""
    rows = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    found = algorithms.settings(name)
    for each in [each for each in found if not each.key.startswith("net.")]:
        cells = (f"`{each.key}`", each.kind, each.default, each.sentence)
        rows.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    nets = [f"`{each.key}` {each.default}" for each in found if each.key in NETWORK]
    return "\n".join(rows) + f"\n\nNetworks, if nothing else is asked for: {', '.join(nets)}."


def figures(words: list[str], evidence: Path) -> str:
    """Return the table of all figures whose name begins with one of the words; losing ones stay."""
    rows = ["| figure | ours | peer | ratio | 95 % interval | n | target | met | note |"]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for path in sorted(evidence.glob("*learning*.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        rows += [line(row) for row in entry["rows"] if row["metric"].startswith(tuple(words))]
    return "\n".join(rows) if len(rows) > 2 else "No figure has been recorded yet."


def filled(text: str, evidence: Path) -> str:
    """Return a page with its tables as code and evidence have them now."""

    def table(match: re.Match[str]) -> str:
        kind, names = match[1], match[2]
        body = settings(names) if kind == "settings" else figures(names.split(), evidence)
        return f"<!-- {kind}: {names} -->\n{body}\n<!-- end -->"

    return MARK.sub(table, text)


def main(arguments: list[str]) -> int:
    """Fill the pages, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    stale = 0
    for path in sorted((ROOT / "docs" / "algorithms").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        wanted = filled(text, ROOT / "evidence")
        if wanted != text:
            stale += 1
            print(f"{path.relative_to(ROOT)}: {'out of date' if check else 'written'}")
            if not check:
                path.write_text(wanted, encoding="utf-8")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
