# SPDX-License-Identifier: MIT
"""The hot path over HTTP: raw ASGI and msgspec, before the application that does the rest.

Whoever has no key gets 401, whoever may not 403, a body that is too long 413, too many requests
429, a request that cannot be one 422, an id that was used for something else 409. The body of a
refusal lists its problems in five parts. Nothing a client sends makes a 5xx.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from flyball.core.decision import Outcome, Reply, Request
from flyball.core.errors import FlyballError, RunError
from flyball.releases import Role
from flyball.serving.door import Door, Refused, refusal
from flyball.serving.log import LogConflictError
from flyball.serving.server import Server, UsedError

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


class Hot:
    """Decisions and outcomes; everything else goes to the application behind.

    Parameters
    ----------
    server
        Decides.
    door
        Says who may.
    behind
        The application for all other paths.
    max_body_bytes
        Of one request.
    """

    def __init__(
        self, server: Server, door: Door, behind: App, *, max_body_bytes: int = 1 << 20
    ) -> None:
        self._server, self._door, self._behind, self._most = server, door, behind, max_body_bytes
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
            self._door.admit(dict(scope["headers"]), Role.OPERATOR)
            body = await read(receive, self._most)
            status, answer = 200, own(body)
        except Refused as refused:
            status, answer = refused.status, {"problems": refused.problems}
        content = self._encoder.encode(answer)
        length = (b"content-length", str(len(content)).encode())
        headers = [JSON, length, *SECURITY]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _decide(self, body: bytes) -> Reply:
        request = decoded(self._request, body)
        try:
            return self._server.decide(request)
        except (UsedError, LogConflictError) as error:
            raise Refused(409, *error.problems) from error
        except RunError as error:
            raise Refused(422, *error.problems) from error

    def _outcome(self, body: bytes) -> dict[str, int]:
        outcomes = decoded(self._outcomes, body)
        try:
            return {"kept": sum(self._server.learn(outcome) for outcome in outcomes)}
        except LogConflictError as error:
            raise Refused(409, *error.problems) from error
        except FlyballError as error:
            raise Refused(422, *error.problems) from error


async def read(receive: Receive, most: int) -> bytes:
    """Return a request's body; raise Refused where it is longer than `most` bytes."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, refusal("body", "a connection that ended", "a whole body", "retry"))
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            fix = "send less at once"
            raise Refused(413, refusal("body", f"over {most} bytes", f"{most} bytes", fix))
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
            422, refusal("body", str(error)[:200], "JSON as the API says", fix)
        ) from error
