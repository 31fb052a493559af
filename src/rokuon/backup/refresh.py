"""Look up a recording again before a late retry: its URL may have changed, and a 404 means more if the list does not contain it either
(S3, S5). This is one list request for the millisecond in which the call started; requests for single calls are limited to 10 per minute
and are never used."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from rokuon.domain.failures import Decision, SourceError, SourceThrottled
from rokuon.domain.ports import Source, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE
from rokuon.domain.work import Work

log = logging.getLogger(__name__)

STALE_AFTER_TRIES = 3
MOST_PAGES = 60
"""One page is enough, unless the source ignores the range: this limit avoids reading the whole list for one recording."""


def is_stale(work: Work) -> bool:
    """Whether the copy got a 404, or has failed for more than a quarter of an hour."""
    return work.history.negatives > 0 or work.history.tries >= STALE_AFTER_TRIES


async def refreshed(works: Sequence[Work], source: Source) -> list[Work]:
    """Return the same copies of one recording with the data that the source lists now. If it is not listed any more, they are unchanged
    and not `still_listed`.

    If this listing fails, the copies are tried with the known data and count as listed: no copy becomes gone by a guess, and a listing
    that always fails does not delay the copies after it. Raises errors that stop the whole source, and SourceThrottled.
    """
    found = await _refreshed(works[0], source)
    listed = found.history.still_listed
    return [replace(work, url=found.url, history=replace(work.history, still_listed=listed)) for work in works]


async def _refreshed(work: Work, source: Source) -> Work:
    try:
        return await _looked_up(work, source)
    except SourceThrottled:
        raise
    except SourceError as error:
        if error.decision is Decision.HOLD:
            raise
        log.info("copy_not_looked_up", extra={"copy": work.copy_id, "reason": error.reason})
        return replace(work, history=replace(work.history, still_listed=True))


async def _looked_up(work: Work, source: Source) -> Work:
    pages = 0
    async for page in source.pages(COMPANY_SCOPE, TimeRange(work.started_ms, work.started_ms + 1)):
        pages += 1
        if pages > MOST_PAGES:
            log.info("copy_not_looked_up", extra={"copy": work.copy_id, "pages": MOST_PAGES})
            return replace(work, history=replace(work.history, still_listed=True))
        for call in page.calls:
            for recording in call.recordings:
                if recording.kind is work.kind and recording.id == work.recording_id:
                    return replace(work, url=recording.url or work.url, history=replace(work.history, still_listed=True))
    return work
