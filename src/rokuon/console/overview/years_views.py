"""The page of two years: the coverage calendar of each target, each day a link to its recordings."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.base import dates
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.domain import windows
from rokuon.domain.row_ids import row_id

from . import calendar_svg, read_model, years_svg
from .views import LEGEND, LISTED_DAYS, day_url, recordings_url

ROWS = 5
"""Number of targets on one page."""


@page(Action.VIEW)
def show(request: CompanyRequest) -> HttpResponse:
    """Show the targets that are backed up; with `target`, only that one. 404 for one outside of the reach."""
    ruled = guards.targets(request.reach).filter(backed_up=True).order_by("office__name", "office_id", "name", "pk")
    asked = row_id(request.GET.get("target", ""))
    only = guards.target_or_404(request.reach, asked) if asked is not None else None
    part = Paginator(ruled if only is None else [only], ROWS).get_page(request.GET.get("page"))
    targets = list(part)
    now = guards.now(request)
    last = read_model.days_until(targets, now)[-1] if targets else dates.utc_day(now)
    first = windows.two_years_before(last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    rows = read_model.calendar(request.company, targets, days, now) if targets else []
    shown = {
        "rows": [_row(request, row, days) for row in rows],
        "part": part,
        "part_url": "?" + (urlencode({"target": only.pk}) + "&" if only is not None else ""),
        "only": only,
        "legend": [{"state": state.value, "words": _(calendar_svg.WORDS[state])} for state in LEGEND],
        "first_day": first,
        "last_day": last,
    }
    return render(request, "console/overview/years.html", shown)


def _row(request: CompanyRequest, row: read_model.CalendarRow, days: list[date]) -> dict[str, Any]:
    url = day_url(request, row.target)
    dated = list(zip(days, row.days, strict=False))  # a target whose day has not begun yet has one less
    return {
        "target": row.target,
        "counts": [{"words": _(calendar_svg.WORDS[state]), "count": row.count(state)} for state in LEGEND],
        "drawings": years_svg.drawings(dated, url),
        "months": [
            {
                "first": month.first,
                "url": recordings_url(request, target=row.target.pk, since=month.first, until=month.last),
                "counts": [month.count(state) for state in LEGEND],
                "verified": month.verified,
                "open_days": [
                    {"url": url(day, at), "words": f"{dates.day(at)} · {calendar_svg.in_words(day)}"}
                    for at, day in month.to_look_at[:LISTED_DAYS]
                ],
                "more_open_days": max(0, len(month.to_look_at) - LISTED_DAYS),
            }
            for month in years_svg.months(dated)
        ],
    }
