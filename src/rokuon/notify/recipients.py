"""Who is told: the admins of an office, of a company, of the installation, at one address each, in the language they read.

An address that the mail server refused for good in the newest mail of a week counts as one that nobody reads, until the week is over: then
it is tried again (row C17). Addresses are lower case, so that one written in two ways is one reader.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from rokuon.accounts.models import Membership, Person
from rokuon.ops.mail import Whose
from rokuon.org.models import Company, Office, User

from .models import Mail, Recipient, Rhythm

REFUSED_FOR = timedelta(days=7)
Role = Membership.Role

PERSON, ADDED, DIRECTORY = "person", "added", "directory"


@dataclass(frozen=True, slots=True)
class Address:
    """One reader. `name` is "" where none is known. `source` is how we know of it: `PERSON` signs in here, `ADDED` was added by hand,
    `DIRECTORY` is an admin whom the source's directory names."""

    email: str
    language: str
    name: str = ""
    source: str = ADDED


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told of an office. With `fallback` they are the company's admins, because nobody of the office can be reached; none of them
    may be reachable either."""

    addresses: tuple[Address, ...]
    fallback: bool


def of_office(office: Office, now: datetime) -> Audience:
    """The office's admins: people with that role here, addresses added for it, and those whom the directory names, unless that is off."""
    rhythm = _rhythm(office.company_id)
    found = [
        *_people(Membership.objects.filter(office_id=office.pk, role=Role.OFFICE_ADMIN), rhythm),
        *_added(Recipient.objects.filter(office_id=office.pk)),
    ]
    if rhythm.directory_admins:
        found += _directory(User.objects.filter(company_id=office.company_id, admin_office_ids__contains=[office.dialpad_id]), rhythm)
    reachable = _reachable(found, now)
    return Audience(reachable, False) if reachable else Audience(of_company(office.company, now), True)


def of_company(company: Company, now: datetime) -> tuple[Address, ...]:
    """The company's admins, by the same three ways."""
    rhythm = _rhythm(company.pk)
    found = [
        *_people(Membership.objects.filter(company_id=company.pk, office=None, role=Role.COMPANY_ADMIN), rhythm),
        *_added(Recipient.objects.filter(company_id=company.pk, office=None)),
    ]
    if rhythm.directory_admins:
        found += _directory(User.objects.filter(company_id=company.pk, is_super_admin=True), rhythm)
    return _reachable(found, now)


def operators(now: datetime) -> tuple[Address, ...]:
    """Those who run the installation."""
    people = Person.objects.filter(is_operator=True, is_active=True).order_by("pk")
    return _reachable([Address(one.email, one.language or settings.LANGUAGE_CODE, one.name, PERSON) for one in people], now)


def of_everybody(now: datetime) -> tuple[Address, ...]:
    """Who is told of the installation itself: its operators, and where none can be reached the admins of every company."""
    return operators(now) or once(address for company in Company.objects.order_by("pk") for address in of_company(company, now))


def once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Each address one time, as it came first."""
    found: dict[str, Address] = {}
    for address in addresses:
        email = address.email.strip().lower()
        found.setdefault(email, replace(address, email=email))
    return tuple(found.values())


def _rhythm(company_id: int) -> Rhythm:
    return Rhythm.objects.filter(pk=company_id).first() or Rhythm(company_id=company_id)


def _language(rhythm: Rhythm) -> str:
    return rhythm.language or settings.LANGUAGE_CODE


def _people(roles: Iterable[Membership], rhythm: Rhythm) -> list[Address]:
    people = Person.objects.filter(is_active=True, memberships__in=roles).order_by("pk")
    return [Address(one.email, one.language or _language(rhythm), one.name, PERSON) for one in people]


def _added(recipients: Iterable[Recipient]) -> list[Address]:
    return [Address(one.email, one.language, "", ADDED) for one in sorted(recipients, key=lambda one: one.pk)]


def _directory(users: Iterable[User], rhythm: Rhythm) -> list[Address]:
    found = []
    for user in sorted(users, key=lambda one: one.pk):
        email = next((str(one) for one in user.emails if _is_address(str(one))), None)
        if user.state == "active" and email is not None:
            found.append(Address(email, _language(rhythm), user.name, DIRECTORY))
    return found


def _is_address(email: str) -> bool:
    try:
        validate_email(email.strip())
    except ValidationError:
        return False
    return True


def _reachable(found: Sequence[Address], now: datetime) -> tuple[Address, ...]:
    addresses = once(found)
    refused = refused_of([address.email for address in addresses], now)
    return tuple(address for address in addresses if address.email not in refused)


def refused_of(emails: Sequence[str], now: datetime) -> frozenset[str]:
    """Those of the lower-case addresses whose newest mail with an outcome was refused for good, because of the address, less than a week
    ago. A mail that a broken server kept for too long says nothing about its reader."""
    latest = (
        Mail.objects.filter(to__in=emails, due_at=None, created_at__gt=now - 2 * REFUSED_FOR)
        .order_by("to", "-created_at", "-pk")
        .distinct("to")
        .values_list("to", "refused_at", "error")
    )
    return frozenset(to for to, at, error in latest if at is not None and at > now - REFUSED_FOR and error.startswith(f"{Whose.ADDRESS}:"))
