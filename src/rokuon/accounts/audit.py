"""The audit log: which person changed or listened to what. Entries are added in the transaction of the change and never altered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.http import HttpRequest

from .models import AuditEntry, Person


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor of an audit entry: a person at an address, or the machine's command line (`person` is None)."""

    name: str
    person: Person | None = None
    address: str = ""


COMMAND_LINE = Actor("command line")


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the one resolved behind trusted proxies, else the address of the connection."""
    return getattr(request, "client_address", "") or request.META.get("REMOTE_ADDR", "")


def acting(person: Person, request: HttpRequest) -> Actor:
    """Return the person as an actor, with the client address of the request."""
    return Actor(person.email, person, client_address(request))


def record(
    actor: Actor,
    action: str,
    *,
    now: datetime,
    company_id: int | None,
    office_id: int | None = None,
    subject: tuple[str, object, str] = ("", "", ""),
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry. `subject` is (kind, id, name). Equal values are dropped from `before` and `after`, which must not hold a secret.

    Raises RuntimeError outside of a transaction: the change and its entry must be committed or rolled back together.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record belongs into the transaction of the change that it records")
    kind, ident, name = subject
    was, is_now = dict(before or {}), dict(after or {})
    same = [key for key in was.keys() & is_now.keys() if was[key] == is_now[key]]
    for key in same:
        del was[key], is_now[key]
    AuditEntry.objects.create(
        at=now,
        company_id=company_id,
        office_id=office_id,
        person=actor.person,
        actor=actor.name,
        action=action,
        subject_kind=kind,
        subject_id=str(ident),
        subject=name,
        before=was,
        after=is_now,
        address=actor.address,
    )
