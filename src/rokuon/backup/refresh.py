"""Look a recording up again before a late retry: its address may have changed, and a 404 means more when the list has dropped it too
(S3, S5). One list request for the millisecond in which the call started; single calls are never asked for (10 per minute)."""

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
"""One answers the question, unless the source ignores the range: then not the whole list is read for one recording."""


def is_stale(work: Work) -> bool:
    """A copy that met a 404, or that has failed for more than a quarter of an hour."""
    return work.history.negatives > 0 or work.history.attempts >= STALE_AFTER_TRIES


async def refreshed(works: Sequence[Work], source: Source) -> list[Work]:
    """The same copies of one recording with what the source lists now. Unchanged where it is not listed any more, and so not
    `still_listed`.

    Where this one listing fails, the copies are tried as they are known, and count as listed: nothing is called gone on a guess, and one
    listing that always fails does not keep the copies behind it waiting. Raises what stops the whole source, and SourceThrottled.
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
