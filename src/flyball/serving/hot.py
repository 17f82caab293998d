# SPDX-License-Identifier: MIT
"""The hot path over HTTP: raw ASGI and msgspec, before the application that does the rest.

Whoever has no key gets 401, whoever may not 403, a body that is too long 413, too many requests
429, a request that cannot be one 422, an id that was used for something else 409. The body of a
refusal lists its problems in five parts. Nothing a client sends makes a 5xx.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from flyball.core.clock import Clock
from flyball.core.decision import Outcome, Reply, Request
from flyball.core.errors import FlyballError, Problem, RunError
from flyball.releases import Person, Role
from flyball.serving.access import Access
from flyball.serving.log import LogConflictError
from flyball.serving.rate import Rate
from flyball.serving.server import Server

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = (b"content-type", b"application/json")
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""Headers of every answer."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than 200."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(status)
        self.status, self.problems = status, problems


class Hot:
    """Decisions and outcomes; everything else goes to the application behind.

    Parameters
    ----------
    server
        Decides.
    access
        Says who asks.
    behind
        The application for all other paths.
    clock
        For the rate of requests.
    max_body_bytes
        Of one request.
    max_requests_per_s
        Of one key.
    """

    def __init__(
        self,
        server: Server,
        access: Access,
        behind: App,
        *,
        clock: Clock,
        max_body_bytes: int = 1 << 20,
        max_requests_per_s: float = 5_000.0,
    ) -> None:
        self._server, self._access, self._behind = server, access, behind
        self._most, self._rate = max_body_bytes, Rate(max_requests_per_s, clock)
        self._request = msgspec.json.Decoder(Request)
        self._outcomes = msgspec.json.Decoder(list[Outcome])
        self._encoder = msgspec.json.Encoder()
        self._paths: Mapping[str, Callable[[bytes], Any]] = {
            "/v1/decide": self._decide,
            "/v1/outcomes": self._outcome,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        own = self._paths.get(scope["path"]) if scope["type"] == "http" else None
        if own is None or scope["method"] != "POST":
            await self._behind(scope, receive, send)
            return
        try:
            self.allowed(dict(scope["headers"]), Role.OPERATOR)
            body = await read(receive, self._most)
            status, answer = 200, own(body)
        except Refused as refused:
            status, answer = refused.status, {"problems": refused.problems}
        content = self._encoder.encode(answer)
        length = (b"content-length", str(len(content)).encode())
        headers = [JSON, length, *SECURITY]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def allowed(self, headers: Mapping[bytes, bytes], role: Role) -> Person:
        """Return who asks; raise Refused where nobody known, not enough, or too often."""
        person = self._access.person(headers)
        if person is None:
            fix = "send a key as 'authorization: bearer ...'; flyball keys makes one"
            raise Refused(401, _problem("authorization", "no key that is known", "a key", fix))
        if person.role < role:
            found = f"{person.name}, {person.role.name.lower()}"
            fix = "ask for a key with this role"
            raise Refused(403, _problem("role", found, f"{role.name.lower()} or above", fix))
        if not self._rate.admits(person.name):
            fix = "send less often; the plant's own fallback goes on"
            raise Refused(429, _problem("rate", "too many requests", "as the settings say", fix))
        return person

    def _decide(self, body: bytes) -> Reply:
        request = decoded(self._request, body)
        try:
            return self._server.decide(request)
        except LogConflictError as error:
            raise Refused(409, *error.problems) from error
        except RunError as error:
            raise Refused(422, *error.problems) from error

    def _outcome(self, body: bytes) -> dict[str, int]:
        outcomes = decoded(self._outcomes, body)
        try:
            return {"kept": sum(self._server.learn(outcome) for outcome in outcomes)}
        except FlyballError as error:
            raise Refused(422, *error.problems) from error


async def read(receive: Receive, most: int) -> bytes:
    """Return a request's body; raise Refused where it is longer than `most` bytes."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, _problem("body", "a connection that ended", "a whole body", "retry"))
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            fix = "send less at once"
            raise Refused(413, _problem("body", f"over {most} bytes", f"{most} bytes", fix))
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def decoded(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Return what a body says; raise Refused where it is something else."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        fix = "see /v1/spec and the document at /openapi.json"
        raise Refused(
            422, _problem("body", str(error)[:200], "JSON as the API says", fix)
        ) from error


def _problem(where: str, found: str, allowed: str, fix: str) -> Problem:
    return Problem(where=where, found=found, allowed=allowed, fix=fix)
