"""Views that verify a bucket: once in a request, then repeatedly while a new grant has not taken effect yet.

The person's session keeps the pending verification until it succeeds: the address, and a new credential sealed with the master key.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.our_pages import lead_to
from rokuon.accounts.permissions import Action
from rokuon.actions import buckets
from rokuon.base import i18n
from rokuon.base.secrets import Secret
from rokuon.console.settings import read_model as settings_tree
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError
from rokuon.jobs import queue
from rokuon.org.models import Bucket
from rokuon.stores.registry import kind_of
from rokuon.stores.verification import FRESH_GRANT_S, Verification
from rokuon.wiring.bucket_report import report
from rokuon.wiring.connections import company_owner

from . import text
from .held import resumed_now

KEPT = "bucket_check"
FIELD = "credential of a bucket to be"
KEEP = timedelta(hours=1)


@dataclass
class PendingCheck:
    """A verification that has not succeeded yet. `bucket` is None if the bucket is not registered yet; `since` is ISO, UTC."""

    company: int
    url: str
    since: str
    bucket: int | None = None
    sealed: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)

    def age(self, now: datetime) -> timedelta:
        return now - datetime.fromisoformat(self.since)


def begin(request: CompanyRequest, url: str, credential: Secret | None, bucket: Bucket | None = None) -> HttpResponse:
    """Verify for the first time; redirect to the bucket's page, or to the page that tries again. Raises ConfigError for an address or
    credential that cannot work."""
    check = PendingCheck(request.company.pk, url, guards.now(request).isoformat(), bucket.pk if bucket is not None else None)
    if credential is not None:
        check.sealed = installation().vault.seal(credential.reveal(), owner=company_owner(request.company.pk), field=FIELD)
    return _try(request, check)


def _try(request: CompanyRequest, check: PendingCheck) -> HttpResponse:
    bucket, verification = _verify(request, check)
    if bucket is None or not verification.ok:
        check.report = report(verification)
        request.session[KEPT] = asdict(check)
        return HttpResponseRedirect(_url(request, "bucket_check"), status=303)
    request.session.pop(KEPT, None)
    _tell(request, bucket.url, report(verification))
    return HttpResponseRedirect(_url(request, "bucket", bucket.pk), status=303)


def _verify(request: CompanyRequest, check: PendingCheck) -> tuple[Bucket | None, Verification]:
    here, actor, now = installation(), guards.actor(request), guards.now(request)
    credential = _credential(check)
    if check.bucket is None:
        return buckets.add_bucket(here, request.company, check.url, credential, actor, now, patience=0)
    bucket = Bucket.objects.select_related("company").get(pk=check.bucket, company=request.company)
    return bucket, buckets.verify_bucket(here, bucket, queue, actor, now, credential=credential, patience=0)


def _credential(check: PendingCheck) -> Secret | None:
    return installation().vault.open(check.sealed, owner=company_owner(check.company), field=FIELD) if check.sealed else None


def verify_now(request: CompanyRequest, bucket: Bucket) -> None:
    """Verify the bucket once, after a level chose it, and show the result as a message."""
    try:
        verification = buckets.verify_bucket(installation(), bucket, queue, guards.actor(request), guards.now(request), patience=0)
    except ConfigError as error:
        messages.warning(request, i18n._(str(error)))
        return
    _tell(request, bucket.url, report(verification))


def _tell(request: CompanyRequest, url: str, report: Mapping[str, Any]) -> None:
    told = text.said(url, report)
    if told.ok:
        messages.success(
            request, i18n.join_sentences(told.headline, _("Its folder call-recordings/ is there."), *told.advice, resumed_now(request))
        )
    else:
        messages.warning(request, i18n.join_sentences(told.headline, f"{told.failure} [{told.reason}]"))


def _url(request: CompanyRequest, name: str, *rest: int) -> str:
    return reverse(f"console:settings-{name}", args=[request.company.public_id, *rest])


def _kept(request: CompanyRequest) -> PendingCheck | None:
    kept = request.session.get(KEPT)
    check = PendingCheck(**kept) if isinstance(kept, dict) else None
    if check is None or check.company != request.company.pk or check.age(guards.now(request)) > KEEP:
        return None
    return check


@page(Action.SET_COMPANY)
def check_page(request: CompanyRequest) -> HttpResponse:
    """Show the verification that has not succeeded yet; the page repeats it automatically for some minutes."""
    check = _kept(request)
    if check is None:
        return HttpResponseRedirect(_url(request, "buckets"))
    return render(request, "console/buckets/check.html", _context(request, check))


@page(Action.SET_COMPANY, CHANGE, fresh=True)
def try_again(request: CompanyRequest) -> HttpResponse:
    check = _kept(request)
    if check is None:
        return lead_to(request, _url(request, "buckets"))
    return _answered(request, check, lambda: _try(request, check))


def _answered(request: CompanyRequest, check: PendingCheck, attempt: Callable[[], HttpResponse]) -> HttpResponse:
    """Return a part of the page for the page's own tries, otherwise the whole page."""
    try:
        answer = attempt()
    except ConfigError as error:
        request.session.pop(KEPT, None)
        messages.error(request, i18n._(str(error)))
        return lead_to(request, _url(request, "buckets"))
    except Bucket.DoesNotExist:
        raise Http404 from None
    if request.headers.get("HX-Request") != "true":
        return answer
    if answer["Location"] != _url(request, "bucket_check"):
        return lead_to(request, answer["Location"])
    return render(request, "console/buckets/verification.html", _context(request, check))


def _context(request: CompanyRequest, check: PendingCheck) -> dict[str, Any]:
    told = text.said(check.url, check.report)
    young = check.age(guards.now(request)) < timedelta(seconds=FRESH_GRANT_S)
    return {
        "check": check,
        "name": text.name_of(check.url),
        "said": told,
        "trying": told.passes and young,
        "try_url": _url(request, "bucket_try"),
        "buckets_url": _url(request, "buckets"),
        "new_url": _url(request, "bucket_new"),
        "kind": kind_of(check.url),
        "principal": buckets.principal(check.url, _credential(check)),
        "tried_at": guards.now(request),
        "zone": settings_tree.zone(request.reach, request.company),
    }
