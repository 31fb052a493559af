"""Rate limit for guesses, per account and per address; nobody is locked out permanently (ASVS 6.3).

Each try is counted in one statement before it is checked, so that concurrent tries pass no more often than sequential ones. After some free
tries the wait doubles with each further try, up to a quarter of an hour. A browser in which the account has signed in before is counted
separately: other people's guesses do not lock out the owner.

The time of a try is the database's own, unless a test sets another.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponse

from .models import Person, Throttle

KNOWN_COOKIE = "rokuon_known"
KNOWN_FOR = timedelta(days=365)
SALT = "known browser"


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` tries cost nothing; after that the wait doubles from one second up to `longest`. Reset after `forget` without a try."""

    free: int
    longest: timedelta = timedelta(minutes=15)
    forget: timedelta = timedelta(days=1)


ACCOUNT, ADDRESS = Limit(free=5), Limit(free=20)


@dataclass(frozen=True, slots=True)
class Throttled(Exception):
    """Too early: nothing was checked."""

    wait: timedelta


def take(keys: dict[str, Limit], now: datetime) -> None:
    """Count a try under every key. Raises Throttled if one of them has to wait; that try is then not counted."""
    taken: list[str] = []
    for key, limit in keys.items():
        wait = _take(key, limit, now)
        if wait is not None:
            give_back(taken)
            raise Throttled(wait)
        taken.append(key)


def _take(key: str, limit: Limit, now: datetime) -> timedelta | None:
    """Count a try with one conditional statement; return the remaining wait, or None if the try was counted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO accounts_throttle AS t (key, tries, tried_at, free_at) VALUES (%(key)s, 1, %(now)s, %(now)s)
               ON CONFLICT (key) DO UPDATE SET
                 tries = CASE WHEN t.tried_at < %(now)s - %(forget)s::interval THEN 1 ELSE t.tries + 1 END,
                 tried_at = %(now)s,
                 free_at = CASE WHEN t.tried_at < %(now)s - %(forget)s::interval OR t.tries + 1 < %(free)s THEN %(now)s ELSE
                   %(now)s + LEAST(%(longest)s::interval, interval '1 second' * power(2, LEAST(t.tries + 1 - %(free)s, 20))) END
               WHERE t.free_at <= %(now)s""",
            {
                "key": key,
                "now": now,
                "forget": f"{limit.forget.total_seconds()} seconds",
                "free": limit.free,
                "longest": f"{limit.longest.total_seconds()} seconds",
            },
        )
        if cursor.rowcount == 1:
            return None
    free_at = Throttle.objects.filter(key=key).values_list("free_at", flat=True).first()
    return max(timedelta(seconds=1), (free_at or now) - now)


def give_back(keys: list[str]) -> None:
    """Uncount a try that was not a guess: it succeeded, or was not made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_throttle SET tries = greatest(tries - 1, 0), free_at = least(free_at, tried_at) WHERE key = ANY(%s)", [keys]
        )


def forget(keys: list[str]) -> None:
    """Reset the counts: a person who signed in is not guessing."""
    Throttle.objects.filter(key__in=keys).delete()


def prune(now: datetime) -> None:
    """Delete rows that no longer count."""
    Throttle.objects.filter(tried_at__lt=now - max(ACCOUNT.forget, ADDRESS.forget), free_at__lt=now).delete()


def account_key(email: str, request: HttpRequest) -> str:
    """Return the key of the account, which need not exist; in a browser that knows it, the key of the account in that browser."""
    known = _known(request)
    if known is not None and known[0] == _digest(email) and known[2] == _reset(email):
        return f"known:{known[0]}:{known[1]}"
    return f"account:{_digest(email)}"


def address_key(address: str) -> str:
    return f"address:{network(address)}"


def network(address: str) -> str:
    """Return the address; for IPv6, the network that a household gets."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{ip}/64", strict=False) if ip.version == 6 else ip)


def limits(email: str, address: str, request: HttpRequest) -> dict[str, Limit]:
    """Return the limits of a guess at this account from this address. A browser that knows the account has a limit of its own."""
    key = account_key(email, request)
    return {key: ACCOUNT} if key.startswith("known:") else {key: ACCOUNT, address_key(address): ADDRESS}


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Mark the browser as known for this account, until the account is reset (`proof`). The cookie only selects the counter and gives no
    access."""
    value = signing.dumps([_digest(email), token_urlsafe(12), _reset(email)], salt=SALT)
    response.set_cookie(KNOWN_COOKIE, value, max_age=KNOWN_FOR, httponly=True, samesite="Lax", secure=request.is_secure(), path="/")


def _known(request: HttpRequest) -> tuple[str, str, str] | None:
    try:
        digest, nonce, reset = signing.loads(request.COOKIES.get(KNOWN_COOKIE, ""), salt=SALT, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(digest), str(nonce), str(reset)


def _reset(email: str) -> str:
    """Return when the account was last reset."""
    return str(Person.objects.filter(email=email).values_list("reset_at", flat=True).first() or "")


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()[:32]
