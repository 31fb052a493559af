"""A certificate of completeness: the ledger's figures of some days, and what the buckets and their seals say of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property

from django.conf import settings

from rokuon.completeness import certificate as figures
from rokuon.completeness.certificate import Certified, CertifiedTarget
from rokuon.custody import sealed_span, sshsig
from rokuon.custody.sealed_span import SealedSpan
from rokuon.domain.certificate import final_from_ms
from rokuon.domain.failures import HoldOn
from rokuon.domain.windows import local_date
from rokuon.ledger import holds
from rokuon.ledger.sql import one_moment
from rokuon.org import tree
from rokuon.org.models import Bucket, Company, Office, Target

from .custody_keys import present_key


class Standing(StrEnum):
    """What a certificate may state as a whole, the worst first."""

    UNACCOUNTED = "unaccounted"
    UNKNOWN = "unknown"
    UNSEALED = "unsealed"
    NOTHING = "nothing"
    COMPLETE = "complete"


SEVERITY = {
    Standing.UNACCOUNTED: "failed",
    Standing.UNKNOWN: "waiting",
    Standing.UNSEALED: "waiting",
    Standing.NOTHING: "excluded",
    Standing.COMPLETE: "verified",
}
"""States of the design layer."""


@dataclass(frozen=True, slots=True)
class CertifiedBucket:
    """A bucket that recordings of the span are in, or go to. `hold` is the reason why it is held, "" if it is not."""

    url: str
    verified: int
    bytes: int
    checked_at: datetime | None
    hold: str
    sealed: SealedSpan

    @property
    def differs(self) -> bool:
        """Whether the newest seals name another number of verified recordings, although no change waits for a seal."""
        return self.sealed.verified != self.verified and not self.sealed.waiting

    def is_proven(self, now: datetime) -> bool:
        """Whether the bucket was recognised, takes recordings, and its seals are on time and name the span as it is."""
        sealed = self.sealed
        return not (self.checked_at is None or self.hold or sealed.seal.problem(now) or sealed.waiting or self.differs)


@dataclass(frozen=True)
class Certificate:
    """`installation` is the host of the console, `fingerprint` that of the key that signs next ("" before the first seal), `zone` the one
    of times on it. `made_by` asked for it. `without_bucket` targets have no bucket whose seals could name their days; `not_named` days of
    targets are in no seal."""

    figures: Certified
    buckets: tuple[CertifiedBucket, ...]
    without_bucket: int
    not_named: int
    installation: str
    fingerprint: str
    made_at: datetime
    made_by: str
    zone: str

    @property
    def standing(self) -> Standing:
        whole = self.figures.sum
        if whole.account.unaccounted:
            return Standing.UNACCOUNTED
        if not whole.days:
            return Standing.NOTHING
        if whole.unlisted or self.figures.unread:
            return Standing.UNKNOWN
        return Standing.COMPLETE if self.is_sealed else Standing.UNSEALED

    @property
    def is_sealed(self) -> bool:
        """Whether the seals of proven buckets name the days of every target as they are."""
        return not self.without_bucket and not self.not_named and all(one.is_proven(self.made_at) for one in self.buckets)

    @property
    def severity(self) -> str:
        return SEVERITY[self.standing]

    @cached_property
    def provisional_until(self) -> date | None:
        """The day from which a listing makes the span final; None if it is final."""
        if not self.figures.sum.provisional:
            return None
        zones = {one.zone for one in self.figures.targets}
        return max((local_date(final_from_ms(self.figures.last, zone), zone) for zone in zones), default=None)


@one_moment()
def certify(
    company: Company,
    first: date,
    last: date,
    *,
    now: datetime,
    made_by: str,
    zone: str,
    offices: Collection[int] | None = None,
    office: Office | None = None,
    target: Target | None = None,
) -> Certificate:
    """Return the certificate of these local days, both included, as of one moment; see `completeness.certificate.certify`. Only buckets
    that its targets use are on it, so that who sees an office learns of no other bucket."""
    found = figures.certify(company, first, last, offices=offices, office=office, target=target)
    key = present_key(company.pk)
    named = sealed_span.named_days(company.pk, [one.target.pk for one in found.targets], first, last)
    return Certificate(
        figures=found,
        buckets=_buckets(company, found),
        without_bucket=sum(not _used(company, one) for one in found.targets),
        not_named=found.sum.days - named,
        installation=settings.ROKUON_PUBLIC_URL.host,
        fingerprint=sshsig.fingerprint(key) if key else "",
        made_at=now,
        made_by=made_by,
        zone=zone,
    )


def _buckets(company: Company, found: Certified) -> tuple[CertifiedBucket, ...]:
    targets = {one.target.pk: one.target for one in found.targets}
    sealed = sealed_span.of_span(company.pk, targets, found.first, found.last)
    held = {hold.ref: hold.reason for hold in holds.open_holds(company.pk) if hold.on == HoldOn.BUCKET}
    used = {bucket for one in found.targets for bucket in _used(company, one)}
    shown = []
    for bucket in Bucket.objects.filter(company=company).order_by("url"):
        copies, size = found.verified.get(bucket.pk, (0, 0))
        if sealed[bucket.pk].days or bucket.pk in used:
            hold = held.get(str(bucket.pk), "")
            shown.append(CertifiedBucket(bucket.url, copies, size, bucket.verified_at, hold, sealed[bucket.pk]))
    return tuple(shown)


def _used(company: Company, one: CertifiedTarget) -> set[int]:
    """Return the buckets that name the target's days: those of its copies, and the one that it has now, with a rule or without."""
    present = tree.target_effective(company, one.target).bucket
    return {*one.verified, *([] if present is None else [present])}
