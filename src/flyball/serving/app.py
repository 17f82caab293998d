# SPDX-License-Identifier: MIT
"""The application behind the hot path: who is in control, releases, stages, stop, log, audit."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, FastAPI, Query
from fastapi import Request as Asked
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from flyball import __version__, releases
from flyball.core.errors import FlyballError, Problem
from flyball.releases import Person, Role
from flyball.serving.door import Refused, refusal
from flyball.serving.hot import SECURITY, Hot
from flyball.serving.metrics import exposition
from flyball.serving.station import Station

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Words = Annotated[str, Field(min_length=1, max_length=1000)]


class Body(BaseModel):
    """What a request says; a name that is unknown is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StopAsked(Body):
    """Why the plant must stop."""

    reason: Words


class StepBack(Body):
    """One of the two steps back from a stop; each is a request of its own."""

    request: Name


class Deed(Body):
    """What somebody wants of the staged comparison."""

    deed: Literal["begin", "advance", "promote", "roll_back", "pause", "resume", "retire"]
    why: Words
    challenger: Annotated[str, Field(max_length=64)] = ""
    second: Annotated[str, Field(max_length=64)] = ""
    generation: int | None = None


def application(station: Station) -> Hot:
    """Return the ASGI application of a station: hot path first."""
    app = FastAPI(title="Flyball", version=__version__, docs_url=None, redoc_url=None)
    _errors(app)
    for part in (_health, _plant, _stop, _releases, _decisions):
        part(app, station)
    return Hot(station.server, station.door, app, max_body_bytes=station.settings.max_body_bytes)


def _answer(content: Any, status: int = 200) -> Response:
    body = msgspec.json.encode(content, enc_hook=str)
    headers = {name.decode(): value.decode() for name, value in SECURITY}
    return Response(body, status, headers, media_type="application/json")


def _errors(app: FastAPI) -> None:
    def problems(status: int, found: tuple[Problem, ...]) -> Response:
        return _answer({"problems": found}, status)

    @app.exception_handler(Refused)
    async def refused(_: Asked, error: Refused) -> Response:
        return problems(error.status, error.problems)

    @app.exception_handler(FlyballError)
    async def flyball(_: Asked, error: FlyballError) -> Response:
        return problems(_status(error), error.problems)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Asked, error: RequestValidationError) -> Response:
        found = [
            refusal(
                ".".join(map(str, each["loc"])),
                repr(each.get("input"))[:80],
                each["msg"],
                "see /openapi.json",
            )
            for each in error.errors()
        ]
        return problems(422, tuple(found))


def _status(error: FlyballError) -> int:
    refusals = releases.refusals
    kinds = {
        refusals.MissingError: 404,
        refusals.ConflictError: 409,
        refusals.RefusedError: 403,
        refusals.StoreError: 503,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), 422)


def _who(station: Station, role: Role) -> Any:
    """Return a dependency that admits persons of a role or above."""

    def admit(asked: Asked) -> Person:
        return station.door.admit(dict(asked.scope["headers"]), role)

    return Depends(admit)


def _health(app: FastAPI, station: Station) -> None:
    @app.get("/v2/health/live")
    def live() -> Response:
        """Whether the process answers."""
        return _answer({"live": True})

    @app.get("/v2/health/ready")
    def ready() -> Response:
        """Whether decisions can be made and kept."""
        good = not station.server.lost and station.field.generation >= 0
        return _answer({"ready": good}, 200 if good else 503)

    @app.get("/metrics", dependencies=[_who(station, Role.VIEWER)])
    def metrics() -> Response:
        """Figures for Prometheus."""
        return PlainTextResponse(exposition(station), media_type="text/plain; version=0.0.4")


def _plant(app: FastAPI, station: Station) -> None:
    viewer = _who(station, Role.VIEWER)

    @app.get("/v1/spec", dependencies=[viewer])
    def spec() -> Response:
        """Names, units and ranges of everything that a request holds, in order."""
        own = station.site.spec
        return _answer({"hash": station.server.spec_hash, "spec": asdict(own)})

    @app.get("/v1/limits", dependencies=[viewer])
    def limits() -> Response:
        """Say in words which limits hold."""
        site = station.site
        own = site.envelope.limits if site.limits is None else site.limits
        said = [{"name": x.name, "severity": x.severity, "words": x.explain()} for x in own]
        return _answer({"limits": said})

    def status() -> Response:
        """Who is in control, whether the plant is stopped, and what people should know."""
        server = station.server
        stop = {"mode": str(server.stop.mode), "reasons": list(server.stop.reasons)}
        return _answer(
            {
                "plant": station.site.name,
                "version": __version__,
                **station.field.facts(),
                "stop": stop,
                "log": server.lost or "keeps everything",
                "struck": server.struck,
                "units": server.units(),
                "events": [event._asdict() for event in list(station.events)[-50:]],
            }
        )

    for path in ("/v1/status", "/control/status"):
        app.get(path, dependencies=[viewer])(status)


def _stop(app: FastAPI, station: Station) -> None:
    stop, clock = station.server.stop, station.clock

    def state() -> Response:
        return _answer({"mode": str(stop.mode), "reasons": list(stop.reasons)})

    @app.post("/v1/stop")
    def trip(asked: StopAsked, who: Annotated[Person, _who(station, Role.OPERATOR)]) -> Response:
        """Stop the plant, now."""
        stop.trip(f"{who.name}: {asked.reason}", clock.now().timestamp())
        station.notice("stop", {"by": who.name, "reason": asked.reason})
        return state()

    @app.post("/v1/stop/clear")
    def clear(asked: StepBack, who: Annotated[Person, _who(station, Role.OPERATOR)]) -> Response:
        """Take the first step back: the cause is gone."""
        stop.clear(who.name, asked.request, clock.now().timestamp())
        return state()

    @app.post("/v1/stop/release")
    def release(asked: StepBack, who: Annotated[Person, _who(station, Role.OPERATOR)]) -> Response:
        """Take the second step back: let the plant run."""
        stop.release(who.name, asked.request, clock.now().timestamp())
        return state()


def _releases(app: FastAPI, station: Station) -> None:
    viewer, plant = _who(station, Role.VIEWER), station.site.name
    registry = station.registry

    @app.get("/v1/releases", dependencies=[viewer])
    def listed(
        text: Annotated[str, Query(max_length=100)] = "",
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """List releases, newest first."""
        page = registry.releases(text=text, after=after, limit=limit)
        return _answer(page._asdict() | {"entries": [entry._asdict() for entry in page.entries]})

    @app.get("/v1/releases/{digest}", dependencies=[viewer])
    def one(digest: str) -> Response:
        """Show the manifest of a release."""
        manifest = msgspec.json.decode(registry.manifest(digest))
        return _answer({"release": registry.get(digest)._asdict(), "manifest": manifest})

    @app.get("/v1/stage", dependencies=[viewer])
    def stage() -> Response:
        """Where the staged comparison stands, and what the blocks say now."""
        staging = registry.staging(plant)
        path = registry.paths.page(plant, staging.number)
        said = path[-1] if path else None
        return _answer({"staging": _plain(staging), "verdict": said, "path": path[-200:]})

    @app.post("/v1/stage")
    def act(asked: Deed, who: Annotated[Person, _who(station, Role.OPERATOR)]) -> Response:
        """Begin, advance, promote, roll back, pause, resume or retire."""
        staging = registry.staging(plant)
        now_s = station.clock.now().timestamp()
        judged = str(staging.stage) == "canary" and station.site.plan is not None
        command = releases.staging.Command(
            deed=asked.deed,
            challenger=asked.challenger,
            challenger_b=asked.second,
            verdict=station.controller.verdict(staging.number, now_s) if judged else None,
            why=asked.why,
        )
        after = registry.stage(plant, command, who, generation=asked.generation)
        station.field.refresh()
        return _answer({"staging": _plain(after)})

    @app.get("/v1/audit", dependencies=[viewer])
    def audit(after: int = -1, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        """Every change, who made it and why, in the order of its chain."""
        page = registry.events.page(plant="", after=after, limit=limit)
        return _answer({"events": [event._asdict() for event in page]})


def _plain(staging: Any) -> Mapping[str, Any]:
    own = asdict(staging)
    return own | {"shares": dict(staging.shares), "control": staging.control}


def _decisions(app: FastAPI, station: Station) -> None:
    viewer = _who(station, Role.VIEWER)

    @app.get("/v1/decisions/{decision_id}", dependencies=[viewer])
    def one(decision_id: str) -> Response:
        """Show what was seen, proposed and applied in a decision, and why."""
        found = station.log.find(decision_id)
        if found is None:
            fix = "ask by the id that the plant gave it; old ones are dropped"
            raise Refused(404, refusal("decision", decision_id[:128], "one that was made", fix))
        return _answer(found)

    @app.get("/v1/decisions", dependencies=[viewer])
    def listed(
        unit: str, since_s: float = -math.inf, limit: Annotated[int, Query(ge=1, le=1000)] = 50
    ) -> Response:
        """Decisions of a unit since a time of the plant, oldest first."""
        page = station.log.page(unit, since_s, most=limit)
        return _answer({"decisions": page.records, "more": page.place is not None})
