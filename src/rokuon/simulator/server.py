"""The simulator's server: one TCP port that answers like Dialpad, checks keys, enforces limits, injects faults, and counts.

    async with Simulator(WorldSpec(now_ms=...), Switches()) as sim:
        sim.base_url, sim.key           # the address, and the bearer key of the first company
        sim.meter, sim.faults, sim.switches, sim.world
        await sim.end_call(); sim.advance(60_000)

Everything runs on the loop that entered the context. For each request, the server meters the arrival, checks the key, applies the
limit, makes the answer, lets the first matching fault change it, and writes it.
"""

import asyncio
import email.utils
import json
import logging
import math
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

from . import control, directory, events, hooks, listing
from .answers import Answer, bad_request, error, login_page, not_found, send
from .faults import Faults, bend
from .hooks import Delivery, HookStore
from .keys import Key, KeyRing
from .media import Media, MediaRequest
from .meter import LogEntry, Meter, SlidingWindow
from .model import Company
from .query import BadQuery, Query, Shared, as_id
from .switches import Switches
from .world import World, WorldSpec, build

log = logging.getLogger(__name__)

Handler = Callable[[Query], Answer]
HookHandler = Callable[[Query, HookStore, int], Answer]


class Route(NamedTuple):
    endpoint: str
    handler: Handler | HookHandler
    admin: bool = False
    scope: str = ""


# "*" stands for an id.
ROUTES: dict[str, Route] = {
    "company": Route("company", directory.company, admin=True),
    "offices": Route("offices", directory.offices),
    "offices/*": Route("office", directory.office),
    "offices/*/callcenters": Route("office_callcenters", directory.office_centers),
    "offices/*/teams": Route("office_teams", directory.office_teams),
    "callcenters": Route("callcenters", directory.centers),
    "callcenters/*": Route("callcenter", directory.center),
    "callcenters/*/operators": Route("callcenter_operators", directory.center_operators),
    "coachingteams": Route("coachingteams", directory.teams),
    "coachingteams/*": Route("coachingteam", directory.team),
    "coachingteams/*/members": Route("coachingteam_members", directory.team_members),
    "users": Route("users", directory.users),
    "users/*": Route("user", directory.user),
    "call": Route("calls", listing.calls, admin=True, scope="calls:list"),
    "call/*": Route("call", listing.call),
}
HOOK_ROUTES: dict[str, Route] = {
    "webhooks": Route("webhooks", hooks.webhooks, admin=True),
    "webhooks/*": Route("webhook", hooks.webhook, admin=True),
    "subscriptions/call": Route("subscriptions", hooks.subscriptions, admin=True),
    "subscriptions/call/*": Route("subscription", hooks.subscription, admin=True),
}
_METHODS = {
    "webhooks": ("GET", "POST"),
    "webhook": ("GET", "PATCH", "DELETE"),
    "subscriptions": ("GET", "POST"),
    "subscription": ("GET", "PATCH", "DELETE"),
}
# First words of a media path, with the position of the id.
_MEDIA = {
    "r": ("media", 1),
    "blob": ("media_admin", 2),
    "v": ("media_voicemail", 1),
    "secureblob": ("media_secureblob", 2),
    "blob-server": ("media_blob", 1),
}
_NAMED = frozenset({"callcenters", "coachingteams", "offices", "users", "call", "webhooks"})


@dataclass
class RateWindows:
    """The sliding windows of one company. Only accepted requests count."""

    second: SlidingWindow
    call_minute: SlidingWindow


class Simulator:
    """A Dialpad on 127.0.0.1. world is a WorldSpec or a built world; clock returns epoch ms (default: starts at the world's now)."""

    def __init__(
        self,
        world: World | WorldSpec | None = None,
        switches: Switches | None = None,
        faults: list[dict[str, Any]] | None = None,
        port: int = 0,
        clock: Callable[[], int] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if world is None:
            world = WorldSpec(now_ms=int(time.time() * 1000))
        self.world = build(world) if isinstance(world, WorldSpec) else world
        self.switches = switches or Switches()
        self.faults = Faults()
        self.faults.load(faults or [])
        self.meter = Meter()
        self.keys = KeyRing()
        for company_id in self.world.companies:
            self.keys.add(company_id)
        self.hooks: dict[int, HookStore] = {i: HookStore() for i in self.world.companies}
        self.deliveries: list[Delivery] = []
        self.session: aiohttp.ClientSession | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self._media = Media(self.world, self.switches)
        self._limits = {i: RateWindows(SlidingWindow(1.0), SlidingWindow(60.0)) for i in self.world.companies}
        self._shared = Shared()
        self._port, self._ssl = port, ssl_context
        self._clock, self._advanced, self._began = clock, 0, time.monotonic()
        self._runner: web.ServerRunner | None = None

    # --- life

    async def __aenter__(self) -> "Simulator":
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on 127.0.0.1. Raises OSError if the port is in use."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._ssl, backlog=1024).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self.session = aiohttp.ClientSession()
        self._media.base_url = self.base_url
        self._media.other_url = self.base_url.replace("127.0.0.1", "localhost")

    async def stop(self) -> None:
        """Stop listening, end requests in flight, drop undelivered events."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.session is not None:
            await self.session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"{'https' if self._ssl else 'http'}://127.0.0.1:{self._port}"

    @property
    def company(self) -> Company:
        """The first company."""
        return self.world.first

    @property
    def key(self) -> str:
        """The secret of the first company's first key."""
        return self.keys.of(self.company.id)[0].secret

    def now(self) -> int:
        """Epoch ms of the simulated clock."""
        if self._clock is not None:
            return self._clock() + self._advanced
        return self.world.spec.now_ms + int((time.monotonic() - self._began) * 1000) + self._advanced

    def _date(self, ahead_s: float = 0) -> str:
        """Return the simulated time in the format of HTTP headers."""
        return email.utils.formatdate(self.now() / 1000 + ahead_s, usegmt=True)

    def advance(self, ms: int) -> None:
        """Move the simulated clock forward."""
        self._advanced += ms

    # --- for tests; see events.py

    async def end_call(self, **how: Any) -> events.EndedCall:
        """End a new call now and announce it to the webhooks; see events.end_call for the arguments."""
        return await events.end_call(self, **how)

    async def settled(self) -> None:
        """Wait until every pending event was delivered or given up."""
        while self.tasks:
            await asyncio.gather(*self.tasks, return_exceptions=True)

    # --- requests

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        at = time.monotonic()
        path = request.path
        words = path.split("/")[1:]
        if words[0] == "_simulator":
            return await send(request, await control.answer(self, request))
        secret, key_in = _secret(request)
        key = self.keys.find(secret) if secret else None
        entry = LogEntry(at, key.company_id if key else None, request.method, path, request.query_string, "", request.host, 0, key_in)
        media = _MEDIA.get(words[0])
        if media is not None and len(words) > media[1]:
            answer, item = self._media_answer(request, entry, media[0], words[media[1]].removesuffix(".mp3"), key)
        elif words[:2] == ["api", "v2"]:
            answer, item = await self._api_answer(request, entry, words[2:], key, secret)
        else:
            entry.endpoint, item = ("login", "") if path == "/login" else ("unknown", "")
            answer = login_page() if path == "/login" else not_found()
        if key_in == "query":
            self.meter.key_in_query[entry.endpoint] += 1
        if key_in == "header" and request.host.startswith("localhost"):
            self.meter.key_to_other_host += 1
        answer = self._bent(request, entry, item, answer)
        answer.headers.setdefault("Date", self._date())
        entry.status = 0 if answer.drop else answer.status
        self.meter.log.append(entry)
        if entry.company is not None:
            counts = self.meter.company(entry.company)
            counts.statuses[entry.status] += 1
            if answer.status == 429:
                counts.limited[entry.endpoint] += 1
        return await send(request, answer)

    def _bent(self, request: web.BaseRequest, entry: LogEntry, item: str, answer: Answer) -> Answer:
        # A request over the limit, or without a key, is refused before any fault can apply.
        if not self.faults.rules or answer.status in (401, 429):
            return answer
        fault = self.faults.pick(entry.endpoint, entry.path, request.query_string, item, entry.company)
        if fault is None:
            return answer
        entry.fault = str(fault.action["kind"])
        if entry.company is not None:
            self.meter.company(entry.company).faults[entry.fault] += 1
        return bend(fault, answer, request.query.get("cursor", ""))

    def _media_answer(self, request: web.BaseRequest, entry: LogEntry, endpoint: str, item: str, key: Key | None) -> tuple[Answer, str]:
        entry.endpoint = endpoint
        number = as_id(item)
        if entry.company is None:
            entry.company = self.world.owner.get(number)
        if entry.company is None:
            self.meter.no_key[endpoint] += 1
            return not_found(), item
        counts = self.meter.company(entry.company)
        counts.media[endpoint] += 1
        first = endpoint in ("media", "media_admin", "media_voicemail")
        counts.media_window.enter(entry.at)
        if first and number in self.world.recordings:
            counts.audio_requests[number] += 1
        if key is None and endpoint != "media_blob":
            self.meter.no_key[endpoint] += 1
        if self.switches.media_counts == "all" or (self.switches.media_counts == "first" and first):
            counts.window.enter(entry.at)
            over = self._over_limit(entry.company, endpoint, entry.at)
            if over is not None:
                return over, item
        asked = MediaRequest(
            endpoint, number, key, entry.key_in, request.query.get("sig", ""), request.headers.get("Range", ""), self.now()
        )
        answer, recording = self._media.answer(asked)
        if recording is not None and answer.status < 300:
            counts.audio_served[recording.id] += 1
            counts.audio_bytes += answer.length
        return answer, item

    async def _api_answer(
        self, request: web.BaseRequest, entry: LogEntry, words: list[str], key: Key | None, secret: str
    ) -> tuple[Answer, str]:
        place = 2 if words[:1] == ["subscriptions"] else 1
        item = words[place] if len(words) > place and (words[0] in _NAMED or place == 2) else ""
        shape = "/".join("*" if n == place and item else word for n, word in enumerate(words))
        route = ROUTES.get(shape) or HOOK_ROUTES.get(shape)
        entry.endpoint = route.endpoint if route else "unknown"
        if key is None:
            (self.meter.bad_key if secret else self.meter.no_key)[entry.endpoint] += 1
            return error(401, "A valid API key must be provided."), item
        counts = self.meter.company(key.company_id)
        counts.requests[entry.endpoint] += 1
        counts.window.enter(entry.at)
        over = self._over_limit(key.company_id, entry.endpoint, entry.at)
        if over is not None:
            return over, item
        if route is None:
            return not_found(), item
        if request.method not in _METHODS.get(route.endpoint, ("GET",)):
            return error(405, "method not allowed"), item
        if (route.admin and not key.admin) or (route.scope and route.scope not in key.scopes):
            return error(int(self.switches.scope_error), "Insufficient scope."), item
        return await self._routed(request, route, shape, key, item), item

    async def _routed(self, request: web.BaseRequest, route: Route, shape: str, key: Key, item: str) -> Answer:
        body = None
        if request.method in ("POST", "PATCH"):
            try:
                body = json.loads(await request.read())
            except ValueError:
                return bad_request("The body must be JSON.")
        company = self.world.companies[key.company_id]
        query = Query(
            company=company,
            book=self.world.books[company.id],
            key=key,
            switches=self.switches,
            shared=self._shared,
            params=dict(request.query),
            item=item,
            now=self.now(),
            base_url=self.base_url,
            body=body,
            method=request.method,
        )
        try:
            if shape in HOOK_ROUTES:
                return route.handler(query, self.hooks[company.id], self.world.makers[company.id].new_id())  # type: ignore[call-arg]
            answer: Answer = route.handler(query)  # type: ignore[call-arg]
        except BadQuery as exc:
            return bad_request(str(exc))
        if "scope" in query.notes:
            self.meter.company(company.id).list_pages[query.notes["scope"]] += 1
        return answer

    def _over_limit(self, company_id: int, endpoint: str, at: float) -> Answer | None:
        """Return a 429 if this request exceeds a limit of its company; otherwise count it as accepted."""
        limits, switches = self._limits[company_id], self.switches
        if switches.limit_per_second and limits.second.held(at) >= switches.limit_per_second:
            return self._too_many(limits.second.free_in(at))
        if endpoint == "call" and switches.call_get_per_minute:
            if limits.call_minute.held(at) >= switches.call_get_per_minute:
                return self._too_many(limits.call_minute.free_in(at))
            limits.call_minute.enter(at)
        limits.second.enter(at)
        return None

    def _too_many(self, free_in: float) -> Answer:
        answer, wait = error(429, "rate_limit_exceeded"), max(1, math.ceil(free_in))
        if self.switches.retry_after == "seconds":
            answer.headers["Retry-After"] = str(wait)
        elif self.switches.retry_after == "date":
            answer.headers["Retry-After"] = self._date(wait)
        return answer


def _secret(request: web.BaseRequest) -> tuple[str, str]:
    """Return a request's key, and its place: header, query or none. The header has priority."""
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header[7:].strip(), "header"
    if "apikey" in request.query_string:
        return request.query.get("apikey", ""), "query"
    return "", ""
