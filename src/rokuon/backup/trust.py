"""Compare a listing by target with a listing of the company. Dialpad does not document which legs it returns, so this is measured."""

from collections.abc import Mapping, Set

from rokuon.domain.classify import WAIT_FOR_LEGS_MS, classify
from rokuon.domain.ports import Source, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, ListedCall, Scope

MOST_PAGES = 20
"""A comparison stops without a result after this many pages of either listing (50 calls each)."""


async def target_listing_is_whole(source: Source, target: Scope, trainees: Mapping[str, Set[str]], window: TimeRange) -> bool | None:
    """Whether both listings contain the same recordings, with the same calls and agents, for the target's newest calls in `window`.

    None if this cannot be decided: the target has no recorded call there, or the company has too many calls in the same time.
    """
    async for page in source.pages(target, window):
        newest = page.calls
        break
    if not newest:
        return None
    stretch = TimeRange(min(call.started_ms for call in newest), max(call.started_ms for call in newest) + 1)
    narrow = await _calls(source, target, stretch)
    wide = await _calls(source, COMPANY_SCOPE, stretch)
    if narrow is None or wide is None:
        return None
    expected = _recordings(wide, target, trainees, stretch)
    return _recordings(narrow, target, trainees, stretch) == expected if expected else None


async def _calls(source: Source, scope: Scope, stretch: TimeRange) -> list[ListedCall] | None:
    calls: list[ListedCall] = []
    pages = 0
    async for page in source.pages(scope, TimeRange(stretch.after_ms - WAIT_FOR_LEGS_MS, stretch.before_ms + WAIT_FOR_LEGS_MS)):
        calls += page.calls
        pages += 1
        if pages == MOST_PAGES and not page.last:
            return None
    return calls


def _recordings(
    calls: list[ListedCall], target: Scope, trainees: Mapping[str, Set[str]], stretch: TimeRange
) -> set[tuple[str, str, str, str | None]]:
    return {
        (recording.kind, recording.id, recording.call_id, recording.agent)
        for call in classify(calls, {target}, trainees)
        for recording in call.recordings
        if stretch.after_ms <= call.started_ms < stretch.before_ms
    }
