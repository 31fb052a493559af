"""Links that work once: an invitation or an operator's sign-in link. The holder of a link signs in as its person, so a link is short-lived
and only its hash is stored.

Opening a link changes nothing, because mail scanners open links; only the button on its page uses it.
"""

from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.db import transaction
from django.db.models import Q, QuerySet

from . import mail_links
from .models import Link, Person, hashed

LIFE = {Link.Kind.SIGN_IN: timedelta(minutes=15), Link.Kind.INVITATION: timedelta(days=7)}


def path(token: str) -> str:
    """Return the path of the link, below the console's public address."""
    return f"/link/{token}/"


def make(person: Person, kind: Link.Kind, handed: Link.Handed, now: datetime) -> str:
    """Create a link and void the person's unused links of the same kind. Return the token, which only the holder knows."""
    token = token_urlsafe(32)
    with transaction.atomic():
        void(person, now, kind)
        Link.objects.create(token=hashed(token), kind=kind, handed=handed, person=person, created_at=now, expires_at=now + LIFE[kind])
    return token


def find(token: str, now: datetime) -> Link | None:
    """Return the link if it can still be used."""
    return _usable(now).filter(token=hashed(token)).select_related("person").first()


def use(token: str, now: datetime) -> Link | None:
    """Use the link up and return it; None if it cannot be used, also because another click was first or the account was reset.

    Locks the person's row until the caller's transaction ends.
    """
    there = _usable(now).filter(token=hashed(token)).values_list("person_id", flat=True).first()
    if there is None:
        return None
    # Lock the person first, as all code does that voids links: in the other order two transactions would deadlock.
    Person.objects.select_for_update().filter(pk=there).exists()
    if _usable(now).filter(token=hashed(token)).update(used_at=now) != 1:
        return None
    return Link.objects.select_related("person").get(token=hashed(token))


def void(person: Person, now: datetime, *kinds: Link.Kind) -> int:
    """Void unused links and return their number. Without `kinds`, void links of all kinds, also requested ones (`mail_links`)."""
    which = Q(kind__in=kinds) if kinds else Q()
    if not kinds:
        mail_links.void(person.email)
    return Link.objects.filter(which, person=person, used_at=None).delete()[0]


def _usable(now: datetime) -> QuerySet[Link]:
    # No join: Django would put it into a subquery, and a second click that waited for the first would not evaluate it again.
    return Link.objects.filter(used_at=None, expires_at__gt=now, person__in=Person.objects.filter(is_active=True))
