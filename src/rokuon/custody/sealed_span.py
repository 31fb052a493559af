"""What the seals of a company's buckets say of some days of some targets: for a certificate, and for the weekly mail their heads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min, Q, Sum

from rokuon.org.models import Target

from . import changes, overview, sshsig
from .models import Dirty, Issue, SealChain, SealedDay, Waiting
from .overview import SealOverview


@dataclass(frozen=True, slots=True)
class SealedSpan:
    """The days of a span in the seals of one bucket. `seal` is its newest one, and `fingerprint` that of the key that signed it ("" before
    the first). `days` target-days are named, with these sums; they were last read for a seal from `first_read` to `last_read`. `waiting`
    of the span's target-days have changed since, or have no seal yet."""

    seal: SealOverview
    fingerprint: str
    days: int
    verified: int
    explained: int
    open: int
    first_read: datetime | None
    last_read: datetime | None
    waiting: int


def of_span(company_id: int, targets: Mapping[int, Target], first: date, last: date) -> dict[int, SealedSpan]:
    """Return the seals of each bucket of the company, by its id, with what they say of these local days of the targets (by their ids),
    both included."""
    chains = {one.bucket_id: one.pk for one in SealChain.objects.filter(bucket__company_id=company_id, closed_at=None)}
    # A change of a UTC day concerns the local days around it.
    around = (first - timedelta(days=1), last + timedelta(days=1))
    changed: dict[int, set[tuple[date, bool]]] = {}
    dirty = Dirty.objects.filter(target_id__in=targets, day__range=around)
    for target, day, utc in dirty.values_list("target_id", "day", "utc").distinct():
        changed.setdefault(target, set()).add((day, utc))
    unresolved = {
        (target, day) for target, days in changed.items() for day in changes.local_days(targets[target], days) if first <= day <= last
    }
    return {
        seal.bucket_id: _of(seal, chains.get(seal.bucket_id), targets, (first, last), unresolved)
        for seal in overview.of_company(company_id)
    }


def named_days(company_id: int, targets: Collection[int], first: date, last: date) -> int:
    """Count the local days of the targets, both ends included, that a seal of any of the company's buckets names."""
    open_chains = SealedDay.objects.filter(chain__bucket__company_id=company_id, chain__closed_at=None)
    return open_chains.filter(target_id__in=targets, day__range=(first, last)).values("target_id", "day").distinct().count()


def _of(
    seal: SealOverview, chain: int | None, targets: Collection[int], span: tuple[date, date], unresolved: Collection[tuple[int, date]]
) -> SealedSpan:
    named = SealedDay.objects.filter(chain_id=chain, target_id__in=targets, day__range=span)
    sums = named.aggregate(
        days=Count("pk"), verified=Sum("verified"), explained=Sum("explained"), open=Sum("open"), first=Min("issue"), last=Max("issue")
    )
    newest = Issue.objects.filter(chain_id=chain, number=seal.number).select_related("key").first()
    read = dict(Issue.objects.filter(chain_id=chain).filter(Q(number=sums["first"]) | Q(number=sums["last"])).values_list("number", "at"))
    changed = Waiting.objects.filter(bucket_id=seal.bucket_id, target_id__in=targets, day__range=span).values_list("target_id", "day")
    return SealedSpan(
        seal=seal,
        fingerprint=sshsig.fingerprint(newest.key.public) if newest else "",
        days=sums["days"],
        verified=sums["verified"] or 0,
        explained=sums["explained"] or 0,
        open=sums["open"] or 0,
        first_read=read.get(sums["first"]),
        last_read=read.get(sums["last"]),
        waiting=len({*changed, *unresolved}),
    )
