"""Links that work once: an invitation, or an operator's way in. Whoever holds one is that person, so it is short-lived and kept hashed.

Looking at a link changes nothing (mail scanners look); only the button on its page uses it.
"""

from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.db import transaction
from django.db.models import Q, QuerySet

from .models import Link, Person, hashed

LIFE = {Link.Kind.SIGN_IN: timedelta(minutes=15), Link.Kind.INVITATION: timedelta(days=7)}


def path(token: str) -> str:
    """Where the link leads, below the address at which people reach the console."""
    return f"/link/{token}/"


def make(person: Person, kind: Link.Kind, handed: Link.Handed, now: datetime) -> str:
    """A new link; those of the same kind that the person did not use are void. Returns what only its holder knows."""
    token = token_urlsafe(32)
    with transaction.atomic():
        void(person, now, kind)
        Link.objects.create(token=hashed(token), kind=kind, handed=handed, person=person, created_at=now, expires_at=now + LIFE[kind])
    return token


def find(token: str, now: datetime) -> Link | None:
    """The link, if it can still be used."""
    return _usable(now).filter(token=hashed(token)).select_related("person").first()


def use(token: str, now: datetime) -> Link | None:
    """The link, used up by this call; None where it cannot be used, also because another click was first, or a reset of the account.

    Holds the person's row until the transaction of the caller ends.
    """
    there = _usable(now).filter(token=hashed(token)).values_list("person_id", flat=True).first()
    if there is None:
        return None
    # The person first, as everything does that voids links: in the other order two would wait for each other.
    Person.objects.select_for_update().filter(pk=there).exists()
    if _usable(now).filter(token=hashed(token)).update(used_at=now) != 1:
        return None
    return Link.objects.select_related("person").get(token=hashed(token))


def void(person: Person, now: datetime, *kinds: Link.Kind) -> int:
    """Links that were not used stop working; how many. Without `kinds`, all of them."""
    which = Q(kind__in=kinds) if kinds else Q()
    return Link.objects.filter(which, person=person, used_at=None).delete()[0]


def _usable(now: datetime) -> QuerySet[Link]:
    # Without a join: Django would put a join into a subquery, and a second click that waited for the first would not look again.
    return Link.objects.filter(used_at=None, expires_at__gt=now, person__in=Person.objects.filter(is_active=True))
