"""Refused recordings: whether the key has lost a whole kind of them, or each is refused for itself.

Both answer alike: 401, 403, a login page. So a refusal is not decided at once. A recording of the kind that is asked for later and arrives
shows that it was the recording's own. Several refusals in a row, or the end of the job, put it to the test: a recording that was verified
before is opened. If that is refused too, the kind is held and no try is spent.
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
from rokuon.domain.ports import Source, WindowLedger
from rokuon.domain.recording import RecordingKind
from rokuon.domain.work import Witness, Work

log = logging.getLogger(__name__)

IN_A_ROW = 3
"""So many recordings refused in a row put the kind to the test; where none of the kind was ever verified, they hold it."""

_REFUSED = (RecordingForbidden, SourceKindDenied, SourceKeyRefused)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`at` is when it was met, in the seconds of the clock."""

    work: Work
    error: RokuonError
    at: float


class KindRefusals:
    """Of one job. `clock` only has to advance."""

    def __init__(self, source: Source, ledger: WindowLedger, clock: Callable[[], float]) -> None:
        self._source, self._ledger, self._clock = source, ledger, clock
        self._open: defaultdict[RecordingKind, list[Refusal]] = defaultdict(list)
        self._arrived: dict[RecordingKind, Witness] = {}
        self._testing = asyncio.Lock()

    def add(self, work: Work, error: RokuonError) -> bool:
        """Whether the kind is to be put to the test now."""
        self._open[work.kind].append(Refusal(work, error, self._clock()))
        return len({one.work.recording_id for one in self._open[work.kind]}) >= IN_A_ROW

    def arrived(self, work: Work, asked_at: float) -> list[Refusal]:
        """A recording that was asked for at this time has arrived. The refusals that it shows to be the recordings' own."""
        self._arrived[work.kind] = Witness(work.kind, work.recording_id, work.url)
        known = self._open[work.kind]
        self._open[work.kind] = [one for one in known if one.at >= asked_at]
        return [one for one in known if one.at < asked_at]

    def undecided(self) -> list[RecordingKind]:
        return [kind for kind, refusals in self._open.items() if refusals]

    async def test(self, kind: RecordingKind) -> tuple[list[Refusal], RokuonError]:
        """The refusals that are open, and what they are: RecordingForbidden for the recordings' own, SourceScopeMissing or
        SourceKindDenied for the whole kind, or the passing fault that keeps the test from telling."""
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
                # One login page where nothing of the kind was ever verified is held too: else it would be asked for until it failed.
                opens = not several and not isinstance(last, SourceKindDenied)
            log.info("kind_tested", extra={"kind": kind.value, "refused": len(refusals), "opens": opens})
            return refusals, RecordingForbidden(last.detail) if opens else lost

    def _known(self, kind: RecordingKind) -> Iterable[Witness]:
        return [self._arrived[kind]] if kind in self._arrived else []


async def kind_opens(source: Source, witnesses: Iterable[Witness]) -> bool | None:
    """Whether a recording that was verified before is still handed out; None where nothing tells. Raises SourceThrottled and
    SourceUnavailable where Dialpad does not answer now."""
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
            # Deleted meanwhile, or broken: that says nothing about the others.
            continue
    return False if refused else None
