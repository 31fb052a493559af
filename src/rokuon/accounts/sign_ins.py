"""Log of successful and refused sign-ins: the person, the way, the address and the result (ASVS 16.3.1).

Each success is an entry of its own. Refused tries are counted: an equal one within an hour is added to its entry, so that no number of
tries from one place fills the table. The log never holds a password, a code or a link.
"""

import hashlib
import logging
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from . import throttle
from .addresses import as_kept
from .audit import client_address
from .models import Person
from .sign_in_models import Factor as Factor
from .sign_in_models import Result as Result
from .sign_in_models import SignIn
from .sign_in_models import SignInWay as SignInWay

log = logging.getLogger(__name__)

WAY = "signing_in_by"
"""Session key: the way of the first step, until the last step is done."""

KEPT = timedelta(days=365)
KEPT_OF_NOBODY = timedelta(days=30)
MOST_OF_NOBODY = 100_000
"""Limit of entries without an account: guesses at addresses from many places must not fill the disk."""


def begin(request: HttpRequest, way: SignInWay) -> None:
    """Record that the first step succeeded. Another step may follow, in another request."""
    request.session[WAY] = way.value


def succeeded(request: HttpRequest, person: Person, factor: Factor) -> None:
    """Log a success: the last step was right and the person is signed in."""
    way = request.session.pop(WAY, SignInWay.OTHER.value)
    now = timezone.now()
    SignIn.objects.create(
        at=now,
        first_at=now,
        person=person,
        email=person.email,
        companies=_companies(person),
        way=way,
        factor=factor,
        result=Result.OK,
        address=client_address(request),
        browser=_browser(request),
    )
    _log(person, way, Result.OK, request)


def refused(request: HttpRequest, way: SignInWay, result: Result, *, person: Person | None = None, email: str = "") -> None:
    """Log a refused try. `person` is the owner of the account, if known; `email` is the address that was given."""
    now, address = timezone.now(), throttle.network(client_address(request))
    # A client that is stopped before any check may give another address with each try.
    named = person.email if person is not None else "" if result == Result.TOO_EARLY else as_kept(email)[:254].replace("\0", "")
    hour = now.replace(minute=0, second=0, microsecond=0)
    slot = hashlib.sha256("\0".join((hour.isoformat(), named, way, result, address)).encode(errors="replace")).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO accounts_signin AS s
                 (at, first_at, times, person_id, email, companies, way, factor, result, address, browser, slot)
               VALUES (%(now)s, %(now)s, 1, %(person)s, %(email)s, %(companies)s::bigint[], %(way)s, '', %(result)s, %(address)s,
                       %(browser)s, %(slot)s)
               ON CONFLICT (slot) DO UPDATE SET times = s.times + 1, at = greatest(s.at, excluded.at)""",
            {
                "now": now,
                "person": person.pk if person is not None else None,
                "email": named,
                "companies": _companies(person) if person is not None else [],
                "way": way.value,
                "result": result.value,
                "address": address,
                "browser": _browser(request),
                "slot": slot,
            },
        )
    _log(person, way, result, request)


def by_address(email: str) -> Person | None:
    """Return the person whose account has the given address, or None."""
    return Person.objects.at(email)


def of_person(person: Person) -> QuerySet[SignIn]:
    return SignIn.objects.filter(person=person).order_by("-at", "-id")


def of_company(company_id: int) -> QuerySet[SignIn]:
    """Return the sign-ins by, or at the account of, people who had a role in the company at that time."""
    return SignIn.objects.filter(companies__contains=[company_id]).order_by("-at", "-id")


def everybodys() -> QuerySet[SignIn]:
    """Return all sign-ins, also those without an account."""
    return SignIn.objects.order_by("-at", "-id")


def prune(now: datetime) -> int:
    """Delete entries older than a year, and entries without an account older than a month or beyond the newest 100,000; return the
    number."""
    dropped: int = SignIn.objects.filter(at__lt=now - KEPT).delete()[0]
    of_nobody = SignIn.objects.filter(person=None)
    dropped += of_nobody.filter(at__lt=now - KEPT_OF_NOBODY).delete()[0]
    beyond = of_nobody.order_by("-at").values_list("at", flat=True)[MOST_OF_NOBODY : MOST_OF_NOBODY + 1].first()
    if beyond is not None:
        dropped += of_nobody.filter(at__lte=beyond).delete()[0]
    return dropped


def _companies(person: Person) -> list[int]:
    return sorted(set(person.memberships.values_list("company_id", flat=True)))


def _browser(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:300].replace("\0", "")


def _log(person: Person | None, way: str, result: str, request: HttpRequest) -> None:
    about = {"person": person.pk if person is not None else None, "way": str(way), "result": str(result), "client": client_address(request)}
    log.log(logging.INFO if result == Result.OK else logging.WARNING, "sign_in", extra=about)
