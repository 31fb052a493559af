"""Views of the audit log, newest entry first: a company's log for its admins, the installation's log for operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry
from rokuon.accounts.permissions import Action
from rokuon.console.web import guards, pagination
from rokuon.console.web.guards import CompanyRequest, SignedInRequest, page, signed_in
from rokuon.domain.placement import zone as zone_info
from rokuon.domain.row_ids import row_id
from rokuon.org.models import Office

from . import labels


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Filters from the page's query string. A value that cannot be read counts as no filter."""

    actor: str
    action: str
    office: str
    since: str
    until: str

    @classmethod
    def of(cls, request: HttpRequest) -> "AuditFilters":
        asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("actor", "action", "office", "since", "until")}
        return cls(**{name: value[:200].strip() for name, value in asked.items()})

    def query(self, **more: str) -> str:
        return urlencode({name: value for name in self.__slots__ if (value := getattr(self, name))} | more)

    @property
    def any(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry of the audit log in words."""

    entry: AuditEntry
    actor: str
    action: str
    changes: Sequence[tuple[str, str, str]]


@page(Action.AUDIT)
def log(request: CompanyRequest) -> HttpResponse:
    offices = list(Office.objects.filter(company=request.company).order_by("name", "pk"))
    return _shown(request, AuditEntry.objects.filter(company=request.company), offices)


@signed_in()
def of_installation(request: SignedInRequest) -> HttpResponse:
    """Show the entries that belong to no company (accounts, links, operators) to operators; 403 for everybody else."""
    if not request.user.is_operator:
        raise PermissionDenied
    return _shown(request, AuditEntry.objects.filter(company=None), [])


def _shown(request: HttpRequest, mine: QuerySet[AuditEntry], offices: Sequence[Office]) -> HttpResponse:
    filters, zone = AuditFilters.of(request), guards.reader_zone(request)
    shown, place = pagination.page_of(_filtered(mine, filters, zone).select_related("office"), request.GET.get("after", ""))
    context = {
        "lines": [_line(entry, zone) for entry in shown],
        "filters": filters,
        "offices": offices,
        "actors": mine.order_by("actor").values_list("actor", flat=True).distinct()[:500],
        "actions": sorted(
            ((one, labels.action_words(one)) for one in mine.values_list("action", flat=True).distinct()), key=lambda pair: pair[1]
        ),
        "older": filters.query(after=place) if place else "",
        "newest": "" if "after" not in request.GET else f"?{filters.query()}",
    }
    return render(request, "console/audit/audit.html", context)


def _filtered(entries: QuerySet[AuditEntry], filters: AuditFilters, zone: str) -> QuerySet[AuditEntry]:
    if filters.actor:
        entries = entries.filter(actor=filters.actor)
    if filters.action:
        entries = entries.filter(action=filters.action)
    if (office := row_id(filters.office)) is not None:
        entries = entries.filter(office_id=office)
    if since := _midnight(filters.since, zone):
        entries = entries.filter(at__gte=since)
    if until := _midnight(filters.until, zone, days=1):
        entries = entries.filter(at__lt=until)
    return entries


def _midnight(day: str, zone: str, days: int = 0) -> datetime | None:
    try:
        found = parse_date(day)
        return datetime.combine(found + timedelta(days=days), time(), zone_info(zone)) if found is not None else None
    except (ValueError, OverflowError):
        return None


def _line(entry: AuditEntry, zone: str) -> AuditRow:
    actor = _("Command line") if entry.person_id is None and entry.actor == COMMAND_LINE.name else entry.actor
    return AuditRow(entry, actor, labels.action_words(entry.action), labels.changes(entry.before, entry.after, zone))
