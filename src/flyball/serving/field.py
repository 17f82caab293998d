# SPDX-License-Identifier: MIT
"""Keeps the line-up of a server as the registry says, and never leaves it worse than it is.

The generation of the registry is asked for every `poll_s`. When it has risen, whoever is new is
loaded, admitted and tried before the field is swapped. What cannot be loaded does not take the
field: a challenger is missing, a champion is replaced by what came before it or by the baseline.
A registry that does not answer changes nothing.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flyball import releases
from flyball.core.errors import FlyballError
from flyball.serving.lineup import Lineup
from flyball.serving.pilot import Baseline, Learned, Pilot
from flyball.serving.server import Notice, Server

RULE = "rule:"
"""How the name of a target begins that is a rule of the plant's own."""


class Field:
    """The field of one server.

    Parameters
    ----------
    server
        Whose line-up is kept.
    registry
        What says who sits where.
    vault
        Where releases are.
    trust
        Folder of public keys: whose releases are believed. It is read at every load.
    notice
        Told of what cannot be loaded, and of a registry that is lost and found.
    """

    def __init__(
        self,
        server: Server,
        registry: releases.Registry,
        vault: releases.Vault,
        trust: Path,
        notice: Notice,
    ) -> None:
        self._server, self._registry, self._vault = server, registry, vault
        self._trust, self._notice = trust, notice
        self._pilots: dict[str, Pilot] = {}
        self._lost = ""
        self._ended = threading.Event()
        self.generation = -1

    def refresh(self) -> bool:
        """Swap the field if the registry has changed; return whether it had."""
        try:
            generation = self._registry.generation()
            if generation == self.generation:
                changed = False
            else:
                staging = self._registry.staging(self._server.site.name)
                self._swap(staging, generation)
                changed = True
        except FlyballError as error:
            if not self._lost:
                self._notice("registry lost", {"why": str(error)})
            self._lost = str(error)
            return False
        if self._lost:
            self._notice("registry found", {})
        self._lost = ""
        return changed

    def _swap(self, staging: Any, generation: int) -> None:
        seats, shares = staging.seats, staging.shares
        fallback = self._server.fallback
        champion = next(
            (
                pilot
                for target in (seats.champion, seats.previous, seats.baseline)
                if target and (pilot := self._pilot(target)) is not None
            ),
            fallback,
        )
        known = [(self._pilot(target), target) for target in staging.challengers]
        on = [(pilot, shares.get(target, 0.0)) for pilot, target in known if pilot is not None]
        lineup = Lineup(
            fallback=fallback,
            champion=champion,
            challengers=tuple(pilot for pilot, _ in on),
            shares=tuple(share for _, share in on),
            stage=str(staging.stage) if staging.stage != "none" else "",
            number=staging.number,
            salt=staging.salt,
            whole=staging.config.switchback,
            generation=generation,
        )
        self._server.install(lineup)
        self.generation = generation
        left = {pilot.name for pilot in lineup.pilots.values()} | {seats.previous}
        self._pilots = {name: pilot for name, pilot in self._pilots.items() if name in left}

    def _pilot(self, target: str) -> Pilot | None:
        """Return a target ready to act; None where it cannot be, which is told."""
        if target in self._pilots:
            return self._pilots[target]
        try:
            pilot = self._loaded(target)
        except FlyballError as error:
            self._notice("cannot be loaded", {"target": target, "why": str(error)})
            return None
        self._pilots[target] = pilot
        return pilot

    def _loaded(self, target: str) -> Pilot:
        site = self._server.site
        if target.startswith(RULE):
            name = target.removeprefix(RULE)
            if name == site.fallback_name:
                return self._server.fallback
            if name not in site.rules:
                raise releases.refusals.MissingError(
                    releases.refusals.problem(
                        f"rule {name}", "none of the plant's", ", ".join(site.rules), "choose one"
                    )
                )
            return Baseline(target, site.rules[name], site.spec)
        trust = releases.signing.Trust.read(self._trust)
        admitted = releases.admit(target, self._vault, trust, releases.Expected(spec=site.spec))
        memory = int(admitted.policy.manifest.identity["memory"])
        graph = self._vault.get(target).files["policy.onnx"]
        return Learned(target, graph, site.spec, memory)

    def watch(self, poll_s: float) -> threading.Thread:
        """Refresh for ever in a thread of its own."""

        def run() -> None:
            while not self._ended.wait(poll_s):
                self.refresh()

        thread = threading.Thread(target=run, name="field", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()

    def facts(self) -> Mapping[str, Any]:
        """Return what is on the field, for whoever asks."""
        lineup = self._server.lineup
        return {
            "generation": self.generation,
            "registry": self._lost or "answers",
            "stage": lineup.stage,
            "control": lineup.champion.name,
            "field": {str(arm): pilot.name for arm, pilot in lineup.pilots.items()},
        }
