"""A person's connected accounts of the identity provider: list them, disconnect one."""

from dataclasses import dataclass
from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from rokuon.runtime.mail_addresses import is_address, normal

from . import audit, sessions
from .audit import Actor
from .models import Person


@dataclass(frozen=True, slots=True)
class Join:
    """A connected account. `address` is its mail address as of the newest sign-in; `other` is whether it differs from the person's."""

    id: int
    issuer: str
    address: str
    other: bool
    joined_at: datetime
    used_at: datetime


def of(person: Person) -> list[Join]:
    return [_read(one, person) for one in SocialAccount.objects.filter(user_id=person.pk).order_by("date_joined", "pk")]


def disconnect(actor: Actor, person: Person, join_id: int, company_id: int, now: datetime) -> bool:
    """Disconnect the account and sign the person out everywhere. Return False if the account is not one of the person's."""
    with transaction.atomic():
        there = SocialAccount.objects.select_for_update().filter(pk=join_id, user_id=person.pk).first()
        if there is None:
            return False
        before = {"issuer": _read(there, person).issuer, "address": _read(there, person).address}
        there.delete()
        sessions.end_all(person)
        subject = ("person", person.pk, person.email)
        audit.record(actor, "account.oidc_undo", now=now, company_id=company_id, subject=subject, before=before)
    return True


def _read(one: SocialAccount, person: Person) -> Join:
    claims = one.extra_data.get("id_token", {})
    address = str(claims.get("email", ""))
    other = not is_address(address) or normal(address) != person.email
    return Join(one.pk, str(claims.get("iss", "")), address, other, one.date_joined, one.last_login)
