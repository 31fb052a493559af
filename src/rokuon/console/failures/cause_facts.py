"""Read model of a cause's page: what exactly happened, in which buckets, and who can fix it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from rokuon.accounts.permissions import Action
from rokuon.base import i18n
from rokuon.console.buckets.credential import credential_text
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.domain import failures
from rokuon.domain.failures import N_, HoldOn, SourceError, StoreError, by_reason
from rokuon.ledger import cause_details, holds
from rokuon.ledger.cause_details import Ranked
from rokuon.ledger.failures import FailureCause
from rokuon.ledger.models import Hold
from rokuon.ledger.next_try import WaitingCause
from rokuon.org.models import Bucket

from .cure import Cure, cure_of

MOST = 3

LABELS = {
    failures.SourceRedirectBlocked.reason: N_("Refused host"),
    failures.SourceUrlRefused.reason: N_("Refused host"),
    failures.RecordingTruncated.reason: N_("Received"),
    failures.RecordingNotAudio.reason: N_("Received"),
    failures.RecordingDurationDiffers.reason: N_("Length"),
    failures.RecordingTooLarge.reason: N_("Size"),
    failures.ObjectDiffers.reason: N_("Size"),
    failures.ObjectMisread.reason: N_("Size"),
}
"""The meaning of `detail`, for causes where it is not simply the answer of the other side."""


@dataclass(frozen=True, slots=True)
class BucketFact:
    """A bucket of the cause. `url` is its page, "" if the reader may not open it. `principal` is the account of its own key, for readers
    who may replace the key; "" for the others, and for the machine's identity. `hold` stops the copies that wait for the bucket."""

    bucket: Bucket
    copies: int
    url: str
    principal: str
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class CauseFacts:
    """`label` names what `details` are. `buckets` is empty if the cause is not about the bucket."""

    label: str
    details: Ranked[str]
    buckets: Sequence[BucketFact]
    more_buckets: int
    cure: Cure

    @property
    def held(self) -> BucketFact | None:
        """The first bucket that is held and whose page the reader may open."""
        return next((one for one in self.buckets if one.hold is not None and one.url), None)


def load(request: CompanyRequest, cause: FailureCause | WaitingCause) -> CauseFacts:
    about = by_reason(cause.reason)
    targets = [pk for pk, _copies in cause.targets]
    found: Ranked[int] = Ranked()
    if issubclass(about, StoreError):
        found = cause_details.buckets(request.company.pk, targets, cause.state, cause.reason, MOST)
    return CauseFacts(
        _label(cause.reason),
        cause_details.details(request.company.pk, targets, cause.state, cause.reason, MOST),
        _buckets(request, found),
        found.more,
        cure_of(request, about),
    )


def _label(reason: str) -> str:
    about = by_reason(reason)
    if reason in LABELS:
        return i18n._(LABELS[reason])
    if issubclass(about, SourceError):
        return i18n._(N_("Answer of Dialpad"))
    return i18n._(N_("Answer of the store")) if issubclass(about, StoreError) else i18n._(N_("Detail"))


def _buckets(request: CompanyRequest, found: Ranked[int]) -> list[BucketFact]:
    known = Bucket.objects.filter(company=request.company).in_bulk([pk for pk, _copies in found.values])
    held = {hold.ref: hold for hold in holds.open_holds(request.company.pk) if hold.on == HoldOn.BUCKET} if known else {}
    opens, changes = Action.SET_BUCKETS in request.reaches, guards.allowed(request, Action.SET_COMPANY)
    return [
        BucketFact(
            known[pk],
            copies,
            reverse("console:settings-bucket", args=[request.company.public_id, pk]) if opens else "",
            credential_text(known[pk]).get("principal", "") if changes else "",
            held.get(str(pk)),
        )
        for pk, copies in found.values
        if pk in known
    ]
