"""Addresses of lists of recordings, for numbers that are links to what they count."""

from collections.abc import Collection
from urllib.parse import urlencode

from django.urls import reverse

from rokuon.org.models import Company, Target

MOST_TARGETS = 200
"""A longer address may be refused on its way."""


def recordings_of(company: Company, targets: Collection[Target], **filters: str) -> str:
    """Return the address of the list of these targets' recordings; "" for no targets, and for more than an address can name."""
    if not 0 < len(targets) <= MOST_TARGETS:
        return ""
    asked = [*(("target", str(target.pk)) for target in targets), *filters.items()]
    return f"{reverse('console:recordings', args=[company.public_id])}?{urlencode(asked)}"
