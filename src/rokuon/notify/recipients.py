"""Recipients: the admins of an office, of a company, of the installation, each with one address and their language.

If the mail server finally refused an address in its newest mail of a week, the address counts as unread until the week is over; then it is
tried again (row C17). Addresses are in their normal form, so that one address written in two ways is one reader.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from rokuon.accounts.models import Membership, Person
from rokuon.org.models import Company, Office, User
from rokuon.runtime.mail import Whose
from rokuon.runtime.mail_addresses import first_address

from .models import Mail, NotificationSettings, Recipient

REFUSED_FOR = timedelta(days=7)
Role = Membership.Role

PERSON, ADDED, DIRECTORY = "person", "added", "directory"


@dataclass(frozen=True, slots=True)
class Address:
    """One reader. `email` is in its normal form, `name` is "" if unknown. `source` is the origin of the address: `PERSON` signs in here,
    `ADDED` was added by hand, `DIRECTORY` is an admin in the source's directory."""

    email: str
    language: str
    name: str = ""
    source: str = ADDED


@dataclass(frozen=True, slots=True)
class Audience:
    """Recipients for an office. With `fallback` they are the company's admins, because nobody of the office can be reached; possibly none
    of them can be reached either."""

    addresses: tuple[Address, ...]
    fallback: bool


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """One origin of an address. `recipient_id` is the row that was added by hand. `refused_at` is when the server finally refused the
    address, if that still counts: it then gets no mail."""

    address: Address
    recipient_id: int | None = None
    refused_at: datetime | None = None


def of_office(office: Office, now: datetime) -> Audience:
    """Return the office's admins: people with that role here, addresses added for it, and the directory's admins, unless switched off."""
    return of_offices(office.company_id, [office], now)[office.pk]


def of_offices(company_id: int, offices: Sequence[Office], now: datetime) -> dict[int, Audience]:
    """Return the audiences of several offices of the company, by office id, with as many queries as for one."""
    found = known(company_id, offices, now)
    admins = Audience(_reachable(found[None]), True)
    own = {office.pk: _reachable(found[office.pk]) for office in offices}
    return {pk: Audience(reachable, False) if reachable else admins for pk, reachable in own.items()}


def of_company(company: Company, now: datetime) -> tuple[Address, ...]:
    """Return the company's admins, from the same three origins."""
    return _reachable(known(company.pk, [], now)[None])


def known(company_id: int, offices: Sequence[Office], now: datetime) -> dict[int | None, list[KnownAddress]]:
    """Return all addresses of these offices, by office id, and of the company itself (None): also refused ones, and an address with two
    origins twice. Five queries, however many offices there are."""
    preferences = NotificationSettings.of(company_id)
    found: dict[int | None, list[KnownAddress]] = {None: [], **{office.pk: [] for office in offices}}
    ids = [office.pk for office in offices]
    roles = Membership.objects.filter(
        Q(role=Role.OFFICE_ADMIN, office_id__in=ids) | Q(role=Role.COMPANY_ADMIN, office=None),
        company_id=company_id,
        person__is_active=True,
    )
    for role in roles.select_related("person").order_by("person_id"):
        found[role.office_id].append(KnownAddress(_of_person(role.person, preferences)))
    for one in Recipient.objects.filter(Q(office_id__in=ids) | Q(office=None), company_id=company_id).order_by("pk"):
        found[one.office_id].append(KnownAddress(Address(one.email, one.language, "", ADDED), one.pk))
    if preferences.directory_admins:
        _add_directory(found, company_id, offices, preferences)
    refused = refused_of([one.address.email for entries in found.values() for one in entries], now)
    return {place: [_with_refusal(one, refused) for one in entries] for place, entries in found.items()}


def operators(now: datetime) -> tuple[Address, ...]:
    """Return the operators of the installation."""
    people = Person.objects.filter(is_operator=True, is_active=True).order_by("pk")
    refused = refused_of([one.email for one in people], now)
    return once(_of_person(one, NotificationSettings()) for one in people if one.email not in refused)


def of_everybody(now: datetime) -> tuple[Address, ...]:
    """Return the recipients for the installation itself: its operators, and if none can be reached, the admins of every company."""
    return operators(now) or once(address for company in Company.objects.order_by("pk") for address in of_company(company, now))


def once(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Return each address once, its first entry."""
    found: dict[str, Address] = {}
    for address in addresses:
        found.setdefault(address.email, address)
    return tuple(found.values())


def _language(preferences: NotificationSettings) -> str:
    return preferences.language or settings.LANGUAGE_CODE


def _of_person(person: Person, preferences: NotificationSettings) -> Address:
    return Address(person.email, person.language or _language(preferences), person.name, PERSON)


def _add_directory(
    found: dict[int | None, list[KnownAddress]], company_id: int, offices: Sequence[Office], preferences: NotificationSettings
) -> None:
    """Add the admins of the source's directory, each with their first valid address."""
    by_source = {office.dialpad_id: office.pk for office in offices}
    admins = User.objects.filter(company_id=company_id, state="active").exclude(is_super_admin=False, admin_office_ids=[])
    for user in admins.order_by("pk"):
        email = first_address(user.emails)
        if email is None:
            continue
        entry = KnownAddress(Address(email, _language(preferences), user.name, DIRECTORY))
        places = [None] if user.is_super_admin else []
        for place in [*places, *(by_source[str(one)] for one in user.admin_office_ids if str(one) in by_source)]:
            found[place].append(entry)


def _with_refusal(one: KnownAddress, refused: Mapping[str, datetime]) -> KnownAddress:
    return replace(one, refused_at=refused.get(one.address.email))


def _reachable(entries: Sequence[KnownAddress]) -> tuple[Address, ...]:
    return once(one.address for one in entries if one.refused_at is None)


def refused_of(emails: Sequence[str], now: datetime) -> dict[str, datetime]:
    """Return the time of refusal of each address (in its normal form) whose newest mail with an outcome was finally refused, because of the
    address, less than a week ago. A mail that a broken server delayed too long says nothing about its reader."""
    latest = (
        Mail.objects.filter(to__in=emails, due_at=None, created_at__gt=now - 2 * REFUSED_FOR)
        .order_by("to", "-created_at", "-pk")
        .distinct("to")
        .values_list("to", "refused_at", "error")
    )
    return {to: at for to, at, error in latest if at is not None and at > now - REFUSED_FOR and error.startswith(f"{Whose.ADDRESS}:")}
