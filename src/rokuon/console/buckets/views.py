"""Views of buckets: the company's list, one bucket with the steps of its verification, registration, a new credential (M5)."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.actions import bucket_list, buckets
from rokuon.base import i18n
from rokuon.config import Config
from rokuon.console.settings import read_model as settings_tree
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, FORM, CompanyRequest, page
from rokuon.domain.failures import ConfigError
from rokuon.org import services
from rokuon.org.models import Bucket
from rokuon.org.services import Node
from rokuon.stores.registry import kind_of
from rokuon.wiring import bucket_overlap

from . import drills, held, inventory, text
from .check_views import begin
from .credential import credential_text
from .forms import KEY, MACHINE, BucketForm, CredentialForm, kind_named

REFUSED = 422


@page(Action.SET_BUCKETS)
def list_page(request: CompanyRequest) -> HttpResponse:
    known = list(request.company.buckets.order_by("url"))
    stopped = held.held(request, known)
    rows = [
        {
            "bucket": bucket,
            "held": stopped.get(bucket.pk),
            "said": text.said(bucket.url, bucket.verification),
            "users": _users(request, bucket),
            "used": bool(bucket_list.use_of(bucket)),
        }
        for bucket in known
    ]
    return render(request, "console/buckets/buckets.html", {"rows": rows, **_links(request)})


@page(Action.SET_BUCKETS)
def bucket_page(request: CompanyRequest, bucket: int) -> HttpResponse:
    found = get_object_or_404(Bucket, pk=bucket, company=request.company)
    context = {
        "bucket": found,
        "name": text.name_of(found.url),
        "said": text.said(found.url, found.verification),
        "held": held.held(request, [found]).get(found.pk),
        "resumed": held.resumed(request, found),
        "users": _users(request, found),
        "used": bool(bucket_list.use_of(found)),
        "longest_name": bucket_list.LONGEST_NAME,
        "kind": kind_of(found.url),
        "drills": drills.of_bucket(request, found),
        "inventory": inventory.of_bucket(request, found),
        "sees_all": guards.seen(request).whole,
        **_links(request),
    }
    if context["may_register"]:
        context |= credential_text(found)
    return render(request, "console/buckets/bucket.html", context)


@page(Action.SET_COMPANY, FORM, fresh=True, keeps=("kind", "name", "root", "folder", "whose"))
def new_page(request: CompanyRequest) -> HttpResponse:
    """Register a bucket after verifying it. If the verification fails, a separate page repeats it."""
    config = Config.load()
    if request.method != "POST":
        kind = kind_named(request.GET.get("kind", ""))
        whose = MACHINE if buckets.machine_credential(config, kind) else KEY
        initial = {"kind": kind.id, "name": request.GET.get("name", ""), "whose": whose}
        return render(request, "console/buckets/new.html", {"form": BucketForm(config, initial=initial), **_links(request)})
    form = BucketForm(config, request.POST, request.FILES)
    if form.is_valid():
        try:
            services.require_free(request.company, form.cleaned_data["url"])
            bucket_overlap.require_apart(request.company, form.cleaned_data["url"])
            return begin(request, form.cleaned_data["url"], form.cleaned_data["credential"])
        except ConfigError as error:
            form.add_error(None, i18n._(str(error)))
    return render(request, "console/buckets/new.html", {"form": form, **_links(request)}, status=REFUSED)


@page(Action.SET_COMPANY, CHANGE)
def verify(request: CompanyRequest, bucket: int) -> HttpResponse:
    """Verify a registered bucket again with the credential that it has."""
    found = get_object_or_404(Bucket, pk=bucket, company=request.company)
    try:
        return begin(request, found.url, None, found)
    except ConfigError as error:
        messages.error(request, i18n._(str(error)))
        return HttpResponseRedirect(reverse("console:settings-bucket", args=[request.company.public_id, found.pk]), status=303)


@page(Action.SET_COMPANY, FORM, fresh=True)
def credential_page(request: CompanyRequest, bucket: int) -> HttpResponse:
    """Set a new credential for a bucket. It is kept only if the bucket can be verified with it."""
    found = get_object_or_404(Bucket, pk=bucket, company=request.company)
    config = Config.load()
    context = {"bucket": found, "name": text.name_of(found.url), **_links(request)}
    if request.method != "POST":
        form = CredentialForm(kind_of(found.url), config, initial={"whose": "key"})
        return render(request, "console/buckets/credential.html", {"form": form, **context})
    form = CredentialForm(kind_of(found.url), config, request.POST, request.FILES)
    if form.is_valid() and form.cleaned_data["credential"] is None:
        form.add_error("key", _("Paste the new key, or choose its file."))
    if form.is_valid():
        try:
            return begin(request, found.url, form.cleaned_data["credential"], found)
        except ConfigError as error:
            form.add_error(None, i18n._(str(error)))
    return render(request, "console/buckets/credential.html", {"form": form, **context}, status=REFUSED)


def _links(request: CompanyRequest) -> dict[str, Any]:
    company = request.company
    return {
        "may_register": guards.allowed(request, Action.SET_COMPANY),
        "buckets_url": reverse("console:settings-buckets", args=[company.public_id]),
        "new_url": reverse("console:settings-bucket_new", args=[company.public_id]),
        "top_url": reverse("console:settings", args=[company.public_id]),
        "admins": settings_tree.company_admins(company),
        "zone": settings_tree.zone(request.reach, company),
    }


def _users(request: CompanyRequest, bucket: Bucket) -> list[dict[str, str]]:
    """Return the levels within reach that chose the bucket."""
    nodes: list[Node] = [request.company] if request.company.bucket_id == bucket.pk else []
    nodes += guards.offices(request.reach).filter(bucket=bucket, customized=True).order_by("name")
    nodes += guards.targets(request.reach).filter(bucket=bucket, customized=True).order_by("name")
    return [{"name": one.name, "kind": settings_tree.kind_of(one), "url": settings_tree.url_of(request.company, one)} for one in nodes]
