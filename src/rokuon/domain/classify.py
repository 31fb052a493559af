"""Assign listed calls to backed-up targets, and each recording to the call and the agent's name under which it is stored.

A call (leg) belongs to a contact center that it names as target, entry point, proxy or group, or that a linked leg names
(`legs.inherits`); it belongs to a coaching team if its user is a trainee of the team (article points M6 to M9). A recording listed under
several legs is one recording: for each target it is kept under the target's own leg, else the earliest, else the smallest id, for any
order of the listing.

Pages arrive newest first, so the agent's leg usually arrives before the group leg, which started earlier. `Classifier` therefore holds
calls back until the legs linked to them have arrived. `classify` is for a complete batch: a whole window, or one that overlaps its
neighbours by the length of a conversation.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from .legs import LegIndex, RecordingId, id_order, is_own
from .other_party import NO_PARTY, ListedParty
from .outside import OutsideCall, OutsideFinder
from .recording import ListedCall, RecordingKind, Scope

ALWAYS_BACKED_UP = frozenset({RecordingKind.CALL, RecordingKind.ADMIN})
"""Voicemail is backed up by choice only (docs/design/ledger.md)."""

WAIT_FOR_LEGS_MS = 15 * 60_000
PATIENCE_MS = 2 * 3_600_000
MAX_LEGS = 10_000
NOTHING_YET = 2**63 - 1
NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ClassifiedRecording:
    """A recording for a target. Times are those of the call that keeps it, epoch ms UTC; `agent` is None if no agent is known.

    `agent_leg_missing`: the value of the call that keeps it; a wider listing may contain the name.
    `excluded`: the company did not choose this kind; it is shown and counted, not copied.
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
    other: ListedParty = NO_PARTY


@dataclass(frozen=True, slots=True)
class Classified:
    """A call for one of its targets, with the recordings kept under it that were not returned before.

    `listed` counts every recording that the source lists under the call or a leg linked to it: the recording of a conversation may be on
    either leg, and `was_recorded` may be set on the other. `agent_leg_missing`: the call names an agent's leg that was not among the given
    calls and that may have a recording of its own; a wider listing is needed.
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
        """Whether the call was recorded and there is nothing to fetch."""
        return self.was_recorded and self.listed == 0


def classify(
    calls: Sequence[ListedCall],
    backed_up: Container[Scope],
    trainees: Mapping[str, Iterable[str]],
    *,
    kinds: Collection[RecordingKind] = ALWAYS_BACKED_UP,
    names: Mapping[str, str] = NO_NAMES,
) -> list[Classified]:
    """Classify a complete batch; the newest call is first in the result, for any order of `calls`. `trainees`: team ids by user id;
    `names`: users' names by user id."""
    classifier = Classifier(backed_up, trainees, kinds=kinds, names=names)
    classifier.take(calls)
    return classifier.finish()


class Classifier:
    """Classifies a listing page by page, newest first, in bounded memory.

    A call is returned once the listing has reached 15 min before its start, because the group leg of an agent's leg has arrived by then.
    If its entry point has not arrived, it is returned after 2 h of the listing, since a caller may have waited in a queue. It is
    remembered for 2 h more. If a later leg shows that a returned call belongs to one more target, the call is returned again for that
    target. At most `max_legs` calls are kept, half of them held; beyond that the newest are returned early.

    A conversation can cross the border of two windows. So either use one Classifier for adjacent windows, newest first, and `finish` after
    the last; or let each window overlap its neighbours by `PATIENCE_MS`. Returning a call twice does no harm.

    With `ruled`, all targets of the company with a rule, it also finds the recorded calls that belong to none of them (`outside`).
    """

    def __init__(
        self,
        backed_up: Container[Scope],
        trainees: Mapping[str, Iterable[str]],
        *,
        kinds: Collection[RecordingKind] = ALWAYS_BACKED_UP,
        max_legs: int = MAX_LEGS,
        names: Mapping[str, str] = NO_NAMES,
        ruled: Container[Scope] | None = None,
    ) -> None:
        self._backed_up, self._trainees, self._kinds = backed_up, trainees, kinds
        self._max_legs = max_legs
        self._legs = LegIndex(names)
        self._held: set[str] = set()
        self._handed_out: dict[str, set[tuple[Scope, RecordingId | None]]] = {}
        self._oldest_ms = NOTHING_YET
        self._finder = OutsideFinder(self._legs, ruled, trainees, kinds) if ruled is not None else None
        self._outside: list[OutsideCall] = []

    @property
    def mark_ms(self) -> int:
        """The resume mark: every call that started at or after it was returned, and no further such call can arrive.

        A new Classifier that is fed the calls before the mark returns all the others: the mark is `WAIT_FOR_LEGS_MS` later than the newest
        call still held, so that the legs needed with it are listed again. Before the first call it is `NOTHING_YET`, later than any time.
        """
        if self._oldest_ms == NOTHING_YET:
            return NOTHING_YET
        return max((self._legs[call_id].started_ms for call_id in self._held), default=self._oldest_ms) + WAIT_FOR_LEGS_MS + 1

    def feed(self, page_calls: Iterable[ListedCall]) -> list[Classified]:
        """Take the calls of the next page, which are older than those before, and return the calls that are complete now."""
        changed = self.take(page_calls)
        due = {call_id for call_id in self._held if self._is_due(self._legs[call_id])}
        if len(self._held) > self._max_legs // 2:
            # Return more than the excess, so that a listing at the limit does not sort for every page.
            due.update(sorted(self._held, key=self._newest_first)[: len(self._held) - self._max_legs // 4])
        answer = self._hand_out(due | (changed - self._held))
        self._forget()
        return answer

    def take(self, calls: Iterable[ListedCall]) -> set[str]:
        """Hold calls back. Return the ids of the calls whose targets may have changed."""
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
        """Return all calls still held back, because no older call will arrive."""
        return self._hand_out(self._held.copy())

    def outside(self) -> list[OutsideCall]:
        """Return the recorded calls outside every rule among the calls returned since the last time; none without `ruled`."""
        found, self._outside = self._outside, []
        return found

    def inside_after_all(self) -> set[str]:
        """Return the ids of calls that `outside` has returned, and that a leg that arrived later shows to belong to a target with a rule,
        since the last time."""
        return self._finder.inside_after_all() if self._finder is not None else set()

    def unclear(self) -> set[str]:
        """Return the calls that more legs may still change: they name a leg that has not arrived, or have a recording without an agent."""
        return {leg.id for leg in self._legs if self._legs.is_unclear(leg)}

    def _is_due(self, leg: ListedCall) -> bool:
        waits = leg.entry_point_call_id and leg.entry_point_call_id not in self._legs
        return leg.started_ms - self._oldest_ms > (PATIENCE_MS if waits else WAIT_FOR_LEGS_MS)

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
            if self._finder is not None:
                self._finder.forget(call_id)

    # --- returning calls ----------------------------------------------------------------------------------------------

    def _targets(self, leg: ListedCall) -> list[Scope]:
        return self._legs.targets_of(leg, self._backed_up, self._trainees)

    def _hand_out(self, call_ids: set[str]) -> list[Classified]:
        """Return the new facts about these calls. Afterwards none of them is held."""
        self._held -= call_ids
        if self._finder is not None:
            self._outside += self._finder.settled(call_ids, self._held)
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
        """Enter a recording under the one of its legs that keeps it, unless it was returned before or that leg is still held."""
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
                other=self._legs.other_of(legs),
            )
        )

    def _first_time(self, call_id: str, target: Scope, recording: RecordingId | None) -> bool:
        done = self._handed_out.setdefault(call_id, set())
        if (target, recording) in done:
            return False
        done.add((target, recording))
        return True
