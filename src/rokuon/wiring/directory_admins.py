"""Admins of the source's directory who sign in by a mailed link: their roles, from the first link until the directory names them no more.

The directory gives a role only in its own company. A role that a person gave here is never changed, and neither is a decision of the
operator: a disabled person gets nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from rokuon.accounts import audit, links, mail_links, people, proof
from rokuon.accounts.audit import Actor
from rokuon.accounts.mail_link_models import MailLink
from rokuon.accounts.models import Link, Membership, Person
from rokuon.org.models import Company, Office, User
from rokuon.runtime.mail_addresses import first_address, needs_utf8

Role, Source = Membership.Role, Membership.Source


@dataclass(frozen=True, slots=True)
class DirectoryRole:
    """A role that the directory of a company names; `office_id` is None for the whole company."""

    company_id: int
    office_id: int | None
    role: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A person who used a link. `was_reset` is whether settings from before the proof of the address were removed (`proof`)."""

    person: Person
    link: MailLink
    was_reset: bool


def may_sign_in(email: str) -> bool:
    """Whether a link is sent to this address: its person has a role or is an operator, or a company's directory names it as an admin's."""
    person = Person.objects.filter(email=email).first()
    return _has_own(person) or (_may_get(person) and bool(_of_address(email)))


def language_of(email: str) -> str:
    """Return the language that the person has chosen, "" for none."""
    return Person.objects.filter(email=email).values_list("language", flat=True).first() or ""


def arrive(token: str, client: str, now: datetime) -> Arrived | None:
    """Use a mailed link: prove the address, make the account if there is none, and give the roles that directories name. None if the link
    cannot be used, or the address may sign in no more."""
    with transaction.atomic():
        there = mail_links.find(token, now)
        named = _of_address(there.email) if there is not None else []
        for company_id in sorted({one.company_id for one, _name in named}):
            people.lock(company_id)
        link = mail_links.use(token, now)
        if link is None:
            return None
        person = Person.objects.filter(email=link.email).first()
        if not _has_own(person) and not (_may_get(person) and named):
            return None
        if person is None:
            person = _make(link, named[0][1], named[0][0].company_id, client, now)
        actor = Actor(person.email, person, client)
        was_reset = proof.prove(actor, person, Person.Proof.MAIL, now)
        for one, _name in named:
            _give(actor, person, one, now)
        person.refresh_from_db()
        return Arrived(person, link, was_reset)


def settle(company_id: int, actor: Actor, now: datetime) -> int:
    """End the roles that the company's directory gave and no longer names, or may no longer give; return their number."""
    given = Membership.objects.filter(company_id=company_id, source=Source.DIRECTORY).select_related("person", "office")
    if not given:
        return 0
    named = {(email, one.office_id, one.role) for email, one, _name in _named(company_id)}
    ended = [one for one in given if (one.person.email, one.office_id, one.role) not in named]
    for one in ended:
        people.end_from_directory(actor, one, now)
    return len(ended)


def names(company_id: int, email: str) -> bool:
    """Whether the company's directory gives the address a role, so that the person can come back by a link."""
    return any(one == email for one, _role, _name in _named(company_id, email=email))


def _has_own(person: Person | None) -> bool:
    return person is not None and person.is_active and (person.is_operator or person.memberships.exists())


def _may_get(person: Person | None) -> bool:
    return person is None or person.disabled_at is None


def _of_address(email: str) -> list[tuple[DirectoryRole, str]]:
    """Return the roles that directories name for the address, each with the name there."""
    return [(one, name) for at, one, name in _named(email=email) if at == email]


def _named(company_id: int | None = None, *, email: str | None = None) -> Iterator[tuple[str, DirectoryRole, str]]:
    """Yield the address, role and name of every admin in the directory of the company, or of all that allow it. An admin has one address:
    the first valid one, to which notifications go too. With `email`, admins whose entry cannot hold that address may be left out."""
    companies = Company.objects.filter(directory_sign_in=True, **({} if company_id is None else {"pk": company_id}))
    offices: dict[tuple[int, str], int] = {
        (company, ident): pk
        for company, ident, pk in Office.objects.filter(company__in=companies, state="active").values_list("company_id", "dialpad_id", "pk")
    }
    admins = User.objects.filter(company__in=companies, state="active").exclude(is_super_admin=False, admin_office_ids=[])
    # A domain beyond ASCII is written in other letters than its normal form; any other address differs in case at most.
    if email is not None and "xn--" not in email:
        admins = admins.annotate(written=Cast("emails", TextField())).filter(written__icontains=email)
    for user in admins.order_by("company_id", "pk"):
        address = first_address(user.emails)
        if address is None or needs_utf8(address):
            continue
        if user.is_super_admin:
            yield address, DirectoryRole(user.company_id, None, Role.COMPANY_ADMIN), user.name
            continue
        for office in dict.fromkeys(offices.get((user.company_id, str(one))) for one in user.admin_office_ids):
            if office is not None:
                yield address, DirectoryRole(user.company_id, office, Role.OFFICE_ADMIN), user.name


def _make(link: MailLink, name: str, company_id: int, client: str, now: datetime) -> Person:
    person, _new = people.find_or_make(link.email, name, link.language, now)
    subject = ("person", person.pk, person.email)
    audit.record(Actor(person.email, person, client), "person.directory", now=now, company_id=company_id, subject=subject)
    return person


def _give(actor: Actor, person: Person, wanted: DirectoryRole, now: datetime) -> None:
    given = people.give_from_directory(actor, person, wanted.company_id, wanted.office_id, wanted.role, now)
    if given is not None and not people.only_here(person, wanted.company_id):
        # Another company's admins may hold the invitation link made there: it must not open this company.
        links.void(person, now, Link.Kind.INVITATION)
