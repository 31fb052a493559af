"""Views of what inventories found in a bucket: the list with its evidence, and the closing of what is no recording's failure."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import draft_pages
from rokuon.accounts.permissions import Action
from rokuon.actions import failures, inventories
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.console.web.pagination import page_of
from rokuon.ledger import inventory_findings
from rokuon.org.models import Bucket
from rokuon.wiring import inventory_text

from . import inventory, text


@page(Action.SET_BUCKETS)
def findings_page(request: CompanyRequest, bucket: int) -> HttpResponse:
    found = get_object_or_404(Bucket, pk=bucket, company=request.company)
    seen = guards.seen(request)
    kind = request.GET.get("kind", "")
    kind = kind if kind in inventory_text.TITLES else ""
    rows, following = page_of(inventory_findings.listed(found.pk, kind, guards.target_ids(seen)), request.GET.get("after", ""))
    context = {
        "bucket": found,
        "name": text.name_of(found.url),
        "kind": kind,
        "kind_title": inventory_text.title(kind) if kind else "",
        "findings": inventory.said(rows, guards.reader_zone(request)),
        "following": following,
        "said": inventory.of_bucket(request, found),
        "may_close": guards.allowed(request, Action.SET_COMPANY) and any(one.copy_id is None for one in rows),
        "longest_note": failures.LONGEST_NOTE,
        "zone": guards.company_zone(request.company),
    }
    return render(request, "console/buckets/findings.html", context)


@page(Action.SET_COMPANY, CHANGE, keeps=("finding", "note"))
def close(request: CompanyRequest, bucket: int) -> HttpResponse:
    """Close the selected findings with a note. Those about a recording are closed among the failures."""
    found = get_object_or_404(Bucket, pk=bucket, company=request.company)
    ids, note = guards.row_ids(request, "finding"), failures.note(request.POST.get("note", ""))
    if not note or not ids:
        messages.error(request, _("Select at least one finding.") if note else _("Write why nothing is to be done."))
        return draft_pages.back(request)
    closed = inventories.close_findings(found, ids, note, guards.actor(request), guards.now(request))
    messages.success(request, ngettext("%(count)d finding was closed.", "%(count)d findings were closed.", closed) % {"count": closed})
    return _back(request, found)


@page(Action.SET_COMPANY, CHANGE, keeps=("finding", "note"))
def reopen(request: CompanyRequest, bucket: int) -> HttpResponse:
    found = get_object_or_404(Bucket, pk=bucket, company=request.company)
    opened = inventories.reopen_findings(found, guards.row_ids(request, "finding"), guards.actor(request), guards.now(request))
    if opened:
        messages.success(
            request, ngettext("%(count)d finding is open again.", "%(count)d findings are open again.", opened) % {"count": opened}
        )
    else:
        messages.error(request, _("Select at least one finding that is closed."))
    return _back(request, found)


def _back(request: CompanyRequest, bucket: Bucket) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:settings-bucket_findings", args=[request.company.public_id, bucket.pk]), status=303)
