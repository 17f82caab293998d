# SPDX-License-Identifier: MIT
"""Begins servers, loads them, kills them, and looks at what is left."""

import contextlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from flyball import serving
from flyball.core.clock import SystemClock
from flyball.core.errors import FlyballError
from killing.plant import STEP_S, allowed

LINES, UNITS = 8, 8
LATELY = 2000
"""Requests that are remembered, to be sent again."""

SAMPLE = 5
"""Acknowledged decisions that are asked for again after each kill."""


class Orchestra:
    """One folder, and the servers that come and go in it.

    Parameters
    ----------
    plant
        What is served.
    folder
        Kept from kill to kill.
    mode
        decisions, checkpoints, rollbacks or full.
    draws
        When to kill.
    """

    def __init__(self, plant: serving.Site, folder: Path, mode: str, draws: random.Random) -> None:
        self._plant, self._folder, self._mode, self._draws = plant, folder, mode, draws
        self._socket = folder / "socket"
        self._key = serving.Keys(folder / "keys.json").add(
            "client", serving.role_of("admin"), SystemClock()
        )
        self._ledger: dict[str, list[float]] = {}
        self._asked: dict[str, bytes] = {}
        self._n = 0
        self._found: Counter[str] = Counter()

    def play(self, kills: int) -> Counter[str]:
        """Kill so many servers and return what was counted."""
        for k in range(kills):
            server = self._begin()
            try:
                self._ask_again()
                self._load(server, 0.01 + self._draws.expovariate(8.0), first=k == 0)
            finally:
                _end(server)
            print(f"\r{self._mode}: {k + 1} of {kills} kills", end="", file=sys.stderr)
        print(file=sys.stderr)
        self._look()
        self._found["kills"] = kills
        self._found["acknowledged"] = len(self._ledger)
        return self._found

    def _begin(self) -> int:
        """Fork a server and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            try:
                self._serve()
            finally:
                os._exit(1)
        for _ in range(2000):
            try:
                _line(self._socket).close()
            except OSError:
                time.sleep(0.005)
            else:
                return child
        msg = "a server did not begin within 10 s"
        raise TimeoutError(msg)

    def _serve(self) -> None:
        import uvicorn

        if self._mode == "full":
            size = max(path.stat().st_size for path in self._folder.iterdir())
            most = size + self._draws.randrange(200_000, 600_000)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        log = serving.LogSettings(
            durability="process",
            checkpoint_bytes=1 << 14 if self._mode == "checkpoints" else 4 << 20,
        )
        station = serving.Station(self._plant, serving.settings(folder=self._folder), log=log)
        station.start()
        uvicorn.run(
            serving.application(station),
            uds=str(self._socket),
            access_log=False,
            log_level="critical",
        )

    def _load(self, server: int, lasts_s: float, *, first: bool) -> None:
        """Ask on several lines until the server is killed."""
        lines = [_line(self._socket) for _ in range(LINES)]
        if first:
            self._release(lines[0])
        killer = subprocess.Popen(["/bin/sh", "-c", f"sleep {lasts_s:.3f}; kill -9 {server}"])  # noqa: S603
        under_way: list[str] = []
        try:
            while True:
                under_way = [self._send(line) for line in lines]
                if self._mode == "rollbacks":
                    _post(lines[0], "/v1/stage", self._key, b'{"deed":"roll_back","why":"drill"}')
                for line, name in zip(lines, under_way, strict=True):
                    self._note(name, _reply(line))
                if self._mode == "rollbacks":
                    _reply(lines[0])
        except OSError:
            pass
        killer.wait()
        for line in lines:
            line.close()

    def _release(self, line: socket.socket) -> None:
        for path in ("/v1/stop/clear", "/v1/stop/release"):
            for unit in range(UNITS):
                name = self._send(line, unit)
                self._note(name, _reply(line))
            body = json.dumps({"request": path}).encode()
            _post(line, path, self._key, body)
            _reply(line)

    def _send(self, line: socket.socket, unit: int | None = None) -> str:
        self._n += 1
        name = f"d{self._n}"
        own = self._n % UNITS if unit is None else unit
        request = {
            "decision_id": name,
            "unit": f"u{own}",
            "at_s": self._n * STEP_S,
            "obs": [1.5, 1.5, 1.5, 1.5],
            "signals": [1.5, 1.5],
        }
        self._asked[name] = json.dumps(request).encode()
        _post(line, "/v1/decide", self._key, self._asked[name])
        return name

    def _note(self, name: str, answer: tuple[int, bytes]) -> None:
        """Write an answer into the ledger; without a record nothing was promised."""
        status, body = answer
        reply = json.loads(body)
        if status != 200:
            self._found["refused"] += 1
            return
        self._found["unsafe"] += not allowed(self._plant, reply["value"])
        if reply["record"] or reply["repeated"]:
            before = self._ledger.setdefault(name, reply["value"])
            self._found["differing"] += before != reply["value"]
        else:
            self._found["unkept"] += 1

    def _ask_again(self) -> None:
        """Ask again for what was under way, and for some of what was acknowledged."""
        open_ = [name for name in self._asked if name not in self._ledger]
        known = [name for name in self._asked if name in self._ledger]
        some = self._draws.sample(known, min(SAMPLE, len(known)))
        line = _line(self._socket)
        for name in (*open_, *some):
            _post(line, "/v1/decide", self._key, self._asked[name])
            status, body = _reply(line)
            if status == 200:
                self._note(name, (status, body))
                self._found["again"] += 1
        line.close()
        for name in list(self._asked)[:-LATELY]:
            del self._asked[name]

    def _look(self) -> None:
        """Read the log from its first record and hold the ledger beside it."""
        log = serving.open_log(self._folder / "decisions.db")
        held: dict[str, list[float]] = {}
        try:
            for record in log.records():
                if record["kind"] == "decision":
                    self._found["differing"] += record["decision_id"] in held
                    held[record["decision_id"]] = [float(x) for x in record["applied"]]
        except FlyballError as error:
            print(error, file=sys.stderr)
            self._found["broken"] += 1
        log.close()
        for name, value in self._ledger.items():
            self._found["lost"] += name not in held
            self._found["differing"] += held.get(name, value) != value


def _end(server: int) -> None:
    """Make sure that a server is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)


def _line(path: Path) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(20.0)
    line.connect(str(path))
    return line


def _post(line: socket.socket, path: str, key: str, body: bytes) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: plant\r\nauthorization: bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    line.sendall(head.encode() + body)


def _reply(line: socket.socket) -> tuple[int, bytes]:
    """Return status and body; raise OSError where the line ended before them."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += _more(line)
    head, _, body = content.partition(b"\r\n\r\n")
    length = next(_lengths(head))
    while len(body) < length:
        body += _more(line)
    return int(head[9:12]), body


def _more(line: socket.socket) -> bytes:
    part = line.recv(1 << 16)
    if not part:
        msg = "the line ended"
        raise ConnectionResetError(msg)
    return part


def _lengths(head: bytes) -> Iterator[int]:
    for entry in head.lower().split(b"\r\n"):
        if entry.startswith(b"content-length:"):
            yield int(entry.split(b":")[1])
