"""Drafts of forms: keep what a person typed while they sign in again, confirm who they are, look at a preview or change the language.

A draft is read only by its person, in its company; it is limited in size, number and time, and deleted when the form is sent again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from .draft_models import Draft
from .models import Person, hashed

KEPT = timedelta(hours=12)
"""As long as a session lasts at most."""
MOST = 20
"""Drafts of one person; the oldest give way."""
LARGEST = 512 * 1024
"""Bytes: the backup rules of about twenty thousand targets."""

FIELD = "draft"
"""The name of the parameter, and of the hidden field, that names a draft."""


class TooLarge(Exception):
    """What was typed is longer than `LARGEST`; nothing was kept."""


def keep(
    person: Person,
    company_id: int | None,
    path: str,
    typed: Mapping[str, Sequence[str]],
    now: datetime,
    shown: Mapping[str, Any] | None = None,
) -> str:
    """Keep a draft and return its token. The caller chooses the fields: none may be a secret. Raises TooLarge."""
    values = {name: [value.replace("\0", "") for value in given] for name, given in typed.items()}
    if len(json.dumps(values, ensure_ascii=False).encode(errors="replace")) > LARGEST:
        raise TooLarge
    token = token_urlsafe(24)
    Draft.objects.create(
        token=hashed(token), person=person, company_id=company_id, path=path, typed=values, shown=dict(shown or {}), created_at=now
    )
    kept = Draft.objects.filter(person=person).order_by("-created_at", "-pk").values("pk")[:MOST]
    Draft.objects.filter(person=person).exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    return token


def find(token: str, person: Person, company_id: int | None, now: datetime) -> Draft | None:
    """Return the person's draft in this company; None if there is none, or it is too old."""
    mine = Draft.objects.filter(token=hashed(token), person=person, created_at__gt=now - KEPT).first()
    return mine if mine is not None and mine.company_id == company_id else None


def drop(token: str, person: Person) -> None:
    """Delete a draft that was used."""
    Draft.objects.filter(token=hashed(token), person=person).delete()


def prune(now: datetime) -> int:
    """Delete drafts that are too old."""
    return Draft.objects.filter(created_at__lte=now - KEPT).delete()[0]
