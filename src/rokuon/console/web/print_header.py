"""The head of a printed page: what it is about, who printed it and when, so that a sheet of paper is evidence on its own.

It is part of every page and shown only in print (`console/print_head.html`); the number of the page is added by the style sheet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.org import tree
from rokuon.org.models import Bucket, Company

MOST_BUCKETS = 3


@dataclass(frozen=True, slots=True)
class PrintHead:
    """`company` and `buckets` are "" and empty on a page about no company; `more_buckets` are not named."""

    company: str
    installation: str
    buckets: list[str]
    more_buckets: int
    who: str


def of(request: HttpRequest, company: Company | None, reaches: Mapping[Action, AccessReach]) -> PrintHead:
    """Return the head for this reader. Only buckets are named that the reader's own targets use."""
    buckets = _buckets(company, reaches[Action.VIEW]) if company is not None else []
    return PrintHead(
        company.name if company is not None else "",
        settings.ROKUON_PUBLIC_URL.host,
        buckets[:MOST_BUCKETS],
        max(0, len(buckets) - MOST_BUCKETS),
        str(getattr(request.user, "email", "")),
    )


def _buckets(company: Company, reach: AccessReach) -> list[str]:
    found = Bucket.objects.filter(company=company).order_by("url")
    if reach.offices is not None:
        used = {one.effective.bucket for one in tree.target_settings(company) if one.target.office_id in reach.offices}
        found = found.filter(pk__in=[pk for pk in used if pk is not None])
    return list(found.values_list("url", flat=True))
