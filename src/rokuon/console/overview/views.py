"""Views of the overview: whether everything is backed up, work in progress, failures with causes, and the coverage calendar."""

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.completeness import outside
from rokuon.console.buckets.held import resumed_lately
from rokuon.console.system import events_text
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.domain.copies import State
from rokuon.ledger import proofs
from rokuon.ledger.overview import Day, DayState, weaker_proofs
from rokuon.org.models import Office, Target
from rokuon.org.tree import zone_of

from . import calendar_svg, daily, outside_views, read_model, seals
from .office_filter import asked_office, narrowed

LISTED_DAYS = 6
"""Days that need attention are listed one by one in the table up to this number; the rest are counted."""


@page(Action.VIEW)
def show(request: CompanyRequest) -> HttpResponse:
    office = asked_office(request)
    reach = narrowed(request, office)
    targets = _targets(reach)
    now = guards.now(request)
    look = read_model.load_overview(request.company, reach, targets, now)
    url = _of_office(request, office, targets)
    ready = bool(request.company.enabled and request.company.api_key and look.backed_up)
    shown = {
        "offices": list(guards.offices(request.reach).order_by("name", "pk")),
        "office": office,
        "look": look,
        "answer": read_model.answer(look),
        "seals": seals.said(request, look.held_buckets) if request.reach.whole and not office else [],
        "resumed": resumed_lately(request, reach),
        "all_url": url(),
        "gone_url": url(state=State.GONE),
        "pending_url": url(state=State.PENDING),
        "unlisted_url": reverse("console:failures", args=[request.company.public_id]) + "#not-known",
        "states": [{"state": one, "count": getattr(look.counts, one), "url": url(state=one)} for one in STATES],
        "failures": [{"why": why, "url": url(state=why.cause.state, reason=why.cause.reason)} for why in look.failures],
        "others": [{"why": why, "url": url(state=why.cause.state, reason=why.cause.reason)} for why in look.others],
        "leaving": _leaving(look, url),
        "weaker": [
            {"said": said, "url": url(state=proof)} for proof, said in proofs.weaker(weaker_proofs([target.pk for target in targets]))
        ],
        "lost": events_text.lost_said(events_text.lost_of_late(request.company, now)) if request.reach.whole and not office else "",
        "work": read_model.work(request.company, reach, targets, now, look.counts.pending),
        "ready": ready,
        "begun": ready or look.counts.discovered > 0,
        "may_set_up": guards.allowed(request, Action.SET_COMPANY),
        "may_back_up": Action.BACK_UP in request.reaches,
        "zone": _zone(targets),
    }
    beside = outside.of_past(request.company, now, reach.offices)
    if shown["begun"] or beside.calls:
        shown |= outside_views.summary(request, office, beside)
    return render(request, "console/overview/overview.html", shown | _calendar(request, targets, url))


@page(Action.VIEW)
def work(request: CompanyRequest) -> HttpResponse:
    """Render only the live part."""
    office = asked_office(request)
    reach = narrowed(request, office)
    targets = _targets(reach)
    shown = {
        "office": office,
        "zone": _zone(targets),
        "pending_url": _of_office(request, office, targets)(state=State.PENDING),
        "work": read_model.work(request.company, reach, targets, guards.now(request)),
    }
    return render(request, "console/overview/work.html", shown)


def _of_office(request: CompanyRequest, office: Office | None, targets: list[Target]) -> Callable[..., str]:
    """Return the function that makes links to recordings. If the page shows one office, they lead to that office's recordings."""
    return partial(recordings_url, request, **({"target": [target.pk for target in targets]} if office else {}))


def _leaving(look: read_model.Overview, url: Callable[..., str]) -> list[dict[str, str]]:
    """Return links to the recordings that leave the access window within a week, by state."""
    if look.leaving is None or not look.leaving.soon:
        return []
    words = {"failed": _("Show those that failed"), "pending": _("Show those that wait")}
    days = {"since": look.leaving.since, "until": look.leaving.until}
    return [{"words": words[state], "url": url(state=state, **days)} for state in ("failed", "pending") if getattr(look.counts, state)]


STATES = ("verified", "pending", "failed", "gone", "excluded")


def _targets(reach: AccessReach) -> list[Target]:
    return list(guards.targets(reach).order_by("office__name", "office_id", "name", "pk"))


def _zone(targets: list[Target]) -> str:
    """Return the time zone of most of the targets, for times that concern the whole page."""
    zones = [zone_of(target) for target in targets]
    return max(sorted(set(zones)), key=zones.count, default="")


def _calendar(request: CompanyRequest, targets: list[Target], url: Callable[..., str]) -> dict[str, Any]:
    backed_up = [target for target in targets if target.backed_up]
    if not backed_up:
        return {"rows": []}
    now = guards.now(request)
    days = read_model.days_until(backed_up, now)
    part = Paginator(backed_up, read_model.ROWS).get_page(request.GET.get("page"))
    rows = read_model.calendar(request.company, list(part), days, now)
    drawn = calendar_svg.Calendar(days)
    return {
        "daily": daily.load(request.company.pk, targets, days, lambda day: url(since=day, until=day)),
        "rows": [_row(request, row, drawn) for row in rows],
        "part": part,
        "axis": drawn.axis(),
        "legend": [{"state": state.value, "words": _(calendar_svg.WORDS[state])} for state in LEGEND],
        "part_url": "?" + (urlencode({"office": request.GET["office"]}) + "&" if request.GET.get("office") else ""),
        "first_day": days[0],
        "last_day": days[-1],
    }


LEGEND = (DayState.COMPLETE, DayState.INCOMPLETE, DayState.FAILED, DayState.UNLISTED, DayState.EMPTY)


def _row(request: CompanyRequest, row: read_model.CalendarRow, drawn: calendar_svg.Calendar) -> dict[str, Any]:
    url = day_url(request, row.target)
    attention = [number for number, day in enumerate(row.days) if day.state in (DayState.FAILED, DayState.INCOMPLETE)][::-1]
    return {
        "target": row.target,
        "counts": [{"words": _(calendar_svg.WORDS[state]), "count": row.count(state)} for state in LEGEND],
        "strip": drawn.strip(row.days, url),
        "open_days": [
            {"url": url(row.days[number], drawn.days[number]), "words": drawn.title(row.days[number], number)}
            for number in attention[:LISTED_DAYS]
        ],
        "more_open_days": max(0, len(attention) - LISTED_DAYS),
    }


def day_url(request: CompanyRequest, target: Target) -> Callable[[Day, date], str]:
    """Return the link of a day of this target: the day's recordings; where only a call that names none, or an entry that could not be
    read, keeps it open, that."""
    of_target = recordings_url(request, target=target.pk)

    def url(day: Day, local: date) -> str:
        if day.counts.failed or day.counts.pending or not (day.unnamed or day.unread):
            return f"{of_target}&since={local}&until={local}"
        name, place = ("failures-unnamed", "") if day.unnamed else ("failures", "#not-known")
        return reverse(f"console:{name}", args=[request.company.public_id]) + place

    return url


def recordings_url(request: CompanyRequest, **filters: object) -> str:
    place = reverse("console:recordings", args=[request.company.public_id])
    return f"{place}?{urlencode(filters, doseq=True)}" if filters else place
