"""The page of recorded calls outside every rule: whose they are, by kind and name, with the way to a rule."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.base.i18n import join_sentences
from rokuon.completeness import outside
from rokuon.completeness.outside import KINDS, ONE_OF_KIND, Outside, OutsideLine
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.domain.outside import LineKind
from rokuon.org.models import Office

from .office_filter import asked_office, narrowed

ROWS = 50
"""Number of lines on one page."""


@page(Action.VIEW)
def show(request: CompanyRequest) -> HttpResponse:
    """Show the lines within reach, the most recordings first; with `kind`, only those of one kind, with `office`, of one office."""
    office = asked_office(request)
    found = outside.of_past(request.company, guards.now(request), narrowed(request, office).offices)
    asked = request.GET.get("kind", "")
    kind = LineKind(asked) if asked in list(LineKind) else None
    part = Paginator([line for line in found.lines if kind in (None, line.kind)], ROWS).get_page(request.GET.get("page"))
    shown = {
        **summary(request, office, found),
        "office": office,
        "kind": kind,
        "part": part,
        "rows": [(line, _(ONE_OF_KIND[line.kind]), _rule_url(request, line)) for line in part],
        "part_url": _url(request, office, kind, page=""),
        "whole_run": _whole_run(request),
    }
    return render(request, "console/overview/outside.html", shown)


def summary(request: CompanyRequest, office: Office | None, found: Outside) -> dict[str, Any]:
    """Return what the overview and the page share: the sentences, and the figures by kind with their links. `office` is the one shown."""
    return {
        "outside": found,
        "outside_said": outside.said(found),
        "outside_none": outside.none_said(found).rstrip(".。"),
        "outside_days": join_sentences(outside.days_said(found), *outside.unread_said(found)),
        "outside_kinds": [
            {"kind": one.kind, "words": _(KINDS[one.kind]), "sums": one, "url": _url(request, office, one.kind)} for one in found.kinds
        ],
        "outside_url": _url(request, office),
    }


def _url(request: CompanyRequest, office: Office | None, kind: LineKind | None = None, **more: str) -> str:
    asked = {"office": str(office.pk) if office else "", "kind": kind or ""}
    query = urlencode({name: value for name, value in asked.items() if value} | more)
    return reverse("console:overview-outside", args=[request.company.public_id]) + (f"?{query}" if query else "")


def _whole_run(request: CompanyRequest) -> str:
    """Return the page of Back up now for people who may start it for the whole company, else ""."""
    reach = request.reaches.get(Action.BACK_UP)
    return reverse("console:backup_now", args=[request.company.public_id]) if reach is not None and reach.whole else ""


def _rule_url(request: CompanyRequest, line: OutsideLine) -> str:
    """Return the place where the line can get a rule, "" for a line that can have none, or that was deleted at Dialpad."""
    if line.target is None or line.target.state == "deleted":
        return ""
    return reverse("console:rules", args=[request.company.public_id]) + "?" + urlencode({"kind": line.kind, "q": line.target.name})
