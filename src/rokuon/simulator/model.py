"""Data model of a simulated Dialpad company. Times are epoch milliseconds UTC, ids are integers below 2^53."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["callrecording", "admincallrecording", "voicemail"]
Leg = Literal["group", "agent", "user"]


@dataclass(slots=True, eq=False)
class Office:
    id: int
    name: str
    timezone: str
    country: str
    phone: str
    primary: bool
    state: str = "active"
    wire_type = "office"
    email = ""


@dataclass(slots=True, eq=False)
class Center:
    """A contact center; admin_kind says whether its automatic recordings belong to its administrators."""

    id: int
    name: str
    office: Office
    phone: str
    admin_kind: bool
    operators: list["User"] = field(default_factory=list)
    state: str = "active"
    wire_type = "call_center"
    email = ""


@dataclass(slots=True, eq=False)
class Department:
    """A group that answers calls and is no contact center: no list of the API names it, only its calls do."""

    id: int
    name: str
    office: Office
    phone: str
    wire_type = "department"
    email = ""


@dataclass(slots=True, eq=False)
class Team:
    id: int
    name: str
    office: Office
    coaches: list["User"] = field(default_factory=list)
    trainees: list["User"] = field(default_factory=list)
    state: str = "active"


@dataclass(slots=True, eq=False)
class User:
    """A person. team is the coaching team that trains the person; a coach is only in the team's list."""

    id: int
    first: str
    last: str
    office: Office
    phone: str
    email: str
    is_admin: bool = False
    is_super_admin: bool = False
    admin_offices: list[int] = field(default_factory=list)
    team: Team | None = None
    state: str = "active"
    wire_type = "user"

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}".strip()


Target = Office | Center | Department | User


@dataclass(slots=True, eq=False)
class Recording:
    """One audio file. It is listed and fetchable if it is published and not deleted and the switches' delay after the call has passed."""

    id: int
    serial: int
    kind: Kind
    start: int
    duration_ms: int
    kbps: int
    call: "Call"
    published: bool = True
    deleted: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One leg of a conversation. partner is the other leg (group and agent); master connects the parts of a transferred talk."""

    id: int
    serial: int
    started: int
    connected: int | None
    ended: int
    direction: Literal["inbound", "outbound"]
    target: Target
    leg: Leg
    office: Office
    center: Center | None = None
    agent: User | None = None
    partner: "Call | None" = None
    master: int | None = None
    transferred: bool = False
    state: str = "hangup"
    recordings: list[Recording] = field(default_factory=list)
    # True: the call has was_recorded although no recording exists or ever will.
    ghost: bool = False

    @property
    def anonymized(self) -> bool:
        """Whether this is the call of a deleted user, which is listed only on request."""
        return isinstance(self.target, User) and self.target.state == "deleted"

    @property
    def conversation(self) -> list["Call"]:
        """The legs of this conversation, group leg first."""
        if self.partner is None:
            return [self]
        return [self, self.partner] if self.leg == "group" else [self.partner, self]


@dataclass
class Company:
    """One tenant and its people. Calls are in its CallBook."""

    id: int
    name: str
    domain: str
    offices: list[Office]
    centers: list[Center]
    teams: list[Team]
    users: list[User]
