"""Sign-in links by mail: request, send, use. Anyone may request one for any address; only a worker decides whether a mail is sent.

So the request does the same work for every address, and neither its answer nor its time says who has an account. Opening a link changes
nothing, because mail scanners open links; only the button on its page uses it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.db.models import F, Q, QuerySet

from . import throttle
from .mail_link_models import MailLink
from .models import Person, hashed
from .throttle import Limit

Purpose = MailLink.Purpose

LIFE = timedelta(minutes=15)
GIVE_UP_AFTER = LIFE
"""A person who has waited that long has requested another link."""

LEASE, AGAIN_AFTER = timedelta(minutes=2), timedelta(minutes=1)
KEPT = timedelta(days=1)
MOST_NEXT = 2000
MOST_WAITING = 10_000
"""Limit of requests that no worker has handled."""

PER_ADDRESS, PER_CLIENT = Limit(free=3, longest=timedelta(hours=1)), Limit(free=20)


class TooManyWait(Exception):
    """No worker handles requests, or very many arrive: nothing was stored."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request that this worker handles now. `token` is the secret of the link; only its hash is stored."""

    id: int
    email: str
    purpose: str
    language: str
    token: str


def limits(email: str, client: str) -> dict[str, Limit]:
    """Return the limits of requests for this address and from this client. The keys do not depend on whether there is an account."""
    return {f"mail-link:{hashed(email)[:32]}": PER_ADDRESS, f"mail-link-{throttle.address_key(client)}": PER_CLIENT}


def count(email: str, client: str, now: datetime) -> None:
    """Count a request, before it is stored. Raises Throttled."""
    throttle.take(limits(email, client), now)


def ask(email: str, purpose: Purpose, after: str, language: str, now: datetime) -> None:
    """Store a request. `email` is a normal form, `after` a page of ours. Raises TooManyWait."""
    if MailLink.objects.filter(due_at__isnull=False).order_by()[MOST_WAITING - 1 : MOST_WAITING].exists():
        raise TooManyWait
    kept = after if len(after) <= MOST_NEXT else ""
    MailLink.objects.create(email=email, purpose=purpose, next=kept, language=language, asked_at=now, due_at=now)


def waits(now: datetime) -> bool:
    """Whether a request is due."""
    return MailLink.objects.filter(due_at__lte=now).exists()


def claim(now: datetime) -> Claimed | None:
    """Claim the request that is due longest and give it a link; None if none is due. Drops requests that are too old to be of use."""
    MailLink.objects.filter(due_at__isnull=False, asked_at__lt=now - GIVE_UP_AFTER).update(due_at=None)
    row = MailLink.objects.filter(due_at__lte=now).order_by("due_at", "pk").first()
    while row is not None:
        token = token_urlsafe(32)
        claimed = MailLink.objects.filter(pk=row.pk, due_at=row.due_at).update(
            due_at=now + LEASE, tries=F("tries") + 1, token=hashed(token), expires_at=now + LIFE
        )
        if claimed:
            return Claimed(row.pk, row.email, row.purpose, row.language, token)
        row = MailLink.objects.filter(due_at__lte=now).order_by("due_at", "pk").first()
    return None


def sent(claimed: Claimed) -> None:
    MailLink.objects.filter(pk=claimed.id).update(due_at=None)


def not_sent(claimed: Claimed, now: datetime) -> None:
    """The mail server did not take the mail: try again soon, with another link."""
    MailLink.objects.filter(pk=claimed.id).update(due_at=now + AGAIN_AFTER, token=None, expires_at=None)


def refused(claimed: Claimed) -> None:
    """The address may not sign in, or receives no mail: no link."""
    MailLink.objects.filter(pk=claimed.id).update(due_at=None, token=None, expires_at=None)


def find(token: str, now: datetime) -> MailLink | None:
    """Return the link if it can still be used."""
    return _usable(now).filter(token=hashed(token)).first()


def use(token: str, now: datetime) -> MailLink | None:
    """Use the link up, void the others of the address, and return it; None if it cannot be used, also because another click was first.

    Locks the row of the address's person, if there is one, until the caller's transaction ends: first, as all code does that voids links.
    """
    there = find(token, now)
    if there is None:
        return None
    Person.objects.select_for_update().filter(email=there.email).exists()
    if _usable(now).filter(token=hashed(token)).update(used_at=now, due_at=None) != 1:
        return None
    link = MailLink.objects.get(token=hashed(token))
    void(link.email)
    return link


def known(token: str) -> MailLink | None:
    """Return the link, also if it was used or is too old; None if there never was one, or for longer than a day."""
    return MailLink.objects.filter(token=hashed(token)).first()


def void(email: str) -> int:
    """Void the unused links and requests of an address; return their number."""
    return MailLink.objects.filter(email=email, used_at=None).delete()[0]


def prune(now: datetime) -> None:
    """Delete requests of the day before, and those with a time of a clock that was ahead."""
    MailLink.objects.filter(Q(asked_at__lt=now - KEPT) | Q(asked_at__gt=now + KEPT)).delete()


def _usable(now: datetime) -> QuerySet[MailLink]:
    disabled = Person.objects.filter(disabled_at__isnull=False).values("email")
    return MailLink.objects.filter(used_at=None, expires_at__gt=now).exclude(email__in=disabled)
