# SPDX-License-Identifier: MIT
"""Keep the results of long runs beside the command that made them.

``python tools/evidence.py`` lists every figure that misses its target or is out of date.
``python tools/evidence.py record NAME --rooms worlds/jobshop -- benchmarks/x.py --option`` runs the
command, takes the JSON lines it prints and writes ``evidence/NAME.json``. ``python
tools/evidence.py page`` writes ``docs/figures.md`` from all of them, so that no figure can stand
there without a run.
"""

import argparse
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from measuring.meaning import meaning  # noqa: E402  the benchmarks stand beside the tools

KEYS = frozenset(
    ("metric", "ours", "peer", "peer_name", "ratio", "low", "high", "n", "target", "met", "note")
)


def room_meaning(root: Path, room: str) -> str:
    """Return the hash of what a room, or one module of it, says and imports below `flyball`.

    Parameters
    ----------
    room
        Place below ``src/flyball``: ``worlds/jobshop``, ``learning/ppo``.
    """
    source = root / "src"
    place = source / "flyball" / room
    files = sorted(place.rglob("*.py")) or [place.with_suffix(".py")]
    names = [file.relative_to(source).with_suffix("").as_posix() for file in files]
    return meaning([name.removesuffix("/__init__").replace("/", ".") for name in names], source)


def rows(output: str) -> list[dict[str, Any]]:
    """Return the records among printed lines; every record must have exactly the agreed keys."""
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    for row in found:
        if row.keys() != KEYS:
            msg = f"{row.get('metric', row)}: keys differ by {sorted(row.keys() ^ KEYS)}"
            raise ValueError(msg)
    return found


def faults(root: Path, path: Path) -> list[str]:
    """Return one line for each figure of a file that misses its target or is out of date."""
    record = json.loads(path.read_text(encoding="utf-8"))
    lines = [
        f"{path.stem}: {row['metric']} is {row['ours']}, target {row['target']}; {row['note']}"
        for row in record["rows"]
        if row["met"] is False
    ]
    stale = [room for room, old in record["rooms"].items() if room_meaning(root, room) != old]
    if stale:
        lines.append(f"{path.stem}: {', '.join(stale)} changed since; run: {record['command']}")
    return lines


def said(command: list[str]) -> str:
    """Run a command in the project and return what it printed; its errors go to the terminal."""
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return ended.stdout


def processor() -> str:
    """Return the model and the number of cores of this machine."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {max(1, len(models))} cores"


def record(options: argparse.Namespace) -> None:
    """Run the command and write its figures."""
    hashes = {room: room_meaning(ROOT, room) for room in options.rooms}
    found = rows(said([sys.executable, *options.command]))
    changed = said(["/usr/bin/env", "git", "status", "--porcelain", "--", "src"])
    entry = {
        "command": " ".join(["python", *options.command]),
        "commit": said(["/usr/bin/env", "git", "rev-parse", "HEAD"]).strip()
        + ("+changes" if changed else ""),
        "seeds": options.seeds,
        "cpu": processor(),
        "threads": options.threads,
        "date": datetime.now(UTC).date().isoformat(),
        "rooms": hashes,
        "rows": found,
    }
    path = ROOT / "evidence" / f"{options.name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    print(f"evidence: {len(found)} figures in {path.relative_to(ROOT)}")


def page(paths: list[Path]) -> str:
    """Return the page of all figures in Markdown; losing ones stay."""
    parts = [
        "# Figures",
        "Made by `python tools/evidence.py page` from the files in `evidence/`, each of which was "
        "written by its command. An empty cell means that there is none.",
    ]
    for path in paths:
        entry = json.loads(path.read_text(encoding="utf-8"))
        seeds = ", ".join(str(seed) for seed in entry["seeds"]) or "none"
        parts.append(f"## {path.stem}")
        parts.append(
            f"`{entry['command']}` on {entry['date']}, commit `{entry['commit'][:10]}`, "
            f"{entry['cpu']}, threads {entry['threads']}, seeds {seeds}."
        )
        table = ["| figure | ours | peer | ratio | 95 % interval | n | target | met | note |"]
        table.append("|---|---|---|---|---|---|---|---|---|")
        table += [line(row) for row in entry["rows"]]
        parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n"


def line(row: dict[str, Any]) -> str:
    """Return one figure as a line of a Markdown table."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"

    peer = f"{number(row['peer'])} ({row['peer_name']})" if row["peer_name"] else ""
    interval = "" if row["low"] is None else f"{number(row['low'])} to {number(row['high'])}"
    met = {None: "", True: "yes", False: "**no**"}[row["met"]]
    cells = (
        row["metric"], number(row["ours"]), peer, number(row["ratio"]), interval,
        str(row["n"]), number(row["target"]), met, row["note"],
    )  # fmt: skip
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def main(arguments: list[str]) -> int:
    """List the faults, or record a command; a missed target is a fact, not a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    verb = parser.add_subparsers(dest="verb")
    recording = verb.add_parser("record", help="run a command and keep its figures")
    recording.add_argument("name")
    recording.add_argument("--rooms", nargs="+", required=True)
    recording.add_argument("--seeds", nargs="*", type=int, default=[])
    recording.add_argument("--threads", type=int, default=1)
    recording.add_argument("command", nargs="+")
    verb.add_parser("page", help="write docs/figures.md")
    options = parser.parse_args(arguments)
    if options.verb == "record":
        record(options)
        return 0
    paths = sorted((ROOT / "evidence").glob("*.json"))
    if options.verb == "page":
        (ROOT / "docs" / "figures.md").write_text(page(paths), encoding="utf-8")
        return 0
    lines = [line for path in paths for line in faults(ROOT, path)]
    print("\n".join([*lines, f"evidence: {len(paths)} files, {len(lines)} lines to look at"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
