"""Sessions in the database, stored under the hash of their key: nobody can sign in with a copy of the database (ASVS 7.2).

A session ends half an hour after the person's last action, twelve hours after sign-in, at sign-out, or when someone ends it. Requests that
parts of a page send automatically (htmx) are not actions of the person.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from .audit import client_address
from .models import Person, Session, hashed

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)
REMEMBERED = timedelta(days=1)
"""For this long after its last use, an expired session is known to have been its person's."""


class SessionStore(DatabaseSessions):
    """Django's session store, which looks a row up by the hash of its key."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        found = Session.objects.filter(_alive(), session_key=hashed(self.session_key or "")).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=hashed(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        key = hashed(self._get_or_create_session_key())  # type: ignore[attr-defined]  # absent from the stubs
        row = Session.objects.filter(session_key=key).first() or Session(session_key=key)
        row.session_data = self.encode(data)
        row.expire_date = self.get_expiry_date()
        row.person_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=hashed(key)).delete()


def _alive() -> Q:
    now = timezone.now()
    return Q(expire_date__gt=now, created_at__gt=now - LONGEST) & (Q(person=None) | Q(seen_at__gt=now - IDLE))


def of(person: Person) -> list[Session]:
    """Return the person's sessions, last used first."""
    return list(Session.objects.filter(_alive(), person=person).order_by("-seen_at"))


def end_all(person: Person, *, but: str | None = None) -> int:
    """Sign the person out everywhere, except in the session with this key; return the number of browsers."""
    return Session.objects.filter(person=person).exclude(session_key=hashed(but) if but else "").delete()[0]


def is_this(session: Session, request: HttpRequest) -> bool:
    return session.session_key == hashed(request.session.session_key or "")


def ended_person(request: HttpRequest) -> Person | None:
    """Return the person whose session this browser had until it expired, within the last day. It signs nobody in: it only says for whom
    what was typed is kept (`drafts`)."""
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    ended = Session.objects.exclude(_alive()).filter(session_key=hashed(cookie), person__is_active=True, seen_at__gt=_forgotten_before())
    found = ended.select_related("person").first() if cookie else None
    return found.person if found is not None else None


def _forgotten_before() -> datetime:
    return timezone.now() - REMEMBERED


def prune() -> int:
    """Delete expired sessions. Of a session that expired within the last day, only whose it was is left."""
    ended = Session.objects.exclude(_alive())
    ended.exclude(session_data="").update(session_data="")
    return ended.filter(Q(person=None) | Q(seen_at__lte=_forgotten_before())).delete()[0]


class ActivityMiddleware:
    """Record when, from where and with which browser a session was last used. Runs before SessionMiddleware, which saves new ones."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        session = getattr(request, "session", None)
        asked_by_itself = request.method == "GET" and request.headers.get("HX-Request") == "true"
        if session is not None and session.accessed and session.session_key and not asked_by_itself:
            now = timezone.now()
            address = client_address(request)
            Session.objects.filter(
                Q(seen_at__lt=now - NOTED_EVERY) | Q(browser=""), session_key=hashed(session.session_key), person__isnull=False
            ).update(seen_at=now, address=address, browser=request.headers.get("User-Agent", "-")[:300] or "-")
        return response


def public_name(session: Session) -> str:
    """Return the id of a session for its owner's page; the key cannot be derived from it."""
    return hashed(f"name of {session.session_key}")[:16]
