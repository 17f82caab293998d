# SPDX-License-Identifier: MIT
"""A station of the small plant behind its API, called without a network."""

import httpx

from flyball.releases import Role
from flyball.serving.app import application
from flyball.serving.settings import settings
from flyball.serving.station import Station
from tests.serving.stand import Stand


class Called:
    """A client for each role, and the station that answers."""

    def __init__(self, folder, **own):
        self.stand = Stand()
        self.station = Station(self.stand.site, settings(folder=folder / "serving", **own))
        self.app = application(self.station)
        self.keys = {
            role.name.lower(): self.station.keys.add(role.name.lower(), role, self.station.clock)
            for role in Role
        }

    def client(self, key=""):
        headers = {"authorization": f"bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://plant", headers=headers)

    async def ask(self, role, method, path, **parts):
        """Return status and answer of one request by a person of a role; '' has no key."""
        async with self.client(self.keys.get(role, "")) as client:
            found = await client.request(method, path, **parts)
        return found.status_code, found.json() if "json" in found.headers["content-type"] else found

    def request(self, n, **parts):
        given = {"decision_id": f"d{n}", "unit": "u1", "at_s": float(n)}
        return {**given, "obs": [0.5], "signals": [0.5], **parts}

    async def decide(self, n, role="operator", **parts):
        return await self.ask(role, "POST", "/v1/decide", json=self.request(n, **parts))

    async def release(self):
        """Let the plant run, in the two steps that it takes."""
        await self.decide(1)
        await self.ask("operator", "POST", "/v1/stop/clear", json={"request": "a"})
        await self.decide(2)
        return await self.ask("operator", "POST", "/v1/stop/release", json={"request": "b"})
