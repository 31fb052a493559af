"""Decide whether the API key has lost access to a whole kind of recordings, or whether single recordings are refused.

Both look the same: 401, 403, a login page. So a refusal is not decided at once. If a recording of the same kind that was requested later
arrives, the refusal concerns its own recording only. After several refusals in a row, or at the end of the job, the kind is tested:
a recording that was verified before is opened. If it is refused too, the kind is held and no try is used up.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rokuon.domain.failures import (
    RecordingForbidden,
    RokuonError,
    SourceError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceScopeMissing,
    SourceThrottled,
    SourceUnavailable,
)
from rokuon.domain.ports import JobLedger, Source
from rokuon.domain.recording import RecordingKind
from rokuon.domain.work import VerifiedRecording, Work

log = logging.getLogger(__name__)

IN_A_ROW = 3
"""This many refused recordings in a row start the test of the kind; if none of the kind was ever verified, the kind is held."""

_REFUSED = (RecordingForbidden, SourceKindDenied, SourceKeyRefused)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`at` is the time of the refusal, in seconds of the clock."""

    work: Work
    error: RokuonError
    at: float


class KindRefusals:
    """Undecided refusals of one job, by kind. `clock` must be monotonic."""

    def __init__(self, source: Source, ledger: JobLedger, clock: Callable[[], float]) -> None:
        self._source, self._ledger, self._clock = source, ledger, clock
        self._open: defaultdict[RecordingKind, list[Refusal]] = defaultdict(list)
        self._arrived: dict[RecordingKind, VerifiedRecording] = {}
        self._testing = asyncio.Lock()

    def add(self, work: Work, error: RokuonError) -> bool:
        """Add a refusal. Return whether the kind must be tested now."""
        self._open[work.kind].append(Refusal(work, error, self._clock()))
        return len({one.work.recording_id for one in self._open[work.kind]}) >= IN_A_ROW

    def arrived(self, work: Work, asked_at: float) -> list[Refusal]:
        """Note that a recording requested at `asked_at` has arrived. Return the refusals that therefore concern single recordings only."""
        self._arrived[work.kind] = VerifiedRecording(work.kind, work.recording_id, work.url)
        known = self._open[work.kind]
        self._open[work.kind] = [one for one in known if one.at >= asked_at]
        return [one for one in known if one.at < asked_at]

    def undecided(self) -> list[RecordingKind]:
        return [kind for kind, refusals in self._open.items() if refusals]

    async def test(self, kind: RecordingKind) -> tuple[list[Refusal], RokuonError]:
        """Return the open refusals and their cause: RecordingForbidden if single recordings are refused, SourceScopeMissing or
        SourceKindDenied if the whole kind is, or the temporary fault that prevented the test."""
        async with self._testing:
            refusals = self._open.pop(kind, [])
            if not refusals:
                return [], RecordingForbidden()
            last = refusals[-1].error
            lost = last if isinstance(last, SourceKindDenied) else SourceScopeMissing(last.detail)
            try:
                opens = await kind_opens(self._source, [*self._known(kind), *await self._ledger.witnesses(kind)])
            except (SourceThrottled, SourceUnavailable) as passing:
                return refusals, passing
            if opens is None:
                several = len({one.work.recording_id for one in refusals}) >= IN_A_ROW
                # A single login page also holds the kind if none of it was ever verified: else the copy would be tried until it failed.
                opens = not several and not isinstance(last, SourceKindDenied)
            log.info("kind_tested", extra={"kind": kind.value, "refused": len(refusals), "opens": opens})
            return refusals, RecordingForbidden(last.detail) if opens else lost

    def _known(self, kind: RecordingKind) -> Iterable[VerifiedRecording]:
        return [self._arrived[kind]] if kind in self._arrived else []


async def kind_opens(source: Source, witnesses: Iterable[VerifiedRecording]) -> bool | None:
    """Whether Dialpad still serves a recording that was verified before; None if no witness shows it. Raises SourceThrottled and
    SourceUnavailable if Dialpad does not answer now."""
    refused = False
    for known in witnesses:
        try:
            async with source.open(known.kind, known.recording_id, known.url):
                return True
        except _REFUSED:
            refused = True
        except (SourceThrottled, SourceUnavailable):
            raise
        except SourceError:
            # Deleted in the meantime, or broken: this does not concern the other recordings.
            continue
    return False if refused else None
