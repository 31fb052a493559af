"""What is wrong with the seals of a company's buckets, for people who see the whole company."""

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse

from rokuon.accounts.permissions import Action
from rokuon.base import dates
from rokuon.console.buckets.text import name_of
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.custody import overview


@dataclass(frozen=True, slots=True)
class SealSaid:
    """A bucket that is not sealed as it should be: its name, what is wrong, what to do, and its page ("" if this person may not open
    it)."""

    name: str
    says: str
    advice: str
    url: str


def said(request: CompanyRequest, held: Collection[str]) -> list[SealSaid]:
    """Return the buckets that need attention, without those on hold: their holds are shown, and end first. `held` are their ids, as in
    `Hold.ref`."""
    now, zone = guards.now(request), guards.reader_zone(request)
    may = Action.SET_BUCKETS in request.reaches
    return [
        SealSaid(
            name_of(one.url),
            overview.in_words(one, now, lambda when: dates.named(when, zone) if when else "–"),
            overview.advice(one, now),
            reverse("console:settings-bucket", args=[request.company.public_id, one.bucket_id]) if may else "",
        )
        for one in overview.of_company(request.company.pk)
        if (one.is_lasting(now) or one.empty) and str(one.bucket_id) not in held
    ]
