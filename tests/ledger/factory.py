"""A small company to test the ledger with: one bucket, two contact centers, and planned copies by the number."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, PlannedCall, PlannedCopy, Work
from rokuon.ledger import place, record
from rokuon.ledger.models import Copy, Tally
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
START_MS = 1_790_000_000_000


class World:
    def __init__(self, name: str = "Acme") -> None:
        self.company: Company = services.create_company(name, f"https://{name.lower()}.example", name)
        self.bucket: Bucket = services.register_bucket(self.company, f"memory://{name.lower()}")
        self.office = Office.objects.create(company=self.company, dialpad_id="1", name="Tokyo", timezone="Asia/Tokyo")
        self.center = self.add_target("11", "Sales")
        self.other = self.add_target("12", "Support")

    def add_target(self, dialpad_id: str, name: str, kind: str = "callcenter") -> Target:
        return Target.objects.create(company=self.company, office=self.office, kind=kind, dialpad_id=dialpad_id, name=name, backed_up=True)

    def planned(self, number: int, target: Target | None = None, **changes: object) -> PlannedCopy:
        target = target or self.center
        copy = PlannedCopy(
            target_id=target.pk,
            bucket_id=self.bucket.pk,
            kind="callrecording",
            recording_id=f"r{number}",
            call_id=f"c{number}",
            started_ms=START_MS + number,
            duration_ms=1000,
            url=f"https://dialpad.example/r/r{number}",
            agent="Ann",
            key=f"call-recordings/{target.name}/2026-09-21/Ann - c{number} - r{number}.mp3",
            spare_key=f"call-recordings/{target.name}/2026-09-21/Ann - c{number} - r{number} (callrecording).mp3",
        )
        return replace(copy, **changes)  # type: ignore[arg-type]

    def place(self, *copies: PlannedCopy, now: datetime = NOW) -> list[Work]:
        calls = [PlannedCall(c.target_id, c.call_id, c.started_ms, True, 1) for c in copies]
        return place.place(self.company.pk, calls, list(copies), now)

    def verify(self, *works: Work, now: datetime = NOW) -> set[int]:
        return record.record([verified(work) for work in works], now)


def verified(work: Work) -> Outcome:
    return Outcome(
        work.copy_id, work.attempt, State.VERIFIED, size=10, sha256="a" * 64, crc32c=7, version="1", proof="length", audio_ms=1000
    )


def failed(work: Work, reason: str = "recording_not_audio") -> Outcome:
    return Outcome(work.copy_id, work.attempt, State.FAILED, reason=reason, spent=True)


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Copy.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


Key = tuple[int, str, str, str]
Sums = dict[Key, tuple[int, int, int]]


def tallied(company_id: int) -> Sums:
    """Copies, bytes and length by target, day, state and reason, as the tally has them."""
    return _sums(
        ((row.target_id, f"{row.day}", row.state, row.reason), row.copies, row.bytes, row.recorded_ms)
        for row in Tally.objects.filter(company_id=company_id)
    )


def counted(company_id: int) -> Sums:
    """The same, counted copy by copy."""
    return _sums(
        (
            (copy.target_id, copy.key.split("/")[2], copy.state, copy.reason),
            1,
            (copy.size or 0) if copy.state == State.VERIFIED else 0,
            (copy.audio_ms or 0) if copy.state == State.VERIFIED else 0,
        )
        for copy in Copy.objects.filter(company_id=company_id)
    )


def _sums(rows: Iterable[tuple[Key, int, int, int]]) -> Sums:
    copies, size, length = Counter[Key](), Counter[Key](), Counter[Key]()
    for key, n, some_bytes, some_ms in rows:
        copies[key] += n
        size[key] += some_bytes
        length[key] += some_ms
    return {key: (n, size[key], length[key]) for key, n in copies.items() if n or size[key] or length[key]}
