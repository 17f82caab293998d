# SPDX-License-Identifier: MIT
"""All that one process serves: a plant's server, its log, its field, its controller, its keys."""

import secrets
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from flyball import releases
from flyball.core.clock import Clock, SystemClock
from flyball.core.errors import FlyballError
from flyball.serving.access import Access, Keys, Tokens
from flyball.serving.controller import Controller, ControllerConfig
from flyball.serving.door import Door
from flyball.serving.field import Field
from flyball.serving.guards import GuardConfig
from flyball.serving.log import LogSettings, open_log
from flyball.serving.server import Server, ServerConfig
from flyball.serving.settings import Settings
from flyball.serving.site import Site

FLAG = "STOP"
"""File in the folder that stops the plant while it lies there."""

ITSELF = "station"
"""Who does what a station does by itself, in the audit."""


class Event(NamedTuple):
    """Something that people should know."""

    at: str  # ISO 8601, UTC
    kind: str
    facts: Mapping[str, Any]


class Station:
    """Opens everything in the folder of the settings, and closes it again.

    Raises
    ------
    FlyballError
        Where the log or the registry cannot be opened.
    """

    def __init__(
        self,
        site: Site,
        settings: Settings,
        clock: Clock | None = None,
        log: LogSettings | None = None,
    ) -> None:
        self.site, self.settings, self.clock = site, settings, clock or SystemClock()
        folder = settings.folder
        folder.mkdir(0o700, parents=True, exist_ok=True)
        (folder / "trust").mkdir(exist_ok=True)
        self.events: deque[Event] = deque(maxlen=1000)
        own = log or LogSettings(durability=settings.durability)
        self.log = open_log(folder / "decisions.db", own)
        where = settings.database.get_secret_value() or folder / "registry.db"
        self.registry = releases.Registry.open(where, self.clock)
        self.vault = releases.Vault(folder / "vault")
        self.server = Server(
            site, self.log, clock=self.clock, config=_server(settings), notice=self.notice
        )
        self.field = Field(self.server, self.registry, self.vault, folder / "trust", self.notice)
        self.controller = Controller(
            site, self.log, self.registry, self.notice, ControllerConfig(holder=_holder())
        )
        self.keys = Keys(folder / "keys.json")
        access = Access(keys=self.keys, clock=self.clock, tokens=_tokens(settings))
        self.door = Door(access, self.clock, settings.max_requests_per_s)
        self._ended = threading.Event()
        self._owed: deque[str] = deque()
        self._fault, self._tended = "", self.clock.now().date()
        self._set_up()
        self.field.refresh()
        self.server.warm()

    def _set_up(self) -> None:
        """Put the fallback in control of a plant that nobody has set up."""
        me = releases.Person(ITSELF, releases.Role.ENGINEER)
        self.registry.set_up(self.site.name, self.site.fallback_name, by=me)

    def notice(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Remember an event; who left the field is rolled back in the registry, soon."""
        self.events.append(Event(self.clock.now().isoformat(timespec="milliseconds"), kind, facts))
        if kind == "off the field":
            self._owed.append(f"{facts['policy'][:12]}: {facts['why']}")

    def start(self) -> None:
        """Watch the registry and judge, in a thread."""
        threading.Thread(target=self._run, name="station", daemon=True).start()

    def _run(self) -> None:
        while not self._ended.wait(self.settings.poll_s):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - without it nobody heeds the file any more
                self.notice("station stumbled", {"why": f"{type(error).__name__}: {error}"})

    def look(self) -> None:
        """Do once what is done all the time: settle debts, judge, refresh the field."""
        self._heed_flag()
        try:
            while self._owed:
                self._roll_back(self._owed[0])
                self._owed.popleft()
            self.controller.look(self.clock.now().timestamp())
        except FlyballError as error:
            self.notice("controller waits", {"why": str(error)})
        self.field.refresh()
        self._tend()

    def _tend(self) -> None:
        """Drop what is too old from the log once a day, and tell of its faults."""
        now = self.clock.now()
        if self.log.fault != self._fault:
            self._fault = self.log.fault
            if self._fault:
                self.notice("log fault", {"why": self._fault})
        if now.date() != self._tended:
            self._tended = now.date()
            try:
                self.log.retain(now.timestamp())
            except FlyballError as error:
                self.notice("log fault", {"why": str(error)})

    def _heed_flag(self) -> None:
        """Stop the plant while a file of that name lies in the folder."""
        flag = self.settings.folder / FLAG
        if flag.exists() and self.server.stop.mode == "running":
            self.server.stop.trip(f"the file {flag} is there", self.clock.now().timestamp())
            self.notice("stop", {"by": "a file", "reason": str(flag)})

    def _roll_back(self, why: str) -> None:
        """Tell the registry of a hard guard, which has acted already."""
        me = releases.Person(ITSELF, releases.Role.OPERATOR)
        command = releases.staging.Command(deed="roll_back", automatic=True, why=why)
        try:
            self.registry.stage(self.site.name, command, me)
        except releases.refusals.RefusedError as error:
            self.notice("refused", {"deed": "roll back", "why": str(error)})

    def close(self) -> None:
        """Let go of everything."""
        self._ended.set()
        self.field.close()
        self.log.close()
        self.registry.close()


def _holder() -> str:
    """Return a name that no other process has: servers of one registry share no lease."""
    return f"{ITSELF} {secrets.token_hex(4)}"


def _server(settings: Settings) -> ServerConfig:
    guards = GuardConfig(strikes=settings.strikes, window_s=settings.window_s)
    return ServerConfig(deadline_s=settings.deadline_s, guards=guards, max_units=settings.max_units)


def _tokens(settings: Settings) -> Tokens | None:
    if not settings.token_issuer:
        return None
    return Tokens(
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        public_key=settings.token_public_key,
    )
