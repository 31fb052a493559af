"""Keyset pagination of rows by time, newest first: the address of the next page names the last row that was shown."""

from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from rokuon.domain.row_ids import row_id

M = TypeVar("M", bound=Model)
PER_PAGE = 50


def page_of(rows: "QuerySet[M]", after: str) -> tuple[list[M], str]:
    """Return the rows (with `at` and an id) older than the place `after`, or the newest if it names none; and the place of the last row if
    there are more, else ""."""
    found: list[Any] = list(_after(after, rows).order_by("-at", "-id")[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    return shown, f"{shown[-1].at.isoformat()},{shown[-1].pk}" if len(found) > PER_PAGE else ""


def _after(place: str, rows: "QuerySet[M]") -> "QuerySet[M]":
    when, _comma, ident = place.partition(",")
    try:
        at = parse_datetime(when)
    except ValueError:
        at = None
    last = row_id(ident)
    if at is None or at.tzinfo is None or last is None:
        return rows
    return rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=last))
