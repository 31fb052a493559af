"""Views of company, office and target settings (M1 to M5): effective settings with reasons, and changes with a preview of the effect.

A change that needs a decision is kept as a draft and shown at an address of its own, so that it can be reloaded and read in the other
language.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts import draft_pages, recent_auth
from rokuon.accounts.our_pages import with_draft
from rokuon.accounts.permissions import Action
from rokuon.actions import settings
from rokuon.console.buckets.check_views import verify_now
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.org.models import Company, Office, Target
from rokuon.org.odd_zones import odd_zone
from rokuon.org.odd_zones import todo as zones_todo
from rokuon.org.services import Node, Restricted, SettingsMoved

from . import read_model
from .effect import Difference, effect
from .forms import SettingsForm, form_for, label, value

REFUSED = 422
OF_LEVEL = ("revision", "customized", "bucket")
OF_COMPANY = (
    "revision",
    "enabled",
    "bucket",
    "restricted",
    "voicemail",
    "requests_per_second",
    "media_charge",
    "access_window_days",
    "other_party",
    "above_limit",
)
"""Fields of the forms."""


@page(Action.VIEW)
def company_page(request: CompanyRequest) -> HttpResponse:
    return _page(request, request.company)


@page(Action.VIEW)
def office_page(request: CompanyRequest, office: int) -> HttpResponse:
    return _page(request, guards.office_or_404(request.reach, office))


@page(Action.VIEW)
def target_page(request: CompanyRequest, target: int) -> HttpResponse:
    return _page(request, guards.target_or_404(request.reach, target))


@page(Action.SET_COMPANY, CHANGE, keeps=OF_COMPANY)
def save_company(request: CompanyRequest) -> HttpResponse:
    return _save(request, request.company)


@page(Action.SET_BUCKETS, CHANGE, keeps=OF_LEVEL)
def save_office(request: CompanyRequest, office: int) -> HttpResponse:
    return _save(request, guards.office_or_404(request.reach, office))


@page(Action.SET_BUCKETS, CHANGE, keeps=OF_LEVEL)
def save_target(request: CompanyRequest, target: int) -> HttpResponse:
    return _save(request, guards.target_or_404(request.reach, target))


@page(Action.SET_COMPANY)
def preview_company(request: CompanyRequest, draft: str) -> HttpResponse:
    return _preview(request, request.company, draft)


@page(Action.SET_BUCKETS)
def preview_office(request: CompanyRequest, office: int, draft: str) -> HttpResponse:
    return _preview(request, guards.office_or_404(request.reach, office), draft)


@page(Action.SET_BUCKETS)
def preview_target(request: CompanyRequest, target: int, draft: str) -> HttpResponse:
    return _preview(request, guards.target_or_404(request.reach, target), draft)


def _save(request: CompanyRequest, node: Node) -> HttpResponse:
    """Save the settings of a level. An invalid form is shown again. A far-reaching change that is not confirmed, and one of a level that
    another person changed meanwhile, leads to the page that shows it."""
    form = form_for(node, request.POST)
    if not form.is_valid():
        return _page(request, node, form, status=REFUSED)
    wanted, revision = form.wanted(), form.cleaned_data["revision"]
    if "again" in request.POST:
        return draft_pages.back(request, read_model.url_of(request.company, node))
    if revision != node.revision:
        return _decide(request, node)
    foreseen = effect(request.company, node, wanted, guards.targets(request.reach), guards.now(request))
    if foreseen.far_reaching and not recent_auth.is_fresh(request):
        return recent_auth.ask(request, read_model.url_of(request.company, node))
    unseen = foreseen.any_rule and request.POST.get("confirmed") != foreseen.token
    if foreseen.far_reaching and unseen and not _forbidden(request, node):
        return _decide(request, node)
    try:
        changed = settings.change(
            node, wanted, guards.actor(request), guards.now(request), revision=revision, above_limit=form.above_limit_confirmed()
        )
    except SettingsMoved as moved:
        return _decide(request, moved.now)
    except Restricted as refused:
        messages.error(request, str(refused))
        return _back(request, node)
    if not changed:
        messages.info(request, _("Nothing differs from what was set, so nothing was changed."))
    else:
        messages.success(request, _("Saved."))
        bucket = wanted.get("bucket")
        if foreseen.far_reaching and bucket is not None:
            verify_now(request, bucket)
    return _back(request, node)


def _decide(request: CompanyRequest, node: Node) -> HttpResponse:
    """Redirect to the page that shows what the form would change."""
    return HttpResponseRedirect(read_model.url_of(request.company, node, "-preview", draft_pages.keep_for_page(request)), status=303)


def _preview(request: CompanyRequest, node: Node, token: str) -> HttpResponse:
    """Show the effect of a draft; if another person changed the level meanwhile, both versions side by side."""
    draft = draft_pages.find(request, token)
    level = read_model.url_of(request.company, node)
    if draft is None or draft.path != read_model.url_of(request.company, node, "-save"):
        return HttpResponseRedirect(with_draft(level, token))
    form = form_for(node, draft_pages.as_sent(draft))
    if not form.is_valid() or _forbidden(request, node):
        return HttpResponseRedirect(with_draft(level, token))
    context = {**_frame(request, node), "form": form, "again_url": with_draft(level, token), "draft": token}
    if form.cleaned_data["revision"] != node.revision:
        return _conflict(request, node, form, context)
    context["effect"] = effect(request.company, node, form.wanted(), guards.targets(request.reach), guards.now(request))
    return render(request, "console/settings/preview.html", context)


def _forbidden(request: CompanyRequest, node: Node) -> bool:
    return request.company.restricted and not isinstance(node, Company)


def _back(request: CompanyRequest, node: Node) -> HttpResponse:
    return HttpResponseRedirect(read_model.url_of(request.company, node), status=303)


def _page(request: CompanyRequest, node: Node, form: SettingsForm | None = None, status: int = 200) -> HttpResponse:
    company, reach = request.company, guards.seen(request)
    form = form or form_for(node)
    context = _frame(request, node)
    below = guards.targets(reach).none() if isinstance(node, Target) else guards.targets(reach)
    if isinstance(node, Office):
        below = below.filter(office=node)
    offices = guards.offices(reach).filter(customized=True) if isinstance(node, Company) else guards.offices(reach).none()
    targets = below.filter(customized=True).order_by("office__name", "kind", "name", "pk")
    context |= {
        "form": form,
        "may_change": _may_change(request, node),
        "admins": read_model.company_admins(company),
        "deviations": read_model.deviations(company, offices.order_by("name", "pk"), targets),
        "below": below.exists(),
        "has_buckets": company.buckets.exists(),
    }
    return render(request, "console/settings/level.html", context, status=status)


def _conflict(request: CompanyRequest, current: Node, form: SettingsForm, context: dict[str, Any]) -> HttpResponse:
    """Show what the other person set and what this person wanted, so that saving again is a decision."""
    both = [
        Difference(label(current, name), value(name, getattr(current, name)), value(name, given))
        for name, given in form.wanted().items()
        if getattr(current, name) != given
    ]
    context |= {"both": both, "other": settings.last_change(current), "revision": current.revision}
    return render(request, "console/settings/conflict.html", context)


def _frame(request: CompanyRequest, node: Node) -> dict[str, Any]:
    """Return the template context of a level and of the tree beside it."""
    company, wanted = request.company, request.GET.get("q", "").replace("\0", "").strip()
    save = read_model.url_of(company, node, "-save")
    return {
        "level": read_model.level(company, node),
        "node": node,
        "kind": read_model.kind_of(node),
        "tree": read_model.tree(guards.seen(request), company, node, wanted),
        "wanted": wanted,
        "zone": read_model.zone(guards.seen(request), node),
        "odd_zone": odd_zone(node) if not isinstance(node, Company) else None,
        "odd_zone_todo": zones_todo(),
        "save_url": save,
        "page_url": read_model.url_of(company, node),
        "top_url": read_model.url_of(company, company),
        "office_url": read_model.url_of(company, node.office) if isinstance(node, Target) else "",
        "rules_url": reverse("console:rules", args=[company.public_id]),
        "register_url": reverse("console:settings-bucket_new", args=[company.public_id]) if Action.SET_COMPANY in request.reaches else "",
        "buckets_url": reverse("console:settings-buckets", args=[company.public_id]) if Action.SET_BUCKETS in request.reaches else "",
    }


def _may_change(request: CompanyRequest, node: Node) -> bool:
    if isinstance(node, Company):
        return guards.allowed(request, Action.SET_COMPANY)
    office = node.office_id if isinstance(node, Target) else node.pk
    return guards.allowed(request, Action.SET_BUCKETS, office) and not _forbidden(request, node)
