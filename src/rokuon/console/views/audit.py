"""The audit log: who changed or listened to what, newest first. For company admins alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.may import Action
from rokuon.accounts.models import AuditEntry
from rokuon.console import deeds
from rokuon.console.gate import CompanyRequest, page
from rokuon.domain.placement import zone as zone_info
from rokuon.org.models import Company, Office

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. What cannot be read counts as not asked for."""

    actor: str
    action: str
    office: str
    since: str
    until: str

    @classmethod
    def of(cls, request: CompanyRequest) -> "Filters":
        asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("actor", "action", "office", "since", "until")}
        return cls(**{name: value[:200].strip() for name, value in asked.items()})

    def query(self, **more: str) -> str:
        return urlencode({name: value for name in self.__slots__ if (value := getattr(self, name))} | more)

    @property
    def any(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in words."""

    entry: AuditEntry
    actor: str
    action: str
    changes: Sequence[tuple[str, str, str]]


@page(Action.AUDIT)
def log(request: CompanyRequest) -> HttpResponse:
    company, filters = request.company, Filters.of(request)
    offices = list(Office.objects.filter(company=company).order_by("name", "pk"))
    zone = next((office.timezone for office in offices if office.timezone), "")
    entries = _after(request.GET.get("after", ""), _filtered(company, filters, zone))
    found = list(entries.select_related("office").order_by("-at", "-id")[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    older = f"{shown[-1].at.isoformat()},{shown[-1].pk}" if len(found) > PER_PAGE else ""
    mine = AuditEntry.objects.filter(company=company)
    context = {
        "lines": [_line(entry) for entry in shown],
        "filters": filters,
        "offices": offices,
        "actors": mine.order_by("actor").values_list("actor", flat=True).distinct()[:500],
        "actions": sorted(
            ((one, deeds.action_words(one)) for one in mine.values_list("action", flat=True).distinct()), key=lambda pair: pair[1]
        ),
        "older": filters.query(after=older) if older else "",
        "newest": "" if "after" not in request.GET else f"?{filters.query()}",
        "zone": zone or "UTC",
    }
    return render(request, "console/audit.html", context)


def _filtered(company: Company, filters: Filters, zone: str) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.filter(company=company)
    if filters.actor:
        entries = entries.filter(actor=filters.actor)
    if filters.action:
        entries = entries.filter(action=filters.action)
    if filters.office.isdecimal():
        entries = entries.filter(office_id=int(filters.office[:18]))
    if since := _midnight(filters.since, zone):
        entries = entries.filter(at__gte=since)
    if until := _midnight(filters.until, zone, days=1):
        entries = entries.filter(at__lt=until)
    return entries


def _after(place: str, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    """Those older than the last one of the page before."""
    when, _comma, ident = place.partition(",")
    try:
        at = parse_datetime(when)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not ident.isdecimal():
        return entries
    return entries.filter(Q(at__lt=at) | Q(at=at, pk__lt=int(ident[:18])))


def _midnight(day: str, zone: str, days: int = 0) -> datetime | None:
    try:
        found = parse_date(day)
        return datetime.combine(found + timedelta(days=days), time(), zone_info(zone)) if found is not None else None
    except (ValueError, OverflowError):
        return None


def _line(entry: AuditEntry) -> Line:
    actor = _("Command line") if entry.person_id is None and entry.actor == COMMAND_LINE.name else entry.actor
    return Line(entry, actor, deeds.action_words(entry.action), deeds.changes(entry.before, entry.after))
