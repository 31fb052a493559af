"""Lists calls window by window, also from a source that ignores the requested range.

The range is strict: a call outside it means that the source ignored a parameter, and the window is requested once more. If the same happens
again, the source always ignores it for this kind of scope. Then this module applies the range: it leaves out calls outside, and since the
list is newest first, it reads down to the range and stops below it. That costs extra pages, so it is reported, once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from rokuon.domain.clocks import DAY_MS
from rokuon.domain.failures import SourceAddressUnknown, SourceAnswerMalformed, SourceCursorRefused, SourceNotFound, SourceRequestRefused
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import Bound, ListedCall, ListingPage, MalformedItem, Scope, ScopeKind

from . import paging
from .client import ApiClient, JsonObject
from .limits import ClientLimits
from .schema import parse_call, parse_cursor, parse_items

CALLS_PER_PAGE = 50
_CLOCK_MARGIN_MS = 1_000
_PAGES_BELOW = 2
"""Reading a list that ignores the range stops after this many pages below it: the second page confirms the order."""

RangeIgnored = Callable[[ScopeKind, Bound], Awaitable[None]]
"""Called when listings of this kind ignore this bound; at least once, and again by other processes."""


async def ignored(_kind: ScopeKind, _bound: Bound) -> None:
    return


class _OutsideError(Exception):
    """A page contained calls beyond a bound that the source was not known to ignore."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.bound = bound


@dataclass(slots=True)
class _ListPosition:
    """Progress of a listing: the start of its last call, and of the newest call of its last page; None before the first call. `below`:
    consecutive pages below the range."""

    above_ms: int | None = None
    newest_ms: int | None = None
    below: int = 0


class CallList:
    """`GET /call` of one company. `now_ms` is the time in epoch milliseconds; it never requests the future."""

    def __init__(self, api: ApiClient, limits: ClientLimits, now_ms: Callable[[], int], range_ignored: RangeIgnored) -> None:
        self._api, self._limits, self._now_ms, self._tell = api, limits, now_ms, range_ignored
        self._ignored: dict[ScopeKind, set[Bound]] = {}

    async def window(self, scope: Scope, wanted: TimeRange) -> AsyncIterator[ListingPage]:
        """Yield the calls of one window, of a length that the source accepts (`MAX_SPAN_MS`). After a cursor that the server no longer
        accepts, or a call outside the range, the window starts again, a few times."""
        latest = self._now_ms()
        restarts = 0
        strayed: set[Bound] = set()
        while True:
            before = min(wanted.before_ms + 1, latest)
            if wanted.after_ms - 1 >= before:
                yield ListingPage((), last=True)
                return
            try:
                async for page in self._once(scope, wanted, before):
                    yield page
                return
            except _OutsideError as outside:
                if outside.bound in strayed:
                    await self._learn(scope.kind, outside.bound)
                strayed.add(outside.bound)
            except SourceNotFound as error:
                if scope.kind is ScopeKind.COMPANY:
                    raise SourceAddressUnknown(error.detail) from None
                raise
            except SourceCursorRefused:
                restarts += 1
                if restarts > paging.RESTARTS:
                    raise
            except SourceRequestRefused:
                server = self._api.server_ms
                restarts += 1
                ahead = before == latest and server is not None and server < latest
                if not ahead or server is None or restarts > paging.RESTARTS or server - _CLOCK_MARGIN_MS <= wanted.after_ms:
                    raise
                # Our clock is ahead of the server's, so the server saw an end in the future. The corrected window is not empty.
                latest = server - _CLOCK_MARGIN_MS

    async def first_page(self, scope: Scope, wanted: TimeRange) -> list[ListedCall]:
        """Return the calls of the first answer as the source gives them, inside or outside the range."""
        answer = await self._api.get("/call", _question(scope, wanted.after_ms, wanted.before_ms))
        parsed = (parse_call(item, self._now_ms() + DAY_MS) for item in parse_items(answer))
        return [one.call for one in parsed if not isinstance(one, MalformedItem) and one.exact]

    async def _learn(self, kind: ScopeKind, bound: Bound) -> None:
        self._ignored.setdefault(kind, set()).add(bound)
        await self._tell(kind, bound)

    async def _once(self, scope: Scope, wanted: TimeRange, before: int) -> AsyncIterator[ListingPage]:
        """List the window once from the top. Raises _OutsideError."""
        # The server's bounds may be inclusive or not (this is not documented), so ask for a millisecond more on both sides.
        params = _question(scope, wanted.after_ms - 1, before)
        ignored = self._ignored.get(scope.kind, set())
        place = _ListPosition()
        async for answer in paging.answers(self._api, "/call", params, self._limits.pages):
            page = self._page(answer, wanted, place, ignored)
            yield page
            if page.last:
                return

    def _page(self, answer: JsonObject, wanted: TimeRange, place: _ListPosition, ignored: set[Bound]) -> ListingPage:
        calls: list[ListedCall] = []
        malformed: list[MalformedItem] = []
        timeless: list[MalformedItem] = []
        starts: list[int] = []
        latest = self._now_ms() + DAY_MS
        for item in parse_items(answer):
            parsed = parse_call(item, latest)
            if isinstance(parsed, MalformedItem):
                # The list is newest first: a call without a time started between its neighbours.
                if parsed.started_ms is None:
                    timeless.append(replace(parsed, before_ms=None if place.above_ms is None else place.above_ms + 1))
                else:
                    malformed.append(parsed)
                continue
            started = parsed.call.started_ms
            if parsed.exact:
                malformed += (replace(one, after_ms=started) for one in timeless)
                timeless, place.above_ms = [], started
                starts.append(started)
            malformed += parsed.odd
            if not parsed.exact or wanted.after_ms <= started < wanted.before_ms:
                calls.append(parsed.call)
            elif (bound := _beyond(started, wanted)) and bound not in ignored:
                raise _OutsideError(bound)
        malformed += timeless
        if ignored and starts:
            _require_order(max(starts), place)
            place.below = place.below + 1 if max(starts) < wanted.after_ms else 0
        if ignored:
            malformed = [one for one in malformed if _may_lie_in(one, wanted)]
        # A call whose start is missing or impossible stays in the window in which the source listed it.
        left = Bound.AFTER in ignored and place.below >= _PAGES_BELOW
        return ListingPage(tuple(calls), left or not parse_cursor(answer), tuple(malformed))


def _question(scope: Scope, after_ms: int, before_ms: int) -> dict[str, str]:
    by_target = {} if scope.kind is ScopeKind.COMPANY else {"target_type": scope.kind.value, "target_id": scope.id}
    return by_target | {
        "started_after": str(after_ms),
        "started_before": str(before_ms),
        "limit": str(CALLS_PER_PAGE),
        # Dialpad leaves out calls of deleted users unless asked for them; it ignores an unknown parameter (docs/design/dialpad.md 2.5).
        "include_anonymized": "true",
    }


def _beyond(started_ms: int, wanted: TimeRange) -> Bound | None:
    if started_ms < wanted.after_ms - 1:
        return Bound.AFTER
    return Bound.BEFORE if started_ms > wanted.before_ms + 1 else None


def _require_order(newest_ms: int, place: _ListPosition) -> None:
    """Check that the list is newest first: only then may reading stop below the range."""
    if place.newest_ms is not None and newest_ms > place.newest_ms:
        raise SourceAnswerMalformed("a list that ignores the range and is not newest first")
    place.newest_ms = newest_ms


def _may_lie_in(one: MalformedItem, wanted: TimeRange) -> bool:
    if one.started_ms is not None:
        return wanted.after_ms <= one.started_ms < wanted.before_ms
    too_old = one.before_ms is not None and one.before_ms <= wanted.after_ms
    return not too_old and not (one.after_ms is not None and one.after_ms >= wanted.before_ms)
