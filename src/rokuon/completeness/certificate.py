"""The figures of a certificate of completeness: of the targets of a company, an office or one target, day by day."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from rokuon.domain.certificate import NOTHING, DayAccount, Reckoning, SpanAccount, add_up, utc_days
from rokuon.ledger import certified, unread
from rokuon.ledger.certified import CallSum, CopySum, LocalDays
from rokuon.org.models import Company, Office, Target
from rokuon.org.tree import zone_of

from . import outside
from .options import fingerprint
from .outside import Outside

Cause = tuple[str, str, bool]
"""State, reason, and whether a person closed it."""


@dataclass(frozen=True)
class CertifiedTarget:
    """A target with each day of the span, in its own zone. `verified` are the recordings and bytes by bucket id, `causes` the recordings
    that are not verified. A bucket of which there are only those has an entry of 0 recordings."""

    target: Target
    zone: str
    days: tuple[DayAccount, ...]
    verified: Mapping[int, tuple[int, int]]
    causes: Mapping[Cause, int]

    @cached_property
    def sum(self) -> SpanAccount:
        return add_up(self.days)


@dataclass(frozen=True)
class Certified:
    """The figures of `first` to `last`, both included. `office` or `target` is what they are limited to, `only` the names of the offices
    that the reader sees, None for all. `weaker` are the verified recordings, by proof, that rely on another one than the announced length.
    `unread` counts the entries that could not be read and that nobody has closed; `outside` is known of the whole company alone, else
    None."""

    company: Company
    first: date
    last: date
    office: Office | None
    target: Target | None
    only: tuple[str, ...] | None
    targets: tuple[CertifiedTarget, ...]
    weaker: Mapping[str, int]
    unread: int
    outside: Outside | None

    @cached_property
    def sum(self) -> SpanAccount:
        return add_up(day for one in self.targets for day in one.days)

    @cached_property
    def causes(self) -> Counter[Cause]:
        return sum((Counter(one.causes) for one in self.targets), Counter())

    @cached_property
    def verified(self) -> dict[int, tuple[int, int]]:
        """Verified recordings and bytes by bucket id, 0 for a bucket that has other copies alone."""
        found: dict[int, tuple[int, int]] = {}
        for one in self.targets:
            for bucket, (copies, size) in one.verified.items():
                before = found.get(bucket, (0, 0))
                found[bucket] = (before[0] + copies, before[1] + size)
        return found

    @property
    def without_rule(self) -> list[Target]:
        return [one.target for one in self.targets if not one.target.backed_up]


def certify(
    company: Company,
    first: date,
    last: date,
    *,
    offices: Collection[int] | None = None,
    office: Office | None = None,
    target: Target | None = None,
) -> Certified:
    """Return the figures of these local days, both included. `offices` (ledger ids) is what the reader may see, None for all.

    Targets with a rule are part of it, and those without one that have a call or a recording on these days.
    """
    asked = company.targets.select_related("office").order_by("office__name", "office_id", "kind", "name", "dialpad_id")
    if offices is not None:
        asked = asked.filter(office_id__in=offices)
    if office is not None:
        asked = asked.filter(office=office)
    if target is not None:
        asked = asked.filter(pk=target.pk)
    whole = offices is None and office is None and target is None
    by_zone: dict[str, list[Target]] = defaultdict(list)
    for one in asked:
        by_zone[zone_of(one)].append(one)
    found = [one for zone, targets in by_zone.items() for one in _of_zone(company, targets, LocalDays(first, last, zone))]
    place = {one.pk: number for number, one in enumerate(asked)}
    shown = tuple(sorted(found, key=lambda one: place[one.target.pk]))
    return Certified(
        company=company,
        first=first,
        last=last,
        office=office,
        target=target,
        only=None
        if offices is None
        else tuple(company.offices.filter(pk__in=offices).order_by("name", "pk").values_list("name", flat=True)),
        targets=shown,
        weaker=certified.weaker_proofs([one.target.pk for one in shown], first, last),
        unread=_unread(company, shown, first, last),
        outside=outside.outside(company, first, last) if whole else None,
    )


def _of_zone(company: Company, targets: Sequence[Target], span: LocalDays) -> list[CertifiedTarget]:
    ids = [one.pk for one in targets]
    copies: dict[int, list[CopySum]] = defaultdict(list)
    calls: dict[int, list[CallSum]] = defaultdict(list)
    for copy in certified.copies(company.pk, ids, span.first, span.last):
        copies[copy.target_id].append(copy)
    for call in certified.calls(ids, span):
        calls[call.target_id].append(call)
    utc = {day: utc_days(day, span.zone) for day in span.days}
    buckets = certified.buckets(ids, span.first, span.last)
    covered = certified.coverage(ids, utc[span.first][0], utc[span.last][-1], fingerprint(company))
    unreadable = certified.unread(company.pk, ids, span)
    return [
        _target(one, span, utc, copies[one.pk], buckets.get(one.pk, {}), calls[one.pk], covered, unreadable)
        for one in targets
        if one.backed_up or one.pk in copies or one.pk in calls
    ]


def _target(
    target: Target,
    span: LocalDays,
    utc: Mapping[date, tuple[date, ...]],
    copies: Sequence[CopySum],
    buckets: Mapping[int, tuple[int, int] | None],
    calls: Sequence[CallSum],
    covered: Mapping[tuple[int, date], tuple[datetime, bool]],
    unreadable: Mapping[tuple[int, date], int],
) -> CertifiedTarget:
    accounts = _accounts(copies, calls)
    causes: Counter[Cause] = Counter()
    for one in copies:
        if one.state != "verified":
            causes[one.state, one.reason, one.closed] += one.copies
    days = []
    for day in span.days:
        unread_here = unreadable.get((target.pk, day), 0)
        listed = [covered.get((target.pk, one)) for one in utc[day]]
        known = [one for one in listed if one is not None]
        if unread_here or len(known) < len(listed):
            known = []
        days.append(
            DayAccount(
                day=day,
                account=accounts.get(day, NOTHING),
                listed_at=min((at for at, _sealed in known), default=None),
                final=bool(known) and all(sealed for _at, sealed in known),
                unread=unread_here,
            )
        )
    return CertifiedTarget(target, span.zone, tuple(days), _by_bucket(copies, buckets), causes)


def _by_bucket(copies: Sequence[CopySum], buckets: Mapping[int, tuple[int, int] | None]) -> dict[int, tuple[int, int]]:
    """Return the verified recordings and bytes of each bucket. One bucket alone is not counted: it has what the others have not."""
    counted = [one for one in buckets.values() if one is not None]
    verified = [(one.copies, one.bytes) for one in copies if one.state == "verified"]
    rest = (
        sum(count for count, _size in verified) - sum(count for count, _size in counted),
        sum(size for _count, size in verified) - sum(size for _count, size in counted),
    )
    return {bucket: rest if one is None else one for bucket, one in buckets.items()}


def _accounts(copies: Sequence[CopySum], calls: Sequence[CallSum]) -> dict[date, Reckoning]:
    found: dict[date, Reckoning] = {}
    for call in calls:
        found[call.day] = Reckoning(calls=call.calls, recorded=call.recorded, unnamed=call.unnamed, closed_unnamed=call.closed)
    for copy in copies:
        terms = {copy.state: copy.copies, "bytes": copy.bytes}
        if copy.closed:
            terms[f"closed_{copy.state}"] = copy.copies
        found[copy.day] = found.get(copy.day, Reckoning()) + Reckoning(**terms)
    return found


def _unread(company: Company, targets: Sequence[CertifiedTarget], first: date, last: date) -> int:
    """Count each entry once, for however many targets and days."""
    if not targets:
        return 0
    spans = [(LocalDays(first, last, zone).starts[0], LocalDays(first, last, zone).until) for zone in {one.zone for one in targets}]
    since, until = min(one[0] for one in spans), max(one[1] for one in spans)
    return unread.count(unread.still_open(unread.find(company.pk, [one.target.pk for one in targets], since, until)))
