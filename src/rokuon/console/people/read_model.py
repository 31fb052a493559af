"""Read model of the people page: people with their roles, the places a role can be given for, and suggestions from Dialpad."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from rokuon.accounts import second_factor
from rokuon.accounts.models import Link, Membership, Person
from rokuon.accounts.permissions import Role
from rokuon.org.models import Company, Office, User
from rokuon.runtime.mail_addresses import first_address, is_address, needs_utf8, normal

MOST_SUGGESTIONS = 20


@dataclass(frozen=True, slots=True)
class RolePlace:
    """A role and the place where it applies; `value` identifies it in a form."""

    role: str
    office_id: int | None
    words: str

    @property
    def value(self) -> str:
        return f"{self.role}:{self.office_id or ''}"


@dataclass(slots=True)
class Held:
    """A role that a person has. `value` as in `RolePlace`; `from_directory` is whether it ends when the directory no longer names it."""

    id: int
    words: str
    value: str
    from_directory: bool


@dataclass(slots=True)
class PersonRow:
    """A person of the company. `invited` until the first sign-in; `invitation` is when the open invitation expires, None if none is."""

    person: Person
    held: list[Held] = field(default_factory=list)
    invitation: datetime | None = None
    second_factor: bool = False

    @property
    def invited(self) -> bool:
        return self.person.last_login is None

    @property
    def proof(self) -> str:
        return proof_words(self.person)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A person who is an admin in Dialpad and has no such role here yet."""

    name: str
    email: str
    place: RolePlace


def proof_words(person: Person) -> str:
    """Return how it was proven that the address belongs to the account's owner; "" if it was not proven."""
    return {
        Person.Proof.MAIL.value: _("by a mailed link"),
        Person.Proof.PROVIDER.value: _("by the identity provider"),
        Person.Proof.OPERATOR.value: _("by a link from the operator of the installation"),
    }.get(person.proven_by, "")


def role_words(role: str) -> str:
    return {Role.COMPANY_ADMIN: _("Company admin"), Role.OFFICE_ADMIN: _("Office admin"), Role.VIEWER: _("Viewer")}.get(Role(role), role)


def place_words(role: str, office: Office | None) -> str:
    if role == Role.COMPANY_ADMIN:
        return role_words(role)
    where = office.name if office is not None else _("whole company")
    return _("%(role)s: %(place)s") % {"role": role_words(role), "place": where}


def places(company: Company) -> list[RolePlace]:
    """Return every role that can be given in the company."""
    offices = list(Office.objects.filter(company=company, state="active").order_by("name", "pk"))
    found = [
        RolePlace(Role.COMPANY_ADMIN, None, place_words(Role.COMPANY_ADMIN, None)),
        RolePlace(Role.VIEWER, None, place_words(Role.VIEWER, None)),
    ]
    for role in (Role.OFFICE_ADMIN, Role.VIEWER):
        found += [RolePlace(role, office.pk, place_words(role, office)) for office in offices]
    return found


def place_of(company: Company, value: str) -> RolePlace | None:
    """Return the place that a form names, if the company has it."""
    return next((place for place in places(company) if place.value == value), None)


def rows(company: Company, now: datetime) -> Sequence[PersonRow]:
    found: dict[int, PersonRow] = {}
    memberships = (
        Membership.objects.filter(company=company).select_related("person", "office").order_by("person__email", "office__name", "pk")
    )
    for one in memberships:
        row = found.setdefault(one.person_id, PersonRow(one.person))
        row.held.append(
            Held(one.pk, place_words(one.role, one.office), f"{one.role}:{one.office_id or ''}", one.source == Membership.Source.DIRECTORY)
        )
    open_links = Link.objects.filter(kind=Link.Kind.INVITATION, used_at=None, expires_at__gt=now, person_id__in=found)
    for person_id, expires_at in open_links.values_list("person_id", "expires_at"):
        found[person_id].invitation = expires_at
    for person_id in second_factor.who_has(found):
        found[person_id].second_factor = True
    return sorted(found.values(), key=lambda row: (not row.person.is_active, row.person.called.casefold()))


def knows(company: Company, email: str) -> bool:
    """Whether an active user of the company's own Dialpad directory has this address (in its normal form)."""
    listed = User.objects.filter(company=company, state="active").values_list("emails", flat=True)
    return any(email == normal(one) for emails in listed for one in map(str, emails) if is_address(one))


def suggestions(company: Company) -> list[Suggestion]:
    """Suggest Dialpad's company admins as company admins, and its office admins as office admins. Each has one mail address: the first
    valid one."""
    offices = {office.dialpad_id: office for office in Office.objects.filter(company=company, state="active")}
    held = set(Membership.objects.filter(company=company).values_list("person__email", "role", "office_id"))
    admins = {email for email, role, _office in held if role == Role.COMPANY_ADMIN}
    found = []
    for user in (
        User.objects.filter(company=company, state="active").exclude(is_super_admin=False, admin_office_ids=[]).order_by("name", "pk")
    ):
        email = first_address(user.emails) or ""
        if not email or needs_utf8(email) or email in admins:
            continue
        if user.is_super_admin:
            found.append(Suggestion(user.name, email, RolePlace(Role.COMPANY_ADMIN, None, place_words(Role.COMPANY_ADMIN, None))))
            continue
        for office in (offices[str(one)] for one in user.admin_office_ids if str(one) in offices):
            if (email, Role.OFFICE_ADMIN, office.pk) not in held:
                found.append(Suggestion(user.name, email, RolePlace(Role.OFFICE_ADMIN, office.pk, place_words(Role.OFFICE_ADMIN, office))))
    return found[:MOST_SUGGESTIONS]
