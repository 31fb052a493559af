"""Every sign-in, right or wrong, is written down: who, by which way, from where, with what result (ASVS 16.3.1).

What succeeds is a line of its own. What is refused is counted: the same once more within an hour adds to its line, so that no number of
tries from one place fills the table. A password, a code or a link never gets here.
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
"""Of a session: by what the first step was taken, until the last one is."""

KEPT = timedelta(days=365)
KEPT_OF_NOBODY = timedelta(days=30)
MOST_OF_NOBODY = 100_000
"""Lines that name no account: who guesses addresses from many places fills no disk."""


def begin(request: HttpRequest, way: SignInWay) -> None:
    """The first step was right. Another may follow, in another request."""
    request.session[WAY] = way.value


def succeeded(request: HttpRequest, person: Person, factor: Factor) -> None:
    """The last step was right: the person is signed in."""
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
    """A try that let nobody in. `person` is whose account it was, where one is known; `email` what was given."""
    now, address = timezone.now(), throttle.network(client_address(request))
    # Who is stopped before anything is looked at may name another account with each try.
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
    """Whose account the given address is."""
    return Person.objects.at(email)


def of_person(person: Person) -> QuerySet[SignIn]:
    return SignIn.objects.filter(person=person).order_by("-at", "-id")


def of_company(company_id: int) -> QuerySet[SignIn]:
    """Of everybody who had a role in the company at that time, as far as it was a try of theirs or at their account."""
    return SignIn.objects.filter(companies__contains=[company_id]).order_by("-at", "-id")


def everybodys() -> QuerySet[SignIn]:
    """Also where no account was known."""
    return SignIn.objects.order_by("-at", "-id")


def prune(now: datetime) -> int:
    """Drop what is older than a year, and of what names no account what is older than a month or beyond the newest 100,000; how many."""
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
