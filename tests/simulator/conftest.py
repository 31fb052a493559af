"""A running simulator and a plain client for it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from rokuon.simulator import Simulator, Switches, WorldSpec

NOW = 1_790_000_000_000
DAY = 86_400_000


@dataclass
class Reply:
    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """Asks sim with the key (or another one) and follows no redirect unless told."""

    sim: Simulator
    session: aiohttp.ClientSession

    async def get(self, path: str, key: str | None = "", follow: bool = False, **params: Any) -> Reply:
        return await self.ask("GET", path, key, follow, params)

    async def ask(
        self,
        method: str,
        path: str,
        key: str | None = "",
        follow: bool = False,
        params: Any = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        url = path if path.startswith("http") else self.sim.base_url + (path if path[0] == "/" else f"/api/v2/{path}")
        headers = dict(headers or {})
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.sim.key}"
        async with self.session.request(method, url, params=params or {}, json=body, headers=headers, allow_redirects=follow) as r:
            return Reply(r.status, await r.read(), r.headers)

    async def calls(self, **params: Any) -> list[dict[str, Any]]:
        """Every call of the listing, page by page, with the cursor passed back."""
        found: list[dict[str, Any]] = []
        params.setdefault("limit", 50)
        for _ in range(1000):
            reply = await self.get("call", **params)
            assert reply.status == 200, reply.body
            found += reply.json.get("items") or []
            if not reply.json.get("cursor"):
                return found
            params["cursor"] = reply.json["cursor"]
        raise AssertionError("the listing has no end")


Start = Callable[..., Awaitable[Api]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """await start(switch=value, spec=WorldSpec(...)) gives an Api; per-second limits are off unless a test sets them."""
    async with AsyncExitStack() as stack:

        async def begin(spec: WorldSpec | None = None, faults: Any = None, **switches: Any) -> Api:
            switches.setdefault("limit_per_second", 0)
            sim = await stack.enter_async_context(
                Simulator(spec or WorldSpec(now_ms=NOW, recordings=120, days=200), Switches(**switches), faults)
            )
            return Api(sim, await stack.enter_async_context(aiohttp.ClientSession()))

        yield begin
