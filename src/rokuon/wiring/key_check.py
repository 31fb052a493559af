"""Check of an API key: make each read that Rokuon needs, and report which ones Dialpad answers. Changes nothing, here or at Dialpad.

Dialpad has no request that returns a key's scopes, so each read that Rokuon needs is made once. Some endpoints refuse a missing scope with
403 and some with 401: a 401 together with an answered read means a missing scope, and without one a refused key.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rokuon.base.secrets import Secret
from rokuon.config import Config
from rokuon.dialpad.limits import ClientLimits as DialpadLimits
from rokuon.dialpad.pacing import LocalReserver, SlotPacer
from rokuon.dialpad.source import DialpadSource
from rokuon.domain.classify import ALWAYS_BACKED_UP
from rokuon.domain.clocks import DAY_MS
from rokuon.domain.failures import (
    ConfigError,
    RecordingForbidden,
    SourceError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceNotFound,
    SourceRequestRefused,
    SourceScopeMissing,
)
from rokuon.domain.ports import Source, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Company, Directory, ListedRecording, Office, Target, TargetKind, User

CHECK_PER_SECOND = 5.0
"""A key is checked before the company has a budget row: slowly enough not to disturb the company's other integrations."""

CHECK_TRIES = 2
SAMPLE_DAYS = 28
OPENED = 3
"""At most this many recordings are requested, until one opens."""


class KeyOfAnother(ConfigError):
    """The key belongs to another company than the one for which it was entered."""


class Read(StrEnum):
    """The reads that Rokuon needs, in the order of the check."""

    COMPANY = "company"
    OFFICES = "offices"
    CENTERS = "centers"
    TEAMS = "teams"
    PEOPLE = "people"
    CALLS = "calls"


LIST_SCOPE, EXPORT_SCOPE = "calls:list", "recordings_export"


@dataclass(frozen=True, slots=True)
class Account:
    """The data that a key can read. `exports`: whether recent recorded calls list their recordings; None if there was no such call.
    `opens`: whether one of them could be opened: "" if so, else the reason code of the refusal; None if none was requested.

    `server_ms` is Dialpad's own clock, epoch milliseconds, if it sent one.
    """

    directory: Directory
    exports: bool | None
    server_ms: int | None = None
    opens: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Result of one read: the number of items, or why it was not answered."""

    read: Read
    count: int = 0
    failure: SourceError | None = None


@dataclass(frozen=True, slots=True)
class KeyReport:
    """Report of a key check. `account` is None if a read was not answered. `looks` ends early if no further answer was expected."""

    looks: tuple[ProbeResult, ...]
    account: Account | None = None

    @property
    def failure(self) -> SourceError | None:
        """The first failure."""
        return next((look.failure for look in self.looks if look.failure is not None), None)

    def require(self) -> Account:
        """Return the account. Raises the failure if there is one."""
        if self.account is None:
            raise self.failure or SourceKeyRefused
        return self.account

    def kept(self) -> dict[str, Any]:
        """Return the form that is stored with the company: words and numbers, no sentences and no names."""
        return {
            "exports": self.account.exports if self.account else None,
            "opens": self.account.opens if self.account else None,
            "looks": [
                {"read": look.read.value, "count": look.count, "reason": look.failure.reason if look.failure else ""} for look in self.looks
            ],
        }


def examine(config: Config, base_url: str, key: Secret, now_ms: int) -> KeyReport:
    """Check the key. Raises ConfigError for an invalid key or address."""
    return asyncio.run(_examine(config, base_url, key, now_ms))


async def _examine(config: Config, base_url: str, key: Secret, now_ms: int) -> KeyReport:
    reserver = LocalReserver(CHECK_PER_SECOND, time.monotonic)
    source = DialpadSource(
        base_url,
        key.reveal(),
        SlotPacer(reserver.reserve, pause=reserver.pause, clock=time.monotonic),
        now_ms=lambda: now_ms,
        allow_hosts=config.allowed_media_hosts,
        limits=DialpadLimits(connect=5, answer=20, tries=CHECK_TRIES),
    )
    try:
        return await _Attempt(source, now_ms).report()
    finally:
        await source.close()


class _Attempt:
    """One pass over the reads. Results are kept for later reads."""

    def __init__(self, source: DialpadSource, now_ms: int) -> None:
        self._source, self._now_ms = source, now_ms
        self._company = Company("", "")
        self._offices: tuple[Office, ...] = ()
        self._targets: tuple[Target, ...] = ()
        self._members: dict[str, tuple[str, ...]] = {}
        self._users: tuple[User, ...] = ()
        self._exports: bool | None = None
        self._named: tuple[ListedRecording, ...] = ()

    async def report(self) -> KeyReport:
        reads: dict[Read, Callable[[], Awaitable[int]]] = {
            Read.COMPANY: self._read_company,
            Read.OFFICES: self._read_offices,
            Read.CENTERS: self._read_centers,
            Read.TEAMS: self._read_teams,
            Read.PEOPLE: self._read_people,
            Read.CALLS: self._read_calls,
        }
        looks: list[ProbeResult] = []
        for read, make in reads.items():
            try:
                looks.append(ProbeResult(read, await make()))
            except (SourceKeyRefused, SourceScopeMissing, SourceNotFound, SourceRequestRefused) as error:
                looks.append(ProbeResult(read, failure=error))
                if len(looks) > 1 and all(look.failure for look in looks):
                    break
            except SourceError as error:
                looks.append(ProbeResult(read, failure=error))
                break
        if any(look.failure for look in looks):
            return KeyReport(_told_apart(looks))
        directory = Directory(self._company, self._offices, self._targets, self._users, self._members)
        return KeyReport(tuple(looks), Account(directory, self._exports, self._source.server_ms, await opens(self._source, self._named)))

    async def _read_company(self) -> int:
        self._company = await self._source.company()
        return 1

    async def _read_offices(self) -> int:
        self._offices = await self._source.offices()
        return len(self._offices)

    async def _read_centers(self) -> int:
        found = await self._source.targets(TargetKind.CONTACT_CENTER, self._offices)
        self._targets += found
        return len(found)

    async def _read_teams(self) -> int:
        found = await self._source.targets(TargetKind.COACHING_TEAM, self._offices)
        self._members = await self._source.members(found)
        self._targets += found
        return len(found)

    async def _read_people(self) -> int:
        self._users = await self._source.people()
        return len(self._users)

    async def _read_calls(self) -> int:
        calls, self._exports, self._named = await latest_calls(self._source, self._now_ms)
        return calls


def _told_apart(looks: list[ProbeResult]) -> tuple[ProbeResult, ...]:
    """Turn each 401 into a missing scope if another read was answered."""
    if all(look.failure for look in looks):
        return tuple(looks)
    return tuple(
        replace(look, failure=SourceScopeMissing(look.failure.detail)) if isinstance(look.failure, SourceKeyRefused) else look
        for look in looks
    )


async def latest_calls(source: Source, now_ms: int) -> tuple[int, bool | None, tuple[ListedRecording, ...]]:
    """Read the first page of the latest calls. Return the number of calls, whether recorded ones list their recordings, and the recordings.

    One page is enough: it needs the scope calls:list, and without recordings_export Dialpad lists no recording.
    """
    async for page in source.pages(COMPANY_SCOPE, TimeRange(now_ms - SAMPLE_DAYS * DAY_MS, now_ms)):
        recorded = sum(call.was_recorded for call in page.calls)
        named = tuple(recording for call in page.calls for recording in call.recordings)
        listed = {call.id for call in page.calls}
        # An unreadable entry counts as a listed recording.
        names = len(named) + sum(one.call_id in listed for one in page.malformed)
        return len(page.calls), (names > 0) if recorded or names else None, named
    return 0, None, ()


async def opens(source: Source, named: Sequence[ListedRecording]) -> str | None:
    """Return whether this key can open a recording, as `Account.opens`: tested, not inferred from a list. The body is not read."""
    refused: str | None = None
    for recording in [one for one in named if one.kind in ALWAYS_BACKED_UP][:OPENED]:
        try:
            async with source.open(recording.kind, recording.id, recording.url):
                return ""
        except (RecordingForbidden, SourceKindDenied, SourceKeyRefused) as error:
            refused = error.reason
        except SourceError:
            # A fault of this recording only, or a temporary one.
            continue
    return refused


async def account_of(source: Source, now_ms: int) -> Account:
    """Read all that the key of an open source can read. Raises the first failure."""
    directory = await source.directory()
    return Account(directory, (await latest_calls(source, now_ms))[1])


def ending(key: Secret) -> str:
    """Return the last four characters of the key, by which a person recognises it; "" for a key too short to reveal them."""
    return key.reveal()[-4:] if len(key.reveal()) >= 16 else ""
