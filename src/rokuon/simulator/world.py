"""Generates worlds: companies, people and years of calls, deterministically from a WorldSpec. The same spec gives the same world."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from . import names, other_lines
from .calls import CallBook
from .model import Call, Center, Company, Kind, Office, Recording, Team, User

DAY_MS = 86_400_000


@dataclass(frozen=True)
class WorldSpec:
    """Size and shape of a world. now_ms is its current time: no call ends after it. Counts are per company."""

    now_ms: int
    seed: int = 1
    companies: int = 1
    offices: int = 3
    centers: int = 6
    teams: int = 2
    users: int = 24
    # Recordings in all, voicemail included. With 0 use calls instead, a number of call legs without any recording.
    recordings: int = 400
    calls: int = 0
    days: int = 730
    # Share of answered conversations that have a recording.
    recorded_share: float = 0.8
    # Seconds of talk: shortest, typical, longest.
    talk_s: tuple[float, float, float] = (3.0, 45.0, 180.0)
    # One much longer call (seconds), 0 = none. Newer calls that ended sooner are listed before it appears.
    long_call_s: float = 1500.0
    kbps: tuple[int, ...] = (8, 16)
    # Calls that have was_recorded but never anything to fetch.
    ghosts: int = 0
    # The last user is deleted and the user's calls are anonymized.
    deleted_user: bool = False
    # Recorded calls of each office's main line, and of a department in it, beside `recordings`.
    other_lines: int = 0


@dataclass
class World:
    """Companies, their calls and all recordings. Mutable: calls end, recordings appear and disappear, names change."""

    spec: WorldSpec
    companies: dict[int, Company] = field(default_factory=dict)
    books: dict[int, CallBook] = field(default_factory=dict)
    recordings: dict[int, Recording] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)
    makers: dict[int, "Maker"] = field(default_factory=dict)

    @property
    def first(self) -> Company:
        return next(iter(self.companies.values()))

    def enter(self, company_id: int, calls: list[Call]) -> None:
        """Add calls with their recordings to an existing company."""
        for call in calls:
            self.books[company_id].add(call)
            self._own(company_id, call)

    def _own(self, company_id: int, call: Call) -> None:
        for recording in call.recordings:
            self.recordings[recording.id] = recording
            self.owner[recording.id] = company_id


def build(spec: WorldSpec) -> World:
    """Make the world that spec describes."""
    world = World(spec)
    for number in range(spec.companies):
        maker = Maker(spec, number)
        calls = maker.history()
        world.companies[maker.company.id] = maker.company
        world.makers[maker.company.id] = maker
        world.books[maker.company.id] = CallBook(calls)
        for call in calls:
            world._own(maker.company.id, call)
    return world


class Maker:
    """Makes one company and its calls, in an order that depends only on the seed and the company's number."""

    def __init__(self, spec: WorldSpec, number: int) -> None:
        self.spec, self.number = spec, number
        self.rng = random.Random(f"{spec.seed}/{number}")
        self._serial = number << 32
        self.made = 0
        self.company = self._company()

    def new_id(self) -> int:
        """Return a new 16-digit id: unique, below 2^53, in no visible order (multiplying by an odd number permutes 0..2^51-1)."""
        self._serial += 1
        return 4_500_000_000_000_000 + (self._serial * 1_181_783_497_276_653 + self.spec.seed * 977) % 2**51

    def _phone(self) -> str:
        return f"+1415555{self.rng.randrange(10_000):04d}"

    def _company(self) -> Company:
        spec, company_id = self.spec, self.new_id()
        title = names.COMPANIES[self.number % len(names.COMPANIES)]
        domain = f"company{self.number + 1}.example.com"
        offices = []
        for i in range(spec.offices):
            name, zone, country = names.OFFICES[i % len(names.OFFICES)]
            offices.append(Office(self.new_id(), name, zone, country, self._phone(), primary=i == 0))
        centers = []
        for i in range(spec.centers):
            name = names.CENTERS[i] if i < len(names.CENTERS) else f"Center {i + 1}"
            centers.append(Center(self.new_id(), name, offices[i % len(offices)], self._phone(), admin_kind=i % 3 == 1))
        teams = []
        for i in range(spec.teams):
            name = names.TEAMS[i] if i < len(names.TEAMS) else f"Team {i + 1}"
            teams.append(Team(self.new_id(), name, offices[i % len(offices)]))
        users = [self._user(i, offices, domain) for i in range(spec.users)]
        if spec.deleted_user:
            users[-1].state = "deleted"
        # Every center has at least one operator; every team has three trainees and a coach from the same people.
        for i, user in enumerate(users):
            if centers:
                centers[i % len(centers)].operators.append(user)
        for i, center in enumerate(centers):
            if not center.operators:
                center.operators.append(users[i % len(users)])
        for i, team in enumerate(teams):
            team.coaches.append(users[(5 * i) % len(users)])
            for user in (users[(5 * i + k) % len(users)] for k in (1, 2, 3)):
                if user.team is None:
                    user.team = team
                    team.trainees.append(user)
        return Company(company_id, title, domain, offices, centers, teams, users)

    def _user(self, i: int, offices: list[Office], domain: str) -> User:
        if i < len(names.PEOPLE):
            first, last = names.PEOPLE[i]
        else:
            first, last = self.rng.choice(names.GIVEN), self.rng.choice(names.FAMILY)
        office = offices[i % len(offices)]
        user = User(self.new_id(), first, last, office, self._phone(), f"user{i + 1}@{domain}")
        if i == 0:
            user.is_admin = user.is_super_admin = True
        # One admin per office after the super admin; the last office has none, so mails about it need another recipient.
        if 1 <= i < len(offices):
            user.admin_offices = [offices[i - 1].id]
        return user

    # --- calls

    def history(self) -> list[Call]:
        """Return all calls up to now_ms, until there are as many recordings (or call legs) as wanted."""
        spec, rng, calls = self.spec, self.rng, list[Call]()
        wanted = spec.recordings or spec.calls
        starts = self._edge_starts()
        newest, oldest = spec.now_ms, spec.now_ms - spec.days * DAY_MS
        if spec.long_call_s and spec.recordings >= 20 and self.company.centers:
            calls += self._long_call()
        while (self.made if spec.recordings else len(calls)) < wanted:
            left = wanted - self.made
            talk_ms = self._talk_ms()
            if starts:
                start = starts.pop()
            elif calls and rng.random() < 0.02:
                # Two calls in the same millisecond: a page may end between them.
                start = calls[-1].started
            else:
                start = rng.randrange(oldest, newest)
            start = min(start, newest - 2 * talk_ms - 120_000)
            calls += self.conversation(start, talk_ms, left if spec.recordings else 0)
        self._ghosts(calls)
        return [*(calls if spec.recordings else calls[:wanted]), *other_lines.calls(self, spec.other_lines)]

    def _ghosts(self, calls: list[Call]) -> None:
        for call in [c for c in calls if not any(leg.recordings for leg in c.conversation)][: self.spec.ghosts]:
            call.ghost = True

    def _long_call(self) -> list[Call]:
        talk_ms = round(self.spec.long_call_s * 1000)
        legs = self.center_call(self.company.centers[0], self.spec.now_ms - DAY_MS // 2 - 2 * talk_ms, talk_ms, 0)
        self.add(legs[0], "callrecording", legs[0].started + 30_000, talk_ms - 30_000)
        return legs

    def _talk_ms(self) -> int:
        low, typical, high = self.spec.talk_s
        return round(min(high, max(low, self.rng.lognormvariate(0.0, 0.7) * typical)) * 1000)

    def _edge_starts(self) -> list[int]:
        """Return the last millisecond of a day and the first of the next, in each office's zone: the folder's name changes there."""
        edges = []
        for office in self.company.offices:
            day = datetime.fromtimestamp(self.spec.now_ms / 1000, UTC) - timedelta(days=min(10, self.spec.days))
            midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(office.timezone))
            edges += [int(midnight.timestamp()) * 1000, int(midnight.timestamp()) * 1000 - 1]
        return edges

    def conversation(self, start: int, talk_ms: int, left: int) -> list[Call]:
        """Return the legs of one conversation or a transferred pair, with at most left recordings."""
        rng, company = self.rng, self.company
        roll = rng.random()
        if not company.centers or roll < 0.18:
            return self.user_call(rng.choice(company.users), start, talk_ms, left)
        center = rng.choice(company.centers)
        if roll < 0.28:
            return self.missed(center, start, left if rng.random() < 0.5 else 0)
        calls = self.center_call(center, start, talk_ms, left)
        if roll > 0.95:
            master = self.new_id()
            onward = self.center_call(rng.choice(company.centers), calls[0].ended, talk_ms // 2 + 3000, left - self._count(calls))
            for call in onward:
                call.transferred = True
            for call in (calls[0], onward[0]):
                call.master = master
            calls += onward
        return calls

    def center_call(self, center: Center, start: int, talk_ms: int, left: int) -> list[Call]:
        """Return an answered call of a contact center: its group leg and the agent's leg."""
        rng = self.rng
        agent = rng.choice(center.operators)
        ring = rng.randrange(3_000, 30_000)
        connected, ended = start + ring, start + ring + talk_ms
        group_id, agent_id = self.new_id(), self.new_id()
        group = Call(group_id, self._serial, start, connected, ended, "inbound", center, "group", center.office, center, agent)
        agent_start = start + rng.randrange(500, 3_000)
        leg = Call(
            agent_id, self._serial, agent_start, connected + 150, ended + 400, "inbound", agent, "agent", center.office, center, agent
        )
        group.partner, leg.partner = leg, group
        if rng.random() < self.spec.recorded_share:
            kind: Kind = "admincallrecording" if center.admin_kind else "callrecording"
            where = rng.random()
            carrier = leg if where < 0.3 else group
            self._record(carrier, kind, connected, talk_ms, left)
            if where > 0.9:
                # The same talk recorded again, on the agent's leg, as a separate recording.
                self._record(leg, "admincallrecording", connected, talk_ms, left - self._count([group]), pauses=False)
        return [group, leg]

    def user_call(self, user: User, start: int, talk_ms: int, left: int) -> list[Call]:
        """Return a direct call of one person; a trainee's call is in scope of the coaching team."""
        connected = start + self.rng.randrange(2_000, 20_000)
        call = Call(self.new_id(), self._serial, start, connected, connected + talk_ms, "outbound", user, "user", user.office, None, user)
        if self.rng.random() < self.spec.recorded_share:
            self._record(call, "callrecording", connected, talk_ms, left)
        return [call]

    def missed(self, center: Center, start: int, left: int) -> list[Call]:
        """Return a call that nobody answered; the caller may leave a message."""
        ended = start + self.rng.randrange(8_000, 40_000)
        call = Call(self.new_id(), self._serial, start, None, ended, "inbound", center, "group", center.office, center)
        if self.rng.random() < 0.6:
            # The state alone does not prove a message.
            call.state = "voicemail"
            if left > 0:
                self.add(call, "voicemail", ended - 5_000, self.rng.randrange(3_000, 20_000))
        return [call]

    def _record(self, call: Call, kind: Kind, start: int, talk_ms: int, left: int, pauses: bool = True) -> None:
        """Add the recordings of a talk: one, or several if the agent paused."""
        parts = self.rng.choice((2, 3)) if pauses and talk_ms > 20_000 and self.rng.random() < 0.12 else 1
        parts = min(parts, left)
        for part in range(parts):
            offset = talk_ms * part // parts
            length = talk_ms // parts - (0 if parts == 1 else 2_000)
            self.add(call, kind, start + offset, max(1_000, length - self.rng.randrange(0, 400)))

    def add(self, call: Call, kind: Kind, start: int, duration_ms: int) -> Recording:
        """Add a recording to a call."""
        recording_id = self.new_id()
        made = Recording(recording_id, self._serial, kind, start, duration_ms, self.rng.choice(self.spec.kbps), call)
        call.recordings.append(made)
        self.made += 1
        return made

    @staticmethod
    def _count(calls: list[Call]) -> int:
        return sum(len(call.recordings) for call in calls)
