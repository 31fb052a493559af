"""What an issue reads from the database: the days that wait, their lines, and the sums of all days of the chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Min, Sum
from django.db.models.functions import Coalesce

from rokuon.completeness.options import fingerprint
from rokuon.domain.recording import ScopeKind
from rokuon.ledger import drills
from rokuon.ledger.sql import columns, fetch
from rokuon.org import tree
from rokuon.org.models import Bucket, Target

from . import canonical, chains, day_settings, days, manifest
from .days import Subject
from .models import SealedDay, Waiting

MOST_DAYS = 20_000
"""An issue reads at most this many days; the next one, at once, reads the rest."""
_SUMS = ("verified", "explained", "open", "erased", "bytes")


@dataclass(frozen=True, slots=True)
class IssuePlan:
    """What one issue of a bucket reads. `waiting` are the days by target, with the version of each row; `more` says that others wait for
    the issue after it. `key_id` is the key that signs, None for the company's present one. Revisions count on from `revisions`. The seal
    is not older than `not_before`, the time of the seal before it. `drill` is the bucket's last finished restore drill. `names_until`:
    what was stored later is not named yet, because days wait that this issue does not read; None if it reads all."""

    bucket_id: int
    bucket_url: str
    company_id: int
    company: str
    chain_id: int
    chain: str
    number: int
    previous: tuple[int, str] | None
    continues: Mapping[str, Any] | None
    key_id: int | None
    revisions: int
    not_before: datetime
    names_until: datetime | None
    waiting: Mapping[int, Mapping[date, int]]
    more: bool
    drill: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """A target of an issue: its Dialpad id, its manifest's first line, and how its days are read."""

    dialpad_id: str
    head: bytes
    subject: Subject


class DayEntry(NamedTuple):
    """What is entered of a sealed day, in values that JSON knows: `day` and `final_at` are ISO 8601. `version` is the waiting row's."""

    target_id: int
    day: str
    version: int
    revision: int
    verdict: str
    final_at: str | None
    lines: int
    sha256: str
    verified: int
    explained: int
    open: int
    erased: int
    bytes: int

    @property
    def sums(self) -> tuple[int, ...]:
        return (self.verified, self.explained, self.open, self.erased, self.bytes)


@transaction.atomic
def next_issue(bucket_id: int, installation: str, now: datetime) -> IssuePlan:
    """Return what the bucket's next issue reads, and begin its chain if it has none, or if it was begun by another installation."""
    chain = chains.open_chain(bucket_id, installation, now)
    bucket = Bucket.objects.select_related("company").get(pk=bucket_id)
    day_settings.note(bucket)
    last = chain.issues.order_by("-number").first()
    waiting: dict[int, dict[date, int]] = {}
    rows = Waiting.objects.filter(bucket_id=bucket_id).order_by("target_id", "day").values_list("target_id", "day", "version")
    empty = chains.stays_empty(chain)
    for target_id, day, version in rows[: 0 if empty else MOST_DAYS]:
        waiting.setdefault(target_id, {})[day] = version
    more = not empty and rows.count() > MOST_DAYS
    return IssuePlan(
        bucket_id=bucket_id,
        bucket_url=bucket.url,
        company_id=bucket.company_id,
        company=str(bucket.company.claim),
        chain_id=chain.pk,
        chain=chain.name,
        number=last.number + 1 if last else 1,
        previous=(last.number, last.sha256) if last else None,
        continues=chain.continues,
        key_id=chains.next_key(last) if last else chain.key_id,
        revisions=chain.revisions,
        not_before=last.at if last else chain.started_at,
        names_until=chains.named_until(chain, last) if empty or more else None,
        waiting=waiting,
        more=more,
        drill=_last_drill(bucket_id),
    )


def _last_drill(bucket_id: int) -> dict[str, Any] | None:
    """Return what a seal says of the last finished drill; shares are in millionths."""
    drill = drills.last_finished(bucket_id)
    if drill is None or drill.ended_at is None:
        return None
    return {
        "at": canonical.second(drill.ended_at),
        "bad": drill.bad,
        "confidence": drill.confidence,
        "damaged_below": drill.damaged_below,
        "drawn": drill.drawn,
        "of": drill.population,
        "read": drill.read,
        "seed": drill.seed,
    }


def target_of(issue: IssuePlan, target_id: int) -> PlannedTarget:
    target = Target.objects.select_related("office", "company").get(pk=target_id)
    zone = tree.zone_of(target)
    head = manifest.head(
        bucket=issue.bucket_url,
        chain=issue.chain,
        company=issue.company,
        folder=target.folder,
        number=issue.number,
        target=target.dialpad_id,
        kind=ScopeKind(target.kind).value,
        zone=zone or "UTC",
    )
    return PlannedTarget(target.dialpad_id, head, Subject(issue.company_id, target_id, issue.bucket_id, zone, fingerprint(target.company)))


@transaction.atomic
def read(issue: IssuePlan, target: PlannedTarget, wanted: Sequence[date], now: datetime) -> list[tuple[DayEntry, bytes]]:
    """Read some days of a target: what is entered of each, and its lines. Days that say the same as when they were last sealed are left
    out."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # a job in the background takes one core at most
    target_id, versions = target.subject.target_id, issue.waiting[target.subject.target_id]
    sealed = {one.day: one for one in SealedDay.objects.filter(chain_id=issue.chain_id, target_id=target_id, day__in=wanted)}
    final_at = _final_at(issue.bucket_id, target_id, wanted)
    found = []
    for one in days.read(target.subject, wanted, final_at):
        before = sealed.get(one.day)
        if before is not None and before.sha256 == one.sha256:
            continue
        revision = (before.revision if before else issue.revisions) + 1
        final = final_at.get(one.day) or (now if one.line["state"] == "final" else None)
        entry = DayEntry(
            target_id=target_id,
            day=one.day.isoformat(),
            version=versions[one.day],
            revision=revision,
            verdict=str(one.line["verdict"]),
            final_at=final.isoformat() if final else None,
            lines=one.count,
            sha256=one.sha256,
            verified=one.verified,
            explained=one.explained,
            open=one.open,
            erased=one.erased,
            bytes=one.size,
        )
        found.append((entry, one.written(revision)))
    return found


def _final_at(bucket_id: int, target_id: int, wanted: Sequence[date]) -> dict[date, datetime]:
    """Return when these days were first called final, in any chain of the bucket: a new chain does not forget what is late."""
    ever = SealedDay.objects.filter(chain__bucket_id=bucket_id, target_id=target_id, day__in=wanted, final_at__isnull=False)
    return dict(ever.values_list("day").annotate(first=Min("final_at")))


def totals(issue: IssuePlan, entries: Sequence[DayEntry]) -> dict[str, int]:
    """Return the sums over the latest revision of each target's day in the chain, once these days are entered."""
    chain = SealedDay.objects.filter(chain_id=issue.chain_id)
    sums = chain.aggregate(**{f"all_{name}": Coalesce(Sum(name), 0) for name in _SUMS})
    rows = [(chain.count(), *(int(sums[f"all_{name}"]) for name in _SUMS))]
    pairs = columns([(one.target_id, one.day) for one in entries], 2)
    rows += [
        tuple(-int(value) for value in row)
        for row in fetch(
            """SELECT 1, s.verified, s.explained, s.open, s.erased, s.bytes
                 FROM custody_sealedday s JOIN unnest(%s::bigint[], %s::date[]) AS x(t, d) ON s.target_id = x.t AND s.day = x.d
                WHERE s.chain_id = %s""",
            [*pairs, issue.chain_id],
        )
    ]
    rows += [(1, *one.sums) for one in entries]
    return manifest.totals_of(rows)
