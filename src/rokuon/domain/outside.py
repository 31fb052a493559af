"""Recorded calls outside every backup rule: which they are, and the line whose calls they are.

A recorded call is outside if Rokuon would store it for no target with a rule: the same test as for a backup (`legs.targets_of`). So the
personal call of someone who then passed the caller on to a contact center with a rule is outside, because no folder gets its recording. A
recording listed under several calls counts once, under the earliest, and not at all if one of them has a rule. Voicemail counts only where
the company backs it up.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .legs import LegIndex, RecordingId, id_order, inherits
from .recording import ListedCall, Party, RecordingKind, Scope


class LineKind(StrEnum):
    """Whose calls: the values are the source's words. `UNKNOWN`: the call names nothing, or something that Rokuon does not know."""

    CONTACT_CENTER = "callcenter"
    COACHING_TEAM = "coachingteam"
    DEPARTMENT = "department"
    OFFICE = "office"
    USER = "user"
    ROOM = "room"
    UNKNOWN = "unknown"


_KNOWN = {kind.value: kind for kind in LineKind}
_RANK = {kind: rank for rank, kind in enumerate((*list(LineKind)[:4], LineKind.UNKNOWN, LineKind.USER, LineKind.ROOM))}


@dataclass(frozen=True, slots=True)
class Line:
    """A contact center, department, main line (of an office), personal line (of a user) or room that owns a call; `name` as listed."""

    kind: LineKind
    id: str
    name: str = field(default="", compare=False)


NO_LINE = Line(LineKind.UNKNOWN, "")


@dataclass(frozen=True, slots=True)
class OutsideCall:
    """A recorded call outside every rule with the recordings kept under it. `again`: the call was returned before, with other
    recordings."""

    line: Line
    started_ms: int
    recordings: int
    again: bool = False
    call_id: str = ""


class OutsideFinder:
    """Finds the recorded calls outside every rule among the calls of a `Classifier`, by the legs that it knows.

    `ruled` are all targets of the company with a rule, whether or not this listing is sorted into them.
    """

    def __init__(
        self, legs: LegIndex, ruled: Container[Scope], trainees: Mapping[str, Iterable[str]], kinds: Collection[RecordingKind]
    ) -> None:
        self._legs, self._ruled, self._trainees, self._kinds = legs, ruled, trainees, kinds
        self._done: dict[str, set[RecordingId | None]] = {}
        self._inside_after_all: set[str] = set()

    def settled(self, call_ids: Iterable[str], held: Container[str]) -> list[OutsideCall]:
        """Return what is new about these calls, whose linked legs have arrived. A call in `held` is settled later."""
        found: dict[str, list[RecordingId]] = {}
        for leg in (self._legs[call_id] for call_id in call_ids):
            if self._inside(leg):
                if leg.id in self._done:
                    self._inside_after_all.add(leg.id)
            elif self._recorded(leg):
                if self._nothing_listed(leg):
                    found.setdefault(leg.id, [])
                for keeper, recording in self._kept(leg, held):
                    if recording not in found.setdefault(keeper, []):
                        found[keeper].append(recording)
        return [call for call_id, recordings in found.items() if (call := self._new(self._legs[call_id], recordings)) is not None]

    def inside_after_all(self) -> set[str]:
        """Return the calls that were returned as outside, and of which a leg that arrived later shows that they are not, since the last
        time."""
        found, self._inside_after_all = self._inside_after_all, set()
        return found

    def forget(self, call_id: str) -> None:
        self._done.pop(call_id, None)

    def _recorded(self, leg: ListedCall) -> bool:
        return leg.was_recorded or bool(leg.recordings)

    def _inside(self, leg: ListedCall) -> bool:
        return bool(self._legs.targets_of(leg, self._ruled, self._trainees))

    def _nothing_listed(self, leg: ListedCall) -> bool:
        """Whether the call was recorded and neither it nor a linked leg lists a recording (`Classified.details_missing`)."""
        return leg.was_recorded and not any(one.recordings for one in (leg, *self._legs.linked(leg)))

    def _kept(self, leg: ListedCall, held: Container[str]) -> Iterator[tuple[str, RecordingId]]:
        """Yield the leg's recordings that no target with a rule gets, each with the call that keeps it."""
        for entry in leg.recordings:
            recording = (entry.kind, entry.id)
            listing = self._legs.listing(recording)
            if entry.kind not in self._kinds or any(recording in self._done.get(one.id, ()) for one in listing):
                continue
            keeper = min(listing, key=lambda one: (one.started_ms, id_order(one.id)))
            if keeper.id not in held and not (len(listing) > 1 and any(self._inside(one) for one in listing)):
                yield keeper.id, recording

    def _new(self, leg: ListedCall, recordings: list[RecordingId]) -> OutsideCall | None:
        done = self._done.get(leg.id)
        if done is not None and not recordings:
            return None
        self._done.setdefault(leg.id, set()).update(recordings)
        return OutsideCall(self._line_of(leg), leg.started_ms, len(recordings), again=done is not None, call_id=leg.id)

    def _line_of(self, leg: ListedCall) -> Line:
        """Return the line that owns the call: a contact center goes before a team, a department, a main line and a person, and what the
        call names itself before what the legs above and below it name."""
        linked = sorted((one for one in self._legs.linked(leg) if inherits(leg, one)), key=lambda one: (one.started_ms, id_order(one.id)))
        parties = [party for one in (leg, *linked) for party in (one.target, one.entry_point_target, one.proxy_target, one.group) if party]
        lines = [_line(party) for party in parties]
        line = min(lines, key=lambda one: _RANK[one.kind], default=NO_LINE)
        return next((one for one in lines if one == line and one.name), line)


def _line(party: Party) -> Line:
    return Line(_KNOWN.get(party.type, LineKind.UNKNOWN), party.id, party.name)
