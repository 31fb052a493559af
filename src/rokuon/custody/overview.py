"""What was sealed last in each bucket, for people."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rokuon.base.i18n import _
from rokuon.domain.failures import CustodyKeyLost, CustodyOccupied
from rokuon.ledger import reasons
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket

from . import chains
from .models import Schedule, SealChain
from .schedule import AGAIN_AFTER_S

_NEEDS_A_PERSON = (CustodyOccupied.reason, CustodyKeyLost.reason)
_NOT_JSON = ("bucket_id", "stored", "empty", "tries")


@dataclass(frozen=True, slots=True)
class SealOverview:
    """The newest seal of a bucket; `number` is 0 before the first of its chain, and `chain` "" before any. `reason` is why the
    last issue failed, "" if it did not, and `tries` how often. `stored` says whether recordings were verified in the bucket, and `empty`
    whether its seals name nothing before a Back up now (`chains.stays_empty`)."""

    bucket_id: int
    url: str
    chain: str
    number: int
    sha256: str
    at: datetime | None
    next_by: datetime | None
    verified: int
    open: int
    reason: str
    detail: str
    tries: int
    stored: bool
    empty: bool

    def problem(self, now: datetime) -> str:
        """Return "failed", "overdue", "unsealed", "empty", or "" if nothing is wrong."""
        if self.reason:
            return "failed"
        if self.is_overdue(now):
            return "overdue"
        if self.empty:
            return "empty"
        return "unsealed" if self.stored and not self.number else ""

    def is_overdue(self, now: datetime) -> bool:
        return self.next_by is not None and self.next_by < now

    def is_lasting(self, now: datetime) -> bool:
        """Whether a mail is due: a seal is overdue, or the tries of hours have failed, or only a person can help."""
        return self.is_overdue(now) or self.reason in _NEEDS_A_PERSON or self.tries >= len(AGAIN_AFTER_S)

    def as_json(self, now: datetime) -> dict[str, Any]:
        return {**{name: value for name, value in asdict(self).items() if name not in _NOT_JSON}, "problem": self.problem(now) or None}


def in_words(seal: SealOverview, now: datetime, moment: Callable[[datetime | None], str]) -> str:
    """Return what is wrong as part of a sentence, without its advice; "" if nothing is."""
    match seal.problem(now):
        case "failed":
            return _("the last seal could not be made [%(reason)s]") % {"reason": seal.reason}
        case "overdue":
            return _("the next seal was due by %(at)s") % {"at": moment(seal.next_by)}
        case "unsealed":
            return _("recordings are stored in it, and it has no seal yet")
        case "empty":
            return _("its seals are empty until a Back up now of the whole company, without dates, has ended")
    return ""


def advice(seal: SealOverview, now: datetime) -> str:
    """Return what to do about it; "" if nothing is wrong."""
    match seal.problem(now):
        case "failed":
            return reasons.in_words(seal.reason)
        case "empty":
            return _("Run `rokuon backup-now`. A worker then seals what it found.")
        case "overdue" | "unsealed":
            return _("A worker seals each bucket once a day. Start one with `rokuon worker`, and look at its log.")
    return ""


def of_company(company_id: int) -> list[SealOverview]:
    """Return the newest seal of each bucket of a company, by the bucket's address."""
    begun = {chain.bucket_id: chain for chain in SealChain.objects.filter(bucket__company_id=company_id, closed_at=None)}
    due = {one.bucket_id: one for one in Schedule.objects.filter(bucket__company_id=company_id)}
    return [
        _of(bucket, begun.get(bucket.pk), due.get(bucket.pk)) for bucket in Bucket.objects.filter(company_id=company_id).order_by("url")
    ]


def lasting(company_id: int, now: datetime) -> list[SealOverview]:
    """Return the buckets that are not sealed as they should be, and of which a mail is due."""
    return [one for one in of_company(company_id) if one.is_lasting(now)]


def _of(bucket: Bucket, chain: SealChain | None, due: Schedule | None) -> SealOverview:
    last = chain.issues.order_by("-number").first() if chain else None
    totals = last.totals if last else {}
    return SealOverview(
        bucket_id=bucket.pk,
        url=bucket.url,
        chain=chain.name if chain else "",
        number=last.number if last else 0,
        sha256=last.sha256 if last else "",
        at=last.at if last else None,
        next_by=last.next_by if last else None,
        verified=totals.get("verified", 0),
        open=totals.get("open", 0),
        reason=due.reason if due else "",
        detail=due.detail if due else "",
        tries=due.tries if due else 0,
        stored=last is not None or Copy.objects.filter(bucket=bucket, state=Copy.State.VERIFIED).exists(),
        empty=chain is not None and chains.stays_empty(chain),
    )
