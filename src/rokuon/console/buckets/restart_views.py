"""View that starts a bucket again after it was replaced or emptied on purpose: explanation, confirmation, result (row D4)."""

import shlex

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.actions import buckets
from rokuon.actions.bucket_restart import NoteMissing, restart_bucket
from rokuon.actions.failures import LONGEST_NOTE
from rokuon.base import i18n
from rokuon.console.web import guards
from rokuon.console.web.guards import FORM, CompanyRequest, page
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError
from rokuon.jobs import queue
from rokuon.ledger import inventory
from rokuon.org.models import Bucket
from rokuon.wiring import restart_text
from rokuon.wiring.bucket_report import report

from . import text
from .held import resumed_now

REFUSED = 422
LARGEST = 100_000
"""With more recordings than this, listing the store takes longer than a browser waits, and the command has to be used."""


@page(Action.SET_COMPANY, FORM, fresh=True, keeps=("on_purpose", "note"))
def restart_page(request: CompanyRequest, bucket: int) -> HttpResponse:
    found = get_object_or_404(Bucket.objects.select_related("company"), pk=bucket, company=request.company)
    verified = inventory.verified(found.pk)
    error = ""
    try:
        if request.method == "POST" and verified <= LARGEST:
            if request.POST.get("on_purpose") == "on":
                return _restarted(request, found)
            error = _("Tick that you replaced or emptied the bucket on purpose.")
    except NoteMissing as missing:
        error = str(missing)
    try:
        seen = buckets.look_at_bucket(installation(), found)
    except ConfigError as refused:
        return _back(request, found, i18n._(str(refused)))
    context = {
        "bucket": found,
        "name": text.name_of(found.url),
        "meaning": restart_text.meaning(verified, seen.looked_for, seen.missing),
        "error": error,
        "missing": seen.missing,
        "note": request.POST.get("note", ""),
        "longest_note": LONGEST_NOTE,
        "too_many": verified > LARGEST,
        "command": f"rokuon bucket restart {shlex.quote(found.url)}",
    }
    return render(request, "console/buckets/restart.html", context, status=REFUSED if error else 200)


def _restarted(request: CompanyRequest, bucket: Bucket) -> HttpResponse:
    """Raises NoteMissing."""
    try:
        done = restart_bucket(installation(), bucket, queue, guards.actor(request), guards.now(request), request.POST.get("note", ""))
    except NoteMissing:
        raise
    except ConfigError as error:
        return _back(request, bucket, i18n._(str(error)))
    if not done.verification.ok:
        told = text.said(bucket.url, report(done.verification))
        return _back(request, bucket, i18n.join_sentences(told.headline, f"{told.failure} [{told.reason}]"))
    outcome = restart_text.outcome(done.verified, done.missing) if done.verified else ""
    messages.success(
        request, i18n.join_sentences(_("The bucket is marked, and Rokuon stores recordings in it."), outcome, resumed_now(request))
    )
    return _to(request, bucket)


def _back(request: CompanyRequest, bucket: Bucket, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return _to(request, bucket)


def _to(request: CompanyRequest, bucket: Bucket) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:settings-bucket", args=[request.company.public_id, bucket.pk]), status=303)
