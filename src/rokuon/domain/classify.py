"""Which backed-up targets a listed call belongs to, under which call a recording is kept, and whose name it carries.

A call (leg) belongs to a contact center that it names as target, entry point, proxy or group, or that a linked leg names
(`legs.inherits`); to a coaching team where its user is a trainee (article points M6 to M9). A recording listed under several legs is
one recording: for each target it is kept under the target's own leg, else the earliest, else the smallest id, whatever the order of
the listing.

Pages come newest first, so the agent's leg usually comes before the group leg, which started earlier. `Classifier` therefore holds
calls back until what they are linked to has come. `classify` is for a batch that is complete in itself: a whole window, or one that
overlaps its neighbours by the length of a conversation.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .legs import LegIndex, RecordingId, id_order, is_own
from .recording import ListedCall, RecordingKind, Scope

ALWAYS_BACKED_UP = frozenset({RecordingKind.CALL, RecordingKind.ADMIN})
"""Voicemail is backed up by choice only (docs/design/ledger.md)."""

HOLD_MS = 15 * 60_000
PATIENCE_MS = 2 * 3_600_000
MAX_LEGS = 10_000
NOTHING_YET = 2**63 - 1
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ClassifiedRecording:
    """A recording for a target. Times are the keeping call's, epoch ms UTC; `agent` is None where nobody is known.

    `agent_leg_missing`: as of the keeping call; a wider listing may know the name.
    `excluded`: of a kind that was not chosen; shown and counted, not copied.
    """

    kind: RecordingKind
    id: str
    url: str
    duration_ms: int | None
    call_id: str
    started_ms: int
    ended_ms: int | None
    agent: str | None
    agent_leg_missing: bool
    excluded: bool


@dataclass(frozen=True, slots=True)
class Classified:
    """A call for a target it belongs to, with the recordings kept under it that were not handed out before.

    `listed` counts every recording that the source lists under the call or a leg linked to it: which leg carries the recording
    of a conversation varies, and `was_recorded` may stand on the other. `agent_leg_missing`: the
    call names an agent's leg that was not among the calls given, which may carry a recording of its own; list wider.
    """

    target: Scope
    call_id: str
    started_ms: int
    ended_ms: int | None
    was_recorded: bool
    listed: int
    agent_leg_missing: bool
    recordings: tuple[ClassifiedRecording, ...] = ()

    @property
    def details_missing(self) -> bool:
        """Recorded, but nothing to fetch."""
        return self.was_recorded and self.listed == 0


def classify(
    calls: Sequence[ListedCall],
    backed_up: Container[Scope],
    trainees: Mapping[str, Iterable[str]],
    *,
    kinds: Collection[RecordingKind] = ALWAYS_BACKED_UP,
    names: Mapping[str, str] = NO_NAMES,
) -> list[Classified]:
    """A whole batch at once, newest call first; the same for every order of `calls`. `trainees`: team ids by user id;
    `names`: people's, by user id."""
    classifier = Classifier(backed_up, trainees, kinds=kinds, names=names)
    classifier.take(calls)
    return classifier.finish()


class Classifier:
    """Classifies a listing page by page, newest first, in bounded memory.

    A call is handed out once the listing has gone on for 15 min before its start, by when the group leg of an agent's leg has come;
    or for 2 h where its entry point has not come, since a caller may have waited in a queue. It is remembered for 2 h more. A call
    that turns out to belong to a target only after it was handed out is handed out again, for that target. At most `max_legs` calls
    are kept, half of them held; past that the newest go early.

    A conversation can lie across the border of two windows. So either use one Classifier for windows that follow one another without
    a gap, newest first, and `finish` after the last; or let each window reach `PATIENCE_MS` into its neighbours. Handing a call out
    twice does no harm.
    """

    def __init__(
        self,
        backed_up: Container[Scope],
        trainees: Mapping[str, Iterable[str]],
        *,
        kinds: Collection[RecordingKind] = ALWAYS_BACKED_UP,
        max_legs: int = MAX_LEGS,
        names: Mapping[str, str] = NO_NAMES,
    ) -> None:
        self._backed_up, self._trainees, self._kinds = backed_up, trainees, kinds
        self._max_legs = max_legs
        self._legs = LegIndex(names)
        self._held: set[str] = set()
        self._handed_out: dict[str, set[tuple[Scope, RecordingId | None]]] = {}
        self._oldest_ms = NOTHING_YET

    @property
    def mark_ms(self) -> int:
        """The resume mark: every call fed so far that started at or after it was handed out, and none can still come.

        A new Classifier that is fed the calls before the mark hands out all the others: the mark lies `HOLD_MS` above the newest call
        still held, so that the legs needed with it are listed again. `NOTHING_YET`, later than any time, before the first call.
        """
        if self._oldest_ms == NOTHING_YET:
            return NOTHING_YET
        return max((self._legs[call_id].started_ms for call_id in self._held), default=self._oldest_ms) + HOLD_MS + 1

    def feed(self, page_calls: Iterable[ListedCall]) -> list[Classified]:
        """What the calls of the next page, older than those before, allow to hand out."""
        changed = self.take(page_calls)
        due = {call_id for call_id in self._held if self._is_due(self._legs[call_id])}
        if len(self._held) > self._max_legs // 2:
            # More than the excess at once, so that a listing at the limit does not sort for every page.
            due.update(sorted(self._held, key=self._newest_first)[: len(self._held) - self._max_legs // 4])
        answer = self._hand_out(due | (changed - self._held))
        self._forget()
        return answer

    def take(self, calls: Iterable[ListedCall]) -> set[str]:
        """Hold calls back without handing any out. Answers the calls whose targets may have changed."""
        changed: set[str] = set()
        for call in calls:
            known = self._legs.get(call.id)
            leg = self._legs.add(call)
            if leg is known:
                continue
            if known is None:
                self._held.add(leg.id)
            self._oldest_ms = min(self._oldest_ms, leg.started_ms)
            changed.add(leg.id)
            changed.update(other.id for other in self._legs.linked(leg))
        return changed

    def finish(self) -> list[Classified]:
        """Everything still held back: nothing older will come."""
        return self._hand_out(self._held.copy())

    def unclear(self) -> set[str]:
        """The calls that more legs may still change: one that names a leg which has not come, or a recording without an agent's name."""
        return {leg.id for leg in self._legs if self._legs.is_unclear(leg)}

    def _is_due(self, leg: ListedCall) -> bool:
        waits = leg.entry_point_call_id and leg.entry_point_call_id not in self._legs
        return leg.started_ms - self._oldest_ms > (PATIENCE_MS if waits else HOLD_MS)

    def _newest_first(self, call_id: str) -> tuple[int, tuple[int, str]]:
        return -self._legs[call_id].started_ms, id_order(call_id)

    def _forget(self) -> None:
        excess = len(self._legs) - self._max_legs
        gone: list[str] = []
        for leg in self._legs:
            if len(gone) >= excess and leg.started_ms - self._oldest_ms <= 2 * PATIENCE_MS:
                break
            if leg.id not in self._held:
                gone.append(leg.id)
        for call_id in gone:
            self._legs.drop(call_id)
            self._handed_out.pop(call_id, None)

    # --- handing out --------------------------------------------------------------------------------------------------

    def _targets(self, leg: ListedCall) -> list[Scope]:
        return self._legs.targets_of(leg, self._backed_up, self._trainees)

    def _hand_out(self, call_ids: set[str]) -> list[Classified]:
        """What is new about these calls. Afterwards none of them is held."""
        self._held -= call_ids
        new: dict[tuple[str, Scope], list[ClassifiedRecording]] = {}
        for call_id in call_ids:
            leg = self._legs[call_id]
            for target in self._targets(leg):
                if self._first_time(leg.id, target, None):
                    new.setdefault((leg.id, target), [])
                for entry in leg.recordings:
                    self._keep(target, (entry.kind, entry.id), new)
        rows = []
        for call_id, target in sorted(new, key=lambda row: (*self._newest_first(row[0]), row[1])):
            leg = self._legs[call_id]
            recordings = tuple(sorted(new[call_id, target], key=lambda entry: (entry.kind, id_order(entry.id))))
            conversation = (leg, *self._legs.linked(leg))
            listed = len({(entry.kind, entry.id) for one in conversation for entry in one.recordings})
            lacks = self._legs.lacks_agent_leg(leg)
            rows.append(Classified(target, leg.id, leg.started_ms, leg.ended_ms, leg.was_recorded, listed, lacks, recordings))
        return rows

    def _keep(self, target: Scope, recording: RecordingId, new: dict[tuple[str, Scope], list[ClassifiedRecording]]) -> None:
        """Enter a recording under the one of its legs that keeps it, unless it was handed out or that leg is still to come."""
        legs = self._legs.listing(recording)
        if len(legs) > 1:
            legs = [leg for leg in legs if target in self._targets(leg)]
            legs.sort(key=lambda leg: (not is_own(leg, target), leg.started_ms, id_order(leg.id)))
        keeper = legs[0]
        if keeper.id in self._held or any((target, recording) in self._handed_out.get(leg.id, ()) for leg in legs):
            return
        self._first_time(keeper.id, target, recording)
        listings = [entry for leg in legs for entry in leg.recordings if (entry.kind, entry.id) == recording]
        new.setdefault((keeper.id, target), []).append(
            ClassifiedRecording(
                kind=recording[0],
                id=recording[1],
                url=next((entry.url for entry in listings if entry.url), ""),
                duration_ms=next((entry.duration_ms for entry in listings if entry.duration_ms is not None), None),
                call_id=keeper.id,
                started_ms=keeper.started_ms,
                ended_ms=keeper.ended_ms,
                agent=next((name for leg in legs if (name := self._legs.agent_of(leg))), None),
                agent_leg_missing=self._legs.lacks_agent_leg(keeper),
                excluded=recording[0] not in self._kinds,
            )
        )

    def _first_time(self, call_id: str, target: Scope, recording: RecordingId | None) -> bool:
        done = self._handed_out.setdefault(call_id, set())
        if (target, recording) in done:
            return False
        done.add((target, recording))
        return True
