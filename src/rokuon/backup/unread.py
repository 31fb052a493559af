"""Unreadable entries of a window's listing: their target, and the narrowest known time range in which their calls started."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rokuon.domain import windows
from rokuon.domain.classify import PATIENCE_MS, Classified
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ListingPage, MalformedItem, Scope, ScopeKind
from rokuon.domain.work import Unread

from .discover import Targets


class UnreadEntries:
    """Collects unreadable entries from every page of a window's listing, newest first.

    An unreadable recording belongs to the targets of its call: it is returned when the classifier returns the call, and never if the
    call has no backed-up target. An entry whose call could not be read belongs to the backed-up targets that it names, or to the target
    of the listing; if there is none, it may belong to any target.
    """

    def __init__(self, scope: Scope, window: TimeRange, targets: Targets) -> None:
        self._scope, self._window, self._targets = scope, window, targets
        self._of_calls: dict[str, list[MalformedItem]] = {}
        self._open: list[MalformedItem] = []

    def of_page(self, page: ListingPage, handed_out: Iterable[Classified]) -> tuple[tuple[Unread, ...], tuple[str, ...]]:
        """Return the entries that are known after this page, some of them again with a narrower range, and the ids of calls that were read
        completely. `handed_out` are the calls of the window that the classifier returned after this page."""
        calls = {call.id: call.started_ms for call in page.calls}
        newest_ms = max(calls.values(), default=None)
        alone = [self._bounded(item, newest_ms) for item in self._open]
        for item in page.malformed:
            if item.call_id in calls:
                self._of_calls.setdefault(item.call_id, []).append(item)
            else:
                alone.append(item)
        self._open = [item for item in alone if item.started_ms is None and item.after_ms is None]
        found = [entry for item in alone for entry in self._of_item(item)]
        found += [entry for call in handed_out for entry in self._of_call(call)]
        self._forget(min(calls.values(), default=None))
        odd = {item.call_id for item in page.malformed}
        return tuple(found), tuple(call_id for call_id in calls if call_id not in odd)

    @staticmethod
    def _bounded(item: MalformedItem, newest_ms: int | None) -> MalformedItem:
        return MalformedItem(item.why, item.call_id, None, newest_ms, item.before_ms, parties=item.parties, digest=item.digest)

    def _of_call(self, call: Classified) -> Iterator[Unread]:
        same: Counter[str] = Counter()
        for item in self._of_calls.get(call.call_id, ()):
            mark = f"{item.call_id}/{item.kind}/{item.recording_id}"
            same[mark] += 1
            target = self._targets.plans[call.target].id
            yield Unread(
                target,
                f"{mark}/{same[mark]}",
                item.why,
                call.started_ms,
                call.started_ms + 1,
                item.call_id,
                item.kind,
                item.recording_id,
            )

    def _of_item(self, item: MalformedItem) -> Iterator[Unread]:
        if item.started_ms is not None:
            after, before = item.started_ms, item.started_ms + 1
        else:
            after = self._window.after_ms if item.after_ms is None else item.after_ms
            before = self._window.before_ms if item.before_ms is None else item.before_ms
        mark = f"{item.call_id}//" if item.call_id else f"{item.digest}/{windows.day_of(before)}"
        after, before = max(after, self._window.after_ms), min(before, self._window.before_ms)
        if after < before:
            for target in self._named(item):
                yield Unread(target, mark, item.why, after, before, item.call_id)

    def _named(self, item: MalformedItem) -> Sequence[int | None]:
        plans = self._targets.plans
        if self._scope.kind in (ScopeKind.CONTACT_CENTER, ScopeKind.COACHING_TEAM):
            return [plans[self._scope].id] if self._scope in plans else []
        named = {(party.type, party.id) for party in item.parties}
        return [plan.id for scope, plan in plans.items() if (scope.kind.value, scope.id) in named] or [None]

    def _forget(self, oldest_ms: int | None) -> None:
        """Drop the entries of calls that the `Classifier` cannot return any more."""
        if oldest_ms is None:
            return
        for call_id, items in list(self._of_calls.items()):
            started_ms = items[0].started_ms
            if started_ms is not None and started_ms - oldest_ms > 2 * PATIENCE_MS:
                del self._of_calls[call_id]
