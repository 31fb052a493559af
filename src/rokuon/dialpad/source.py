"""Dialpad's implementation of `Source`: windows of calls, audio, the directory."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from random import random as any_random
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from rokuon.domain.clocks import DAY_MS
from rokuon.domain.failures import N_, ConfigError, SourceAddressUnknown, SourceCursorRefused, SourceNotFound
from rokuon.domain.ports import SendSlots, Sleep, TimeRange
from rokuon.domain.recording import (
    Company,
    Directory,
    ListedCall,
    ListingPage,
    Office,
    RecordingKind,
    Scope,
    Target,
    TargetKind,
    User,
)
from rokuon.domain.settings import MediaCharge

from . import paging, webhooks
from .call_list import CallList, RangeIgnored, ignored
from .client import ApiClient
from .download import HttpDownload
from .faults import Retrier
from .limits import ClientLimits
from .media import DEFAULT_ROUTES, MediaClient, MediaRoute
from .network import open_session
from .schema import (
    parse_all,
    parse_company,
    parse_items,
    parse_office,
    parse_target,
    parse_trainee,
    parse_user,
)
from .urls import AllowedHosts

# The server accepts spans below 30 days; a minute less leaves room for our wider range and for its own rounding.
MAX_SPAN_MS = 30 * DAY_MS - 60_000
# Above 100 the server refuses a fifth of the requests on purpose (docs/design/dialpad.md 2.4).
USERS_PER_PAGE = 100
_KEY = re.compile(r"[!-~]{1,4000}")
_BLANK = re.compile(r"\s")
_STRANGE = re.compile(r"[^!-~]")


class DialpadSource:
    """One company of Dialpad, by its API key. Implements `domain.ports.Source`.

    `now_ms` is the time in epoch milliseconds; the source never requests the future. `allow_hosts` are further hosts that may serve audio;
    they never get the key. `routes` replaces the way in which recordings of a kind are reached. `range_ignored` is called for listings that
    ignore the requested range (`dialpad.call_list`).
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        slots: SendSlots,
        *,
        now_ms: Callable[[], int],
        allow_hosts: Iterable[str] = (),
        routes: Mapping[RecordingKind, MediaRoute] = DEFAULT_ROUTES,
        charge: MediaCharge = MediaCharge.ONE,
        limits: ClientLimits | None = None,
        sleep: Sleep = asyncio.sleep,
        random: Callable[[], float] = any_random,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        range_ignored: RangeIgnored = ignored,
    ) -> None:
        if key and not _BLANK.search(key) and _STRANGE.search(key):
            raise ConfigError(
                N_("The Dialpad API key holds a character that no key has, maybe an invisible one. Paste it again, the key alone.")
            )
        if not _KEY.fullmatch(key):
            raise ConfigError(N_("The Dialpad API key is empty or holds a space or line break. Paste it again, the key alone."))
        self._allowed = AllowedHosts.of(base_url, allow_hosts)
        self._limits = limits or ClientLimits()
        self._now_ms = now_ms
        self._routes = dict(DEFAULT_ROUTES) | dict(routes)
        self._resolver = resolver
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        retrier = Retrier(slots, self._limits, sleep, random)
        self._api = ApiClient(self._allowed, key, session=self._opened, slots=slots, retrier=retrier, limits=self._limits, now_ms=now_ms)
        self._calls = CallList(self._api, self._limits, now_ms, range_ignored)
        self._media = MediaClient(
            self._allowed, key, session=self._opened, slots=slots, retrier=retrier, limits=self._limits, charge=charge, now_ms=now_ms
        )

    def open(self, kind: RecordingKind, recording_id: str, url: str) -> AbstractAsyncContextManager[HttpDownload]:
        return self._media.open(self._routes[kind], recording_id, url)

    async def pages(self, scope: Scope, wanted: TimeRange) -> AsyncIterator[ListingPage]:
        """Yield the pages of calls; see `domain.ports.Source`. A range that is too long for one request is listed in several windows,
        newest first.

        A call whose start is missing or impossible stays in the window in which the source listed it, with the time of its end.
        """
        before = wanted.before_ms
        while True:
            after = max(wanted.after_ms, before - MAX_SPAN_MS)
            final = after <= wanted.after_ms
            async for page in self._calls.window(scope, TimeRange(after, before)):
                yield page if final else replace(page, last=False)
            if final:
                return
            before = after

    async def first_page(self, scope: Scope, wanted: TimeRange) -> list[ListedCall]:
        """Return the calls of the first answer for this range, including those outside it, for a probe."""
        return await self._calls.first_page(scope, wanted)

    async def directory(self) -> Directory:
        company, offices = await self.company(), await self.offices()
        centers = await self.targets(TargetKind.CONTACT_CENTER, offices)
        teams = await self.targets(TargetKind.COACHING_TEAM, offices)
        return Directory(company, offices, (*centers, *teams), members=await self.members(teams), users=await self.people())

    async def company(self) -> Company:
        try:
            return parse_company(await self._api.get("/company"))
        except SourceNotFound as error:
            raise SourceAddressUnknown(error.detail) from None

    async def offices(self) -> tuple[Office, ...]:
        return tuple({one.id: one for one in await self._all("/offices", parse_office)}.values())

    async def targets(self, kind: TargetKind, offices: Iterable[Office]) -> tuple[Target, ...]:
        """Return the contact centers, or the coaching teams; a target without a time zone gets that of its office."""
        zones = {office.id: office.timezone for office in offices}
        path = "/callcenters" if kind is TargetKind.CONTACT_CENTER else "/coachingteams"
        found = {one.id: one for one in await self._all(path, lambda item: parse_target(item, kind))}
        return tuple(replace(one, timezone=one.timezone or zones.get(one.office_id, "")) for one in found.values())

    async def members(self, teams: Iterable[Target]) -> dict[str, tuple[str, ...]]:
        """Return the trainees of each coaching team."""
        members: dict[str, tuple[str, ...]] = {}
        for team in teams:
            try:
                found = await self._all(f"/coachingteams/{team.id}/members", parse_trainee)
            except SourceNotFound:
                # The team was deleted between the two requests, or only its name is left: it has no members.
                found = []
            members[team.id] = tuple(dict.fromkeys(filter(None, found)))
        return members

    async def people(self) -> tuple[User, ...]:
        users = await self._all("/users", parse_user, {"state": "all", "limit": str(USERS_PER_PAGE)})
        return tuple({one.id: one for one in users}.values())

    @property
    def server_ms(self) -> int | None:
        """The server's clock in its last answer: epoch milliseconds, cut to whole seconds."""
        return self._api.server_ms

    async def ensure_events(self, hook_url: str, secret: str, known: webhooks.WebhookState | None) -> webhooks.WebhookState:
        """Have Dialpad send call events to that address, signed with that secret (`dialpad.webhooks.ensure`)."""
        return await webhooks.ensure(self._api, hook_url, secret, known)

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = open_session(self._allowed, self._limits, resolver=self._resolver, tls=self._tls)
        return self._session

    async def _all(self, path: str, parse: Callable[[Any], Any], params: Mapping[str, str] | None = None) -> list[Any]:
        """Return every item of a list of the directory. Raises SourceAddressUnknown if there is no such list."""
        restarts = 0
        while True:
            found: list[Any] = []
            try:
                async for answer in paging.answers(self._api, path, params or {}, self._limits.pages):
                    found += parse_all(parse_items(answer), parse)
            except SourceNotFound as error:
                raise SourceAddressUnknown(error.detail) from None
            except SourceCursorRefused:
                restarts += 1
                if restarts > paging.RESTARTS:
                    raise
            else:
                return found
