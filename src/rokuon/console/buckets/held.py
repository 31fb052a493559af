"""The hold on a bucket in words: why nothing is stored there, who can fix it, and what resumed when the hold was lifted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.base.measures import number
from rokuon.console.failures.cure import Cure, cure_of
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.console.web.status_banner import holds_within, those_within
from rokuon.domain.failures import HoldOn, LedgerBehindBucket, by_reason
from rokuon.ledger import holds
from rokuon.ledger.models import Hold
from rokuon.org.models import Bucket

from . import text

SHOWN_FOR, SHOWN_ELSEWHERE_FOR = timedelta(days=7), timedelta(days=1)
"""A lifted hold is mentioned for this long: on its bucket's page, and on the pages where people look at the whole."""


@dataclass(frozen=True, slots=True)
class HeldBucket:
    """An open hold. `detail` is empty for a reader none of whose targets uses the bucket. `verifying` the bucket again lifts it, unless
    the seals in it are newer than the database."""

    hold: Hold
    headline: str
    advice: str
    detail: str
    cure: Cure
    verifying: bool


@dataclass(frozen=True, slots=True)
class ResumedBucket:
    """A hold that was lifted a short time ago. `name` is what was on hold, `url` its page; both "" on that page itself."""

    sentence: str
    at: datetime
    name: str = ""
    url: str = ""


def held(request: CompanyRequest, buckets: Sequence[Bucket]) -> dict[int, HeldBucket]:
    """Return the open holds on these buckets, by the bucket's id."""
    open_holds = {hold.ref: hold for hold in holds.open_holds(request.company.pk) if hold.on == HoldOn.BUCKET}
    stopped = [bucket for bucket in buckets if str(bucket.pk) in open_holds]
    mine = {hold.pk for hold in holds_within(request.company, guards.seen(request))} if stopped else set()
    return {bucket.pk: _held(request, bucket, open_holds[str(bucket.pk)], mine) for bucket in stopped}


def _held(request: CompanyRequest, bucket: Bucket, hold: Hold, mine: set[int]) -> HeldBucket:
    return HeldBucket(
        hold,
        _("Backups to %(bucket)s are on hold") % {"bucket": text.name_of(bucket.url)},
        text.advice_on(bucket.url, hold.reason),
        hold.detail if hold.pk in mine else "",
        cure_of(request, by_reason(hold.reason)),
        hold.reason != LedgerBehindBucket.reason,
    )


def resumed(request: CompanyRequest, bucket: Bucket) -> ResumedBucket | None:
    """Return what resumed when the bucket's latest hold was lifted; None if it is open, or was lifted a long time ago."""
    hold = holds.latest(request.company.pk, HoldOn.BUCKET).get(str(bucket.pk))
    if hold is None or hold.lifted_at is None or hold.lifted_at < guards.now(request) - SHOWN_FOR:
        return None
    return ResumedBucket(resumed_text(request, hold.released), hold.lifted_at)


def resumed_lately(request: CompanyRequest, reach: AccessReach | None = None) -> list[ResumedBucket]:
    """Return what resumed in the last day within reach because a hold was lifted, by a probe or by a person; the last one first."""
    lifted = holds.lifted_since(request.company.pk, guards.now(request) - SHOWN_ELSEWHERE_FOR)
    mine = those_within(request.company, guards.seen(request) if reach is None else reach, lifted)
    urls = {str(bucket.pk): bucket.url for bucket in Bucket.objects.filter(company=request.company)} if mine else {}
    return [_resumed(request, hold, urls) for hold in mine]


def _resumed(request: CompanyRequest, hold: Hold, urls: Mapping[str, str]) -> ResumedBucket:
    name, url = "Dialpad", ""
    if hold.on == HoldOn.BUCKET:
        name = text.name_of(urls[hold.ref]) if hold.ref in urls else ""
        if Action.SET_BUCKETS in request.reaches and hold.ref in urls:
            url = reverse("console:settings-bucket", args=[request.company.public_id, hold.ref])
    return ResumedBucket(resumed_text(request, hold.released), hold.lifted_at or hold.since, name, url)


def resumed_now(request: CompanyRequest) -> str:
    """Return what resumed because this request lifted a hold; "" if it lifted none."""
    released = holds.released(request.company.pk, guards.now(request))
    return resumed_text(request, released) if released is not None else ""


def resumed_text(request: CompanyRequest, released: int | None) -> str:
    """Return the sentence. The number is the company's, so only people who see the whole company read it."""
    if released is None or not guards.seen(request).whole:
        return _("Backups have resumed.")
    return ngettext("Backups have resumed: %(count)s recording.", "Backups have resumed: %(count)s recordings.", released) % {
        "count": number(released)
    }
