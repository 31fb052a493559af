"""Index of the legs of conversations and of the links between them.

One conversation is listed as several calls: the group leg (target: the center; it names its agent's leg as operator), and a user leg
for each agent (it names the group leg as entry point). No single id connects them all, and each may have recordings of its own.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from .other_party import ListedParty
from .placement import UNKNOWN_AGENT, agent_name
from .recording import ListedCall, Party, RecordingKind, Scope, ScopeKind

_TARGET_KINDS = {kind.value: kind for kind in (ScopeKind.CONTACT_CENTER, ScopeKind.COACHING_TEAM)}
_AGENT_TYPES = ("user", "room")

RecordingId = tuple[RecordingKind, str]
_K = TypeVar("_K")


def id_order(call_id: str) -> tuple[int, str]:
    """Return a sort key that orders ids like numbers; they need not be numbers."""
    return len(call_id), call_id


def _scope(party: Party | None) -> Scope | None:
    kind = _TARGET_KINDS.get(party.type) if party else None
    return Scope(kind, party.id) if party and kind else None


def is_own(leg: ListedCall, target: Scope) -> bool:
    """Whether the leg is the target's own (a center's group leg), not one that only passed through it."""
    return _scope(leg.target) == target


def named_targets(leg: ListedCall, trainees: Mapping[str, Iterable[str]]) -> set[Scope]:
    """Return the centers and teams that the leg itself names, and the teams in which its user is a trainee."""
    parties = (leg.target, leg.entry_point_target, leg.proxy_target, leg.group)
    found = {scope for party in parties if (scope := _scope(party))}
    if leg.target and leg.target.type == "user":
        found.update(Scope(ScopeKind.COACHING_TEAM, team) for team in trainees.get(leg.target.id, ()))
    return found


def inherits(leg: ListedCall, center_leg: ListedCall) -> bool:
    """Whether a leg belongs to a center because another leg does: it has that leg as entry point, is its agent's leg (or the other way
    round), or has the same master call.

    This does not include the leg from which the call came to the center: it may be the personal call of a user who then transferred it.
    """
    return (
        leg.entry_point_call_id == center_leg.id
        or center_leg.operator_call_id == leg.id
        or leg.operator_call_id == center_leg.id
        or _master(leg) == _master(center_leg)
    )


def _master(leg: ListedCall) -> str:
    return leg.master_call_id or leg.id


def _fuller(one: ListedCall, other: ListedCall) -> ListedCall:
    """Join two listings of one call: the one with more data, with the recordings of both."""
    first, second = sorted((one, other), key=lambda leg: (-len(leg.recordings), not leg.was_recorded, -(leg.ended_ms or 0), repr(leg)))
    known = {(entry.kind, entry.id) for entry in first.recordings}
    more = tuple(entry for entry in second.recordings if (entry.kind, entry.id) not in known)
    party = first.other if first.other.number else second.other
    return replace(first, recordings=first.recordings + more, other=party) if more or party != first.other else first


class LegIndex:
    """Legs by id, and by the ids that they name. The caller drops legs that are no longer needed, which bounds the memory. `names` are
    users' names by user id, for legs without a name."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._legs: dict[str, ListedCall] = {}
        self._naming: dict[str, dict[str, None]] = {}
        self._listing: dict[RecordingId, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._legs)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._legs

    def __iter__(self) -> Iterator[ListedCall]:
        """In the order in which they were added."""
        return iter(self._legs.values())

    def __getitem__(self, call_id: str) -> ListedCall:
        return self._legs[call_id]

    def get(self, call_id: str) -> ListedCall | None:
        return self._legs.get(call_id)

    def add(self, leg: ListedCall) -> ListedCall:
        """Add a leg, joined with what was known of the same call, and return the result."""
        known = self._legs.get(leg.id)
        if known is not None:
            if known == leg:
                return known
            leg = _fuller(known, leg)
            self._forget_links(known)
        self._legs[leg.id] = leg
        for name in _names(leg):
            self._naming.setdefault(name, {})[leg.id] = None
        for entry in leg.recordings:
            self._listing.setdefault((entry.kind, entry.id), {})[leg.id] = None
        return leg

    def drop(self, call_id: str) -> None:
        self._forget_links(self._legs.pop(call_id))

    def _forget_links(self, leg: ListedCall) -> None:
        for name in _names(leg):
            _discard(self._naming, name, leg.id)
        for entry in leg.recordings:
            _discard(self._listing, (entry.kind, entry.id), leg.id)

    def linked(self, leg: ListedCall) -> list[ListedCall]:
        """Return every other indexed leg that names this one, is named by it, or names the same master call."""
        ids = dict.fromkeys(_names(leg))
        ids.update(self._naming.get(leg.id, {}))
        if leg.master_call_id:
            ids.update(self._naming.get(leg.master_call_id, {}))
        return [found for call_id in ids if call_id != leg.id and (found := self._legs.get(call_id))]

    def listing(self, recording: RecordingId) -> list[ListedCall]:
        return [self._legs[call_id] for call_id in self._listing.get(recording, {})]

    def targets_of(self, leg: ListedCall, backed_up: Container[Scope], trainees: Mapping[str, Iterable[str]]) -> list[Scope]:
        """Return the backed-up targets that a leg belongs to, in a fixed order."""
        found = named_targets(leg, trainees)
        for other in self.linked(leg):
            if inherits(leg, other):
                # A team's calls are those of its trainees: a leg linked to a trainee's leg is still another user's call.
                found.update(scope for scope in named_targets(other, {}) if scope.kind is ScopeKind.CONTACT_CENTER)
        return sorted(scope for scope in found if scope in backed_up)

    def agent_of(self, leg: ListedCall) -> str | None:
        """Return the agent's name: of the leg's own user, else of its operator, else of the first leg that has it as entry point; None if
        unknown.

        The name is in the leg or in the directory. Of the legs that have it as entry point, recorded ones go first, because legs that only
        rang are listed too.
        """
        below = [
            other
            for call_id in self._naming.get(leg.id, {})
            if (other := self._legs[call_id]).entry_point_call_id == leg.id and other.id != leg.id
        ]
        below.sort(key=lambda other: (not (other.was_recorded or other.recordings), other.started_ms, id_order(other.id)))
        for candidate in (leg, self.get(leg.operator_call_id), *below):
            if candidate and candidate.target and candidate.target.type in _AGENT_TYPES and (name := self._name_of(candidate.target)):
                return name
        return None

    def other_of(self, legs: Iterable[ListedCall]) -> ListedParty:
        """Return the other party of these legs of one recording: of the first leg, else of a linked one, that names a number."""
        told = list(legs)
        every = [*told, *(other for leg in told for other in self.linked(leg))]
        return next((leg.other for leg in every if leg.other.number), told[0].other)

    def _name_of(self, agent: Party) -> str:
        """Return a name with visible characters, "" if there is none."""
        for name in (agent.name, self._names.get(agent.id, "") if agent.type == "user" else ""):
            if agent_name(name) != UNKNOWN_AGENT:
                return name
        return ""

    def lacks_agent_leg(self, leg: ListedCall) -> bool:
        """Whether the leg is a group's leg and names an operator's leg that is not in the index."""
        own = leg.target is not None and leg.target.type in _AGENT_TYPES
        return not own and bool(leg.operator_call_id) and leg.operator_call_id not in self

    def is_unclear(self, leg: ListedCall) -> bool:
        """Whether a leg that is not in the index may add facts: this leg names it, or no agent is known for the recordings."""
        return any(name not in self for name in _names(leg)) or (bool(leg.recordings) and self._agent_is_a_guess(leg))

    def _agent_is_a_guess(self, leg: ListedCall) -> bool:
        """Whether no agent is known, or only a user whose leg rang: the leg of the user who answered may still arrive."""
        own = leg.target is not None and leg.target.type in _AGENT_TYPES
        below = (self._legs[call_id] for call_id in self._naming.get(leg.id, {}))
        answered = any(one.entry_point_call_id == leg.id and (one.was_recorded or one.recordings) for one in below)
        return self.agent_of(leg) is None or not (own or leg.operator_call_id or answered)


def _names(leg: ListedCall) -> list[str]:
    return [name for name in (leg.entry_point_call_id, leg.operator_call_id, leg.master_call_id) if name]


def _discard(index: dict[_K, dict[str, None]], key: _K, call_id: str) -> None:
    ids = index.get(key, {})
    ids.pop(call_id, None)
    if not ids:
        index.pop(key, None)
