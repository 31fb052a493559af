"""Data that a source lists: calls, their recordings, and the targets they may belong to.

Ids are text, as the source wrote them. Times are epoch milliseconds in UTC, durations are milliseconds.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from .other_party import NO_PARTY, ListedParty


class RecordingKind(StrEnum):
    """The kinds of recording that Dialpad knows (its docs, "Downloading call recordings")."""

    CALL = "callrecording"
    ADMIN = "admincallrecording"
    VOICEMAIL = "voicemail"


class TargetKind(StrEnum):
    """The kinds of target that a backup rule can name. The values are the source's filter words."""

    CONTACT_CENTER = "callcenter"
    COACHING_TEAM = "coachingteam"


class ScopeKind(StrEnum):
    """The kinds of node in the settings tree; a listing can be requested for each."""

    COMPANY = "company"
    OFFICE = "office"
    CONTACT_CENTER = "callcenter"
    COACHING_TEAM = "coachingteam"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One node of the settings tree, by the source's id ("" for the company)."""

    kind: ScopeKind
    id: str = ""


class Bound(StrEnum):
    """One end of a listing's range: calls that started after it, or before it."""

    AFTER = "after"
    BEFORE = "before"


COMPANY_SCOPE = Scope(ScopeKind.COMPANY)


@dataclass(frozen=True, slots=True)
class Party:
    """A user, group or other entity that a call leg names. `type` is normalised: lower case, no underscore ("callcenter", "user")."""

    type: str
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ListedRecording:
    """One entry of a call's recording list. `duration_ms` is None if the source lists none."""

    kind: RecordingKind
    id: str
    url: str
    started_ms: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One leg of a conversation, as listed. The call is concluded, but `ended_ms` may still be missing."""

    id: str
    started_ms: int
    ended_ms: int | None
    was_recorded: bool
    target: Party | None
    entry_point_target: Party | None = None
    proxy_target: Party | None = None
    group: Party | None = None
    entry_point_call_id: str = ""
    operator_call_id: str = ""
    master_call_id: str = ""
    recordings: tuple[ListedRecording, ...] = ()
    other: ListedParty = NO_PARTY


@dataclass(frozen=True, slots=True)
class MalformedItem:
    """A listed item that could not be read: it is kept apart, so that the others are processed. `why` contains no payload.

    The other fields hold what could still be read. `started_ms` is the call's start; if it is None, the neighbouring items in the list
    prove that the start is in [`after_ms`, `before_ms`), with None for an end that they do not prove. `kind` (the source's own word) and
    `recording_id` name the one recording of a readable call that could not be read. `parties` are the parties that the call names.
    `digest` identifies an item without a call id: it is the same whenever the item is listed.
    """

    why: str
    call_id: str = ""
    started_ms: int | None = None
    after_ms: int | None = None
    before_ms: int | None = None
    kind: str = ""
    recording_id: str = ""
    parties: tuple[Party, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of a listing, newest call first. `last`: no further page follows."""

    calls: tuple[ListedCall, ...]
    last: bool
    malformed: tuple[MalformedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Company:
    id: str
    name: str
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Office:
    """An office. `timezone` is a tz database name, "" if the source named no known zone; then `unknown_timezone` is the name it used."""

    id: str
    name: str
    timezone: str
    state: str = "active"
    unknown_timezone: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A contact center or a coaching team, whose calls are backed up."""

    kind: TargetKind
    id: str
    name: str
    office_id: str
    timezone: str = ""
    state: str = "active"
    unknown_timezone: str = ""


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    emails: tuple[str, ...] = ()
    state: str = "active"
    is_super_admin: bool = False
    admin_office_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """The result of a directory sync. `members` maps a coaching team's id to its trainees' user ids."""

    company: Company
    offices: tuple[Office, ...]
    targets: tuple[Target, ...]
    users: tuple[User, ...]
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
