"""Operators of the installation: created only from the machine's command line, never on a page (ASVS 6.3.2)."""

from datetime import datetime

from django.apps import apps
from django.db import transaction

from . import audit, links
from .addresses import sign_in_address
from .models import Link, Membership, Person

FIRST = "operator@localhost"


class OperatorDisabled(Exception):
    """The person is disabled: a link would not sign them in."""


class WithoutRole(Exception):
    """The person has lost their last role: a link would not sign them in."""


class SeveralOperators(Exception):
    """There are several operators, and none was named. `args` are their addresses."""


def sign_in_link(email: str | None, now: datetime) -> tuple[Person, str]:
    """Create a sign-in link for this person, or for the only operator, and return its token. An unknown address becomes an operator.

    The operator becomes company admin of every company that has none: otherwise nobody could invite anyone. Raises NotAnAddress,
    CannotSignIn, OperatorDisabled, WithoutRole, SeveralOperators.
    """
    with transaction.atomic():
        person = _person(email, now)
        if person.disabled_at is not None:
            raise OperatorDisabled(person.email)
        if person.removed_at is not None:
            raise WithoutRole(person.email)
        if person.is_operator:
            _adopt(person, now)
        token = links.make(person, Link.Kind.SIGN_IN, Link.Handed.OPERATOR, now)
        audit.record(audit.COMMAND_LINE, "link.sign_in", now=now, company_id=None, subject=("person", person.pk, person.email))
    return person, token


def _person(email: str | None, now: datetime) -> Person:
    if email is None:
        operators = list(Person.objects.filter(is_operator=True, is_active=True).order_by("pk"))
        if len(operators) > 1:
            raise SeveralOperators(*(one.email for one in operators))
        if operators:
            return operators[0]
    address = sign_in_address(email or FIRST)
    found = Person.objects.filter(email=address).first()
    if found is not None:
        return found
    person = Person(email=address, is_operator=True, created_at=now)
    person.set_unusable_password()
    person.save()
    audit.record(audit.COMMAND_LINE, "person.operator", now=now, company_id=None, subject=("person", person.pk, person.email))
    return person


def _adopt(person: Person, now: datetime) -> None:
    administered = Membership.objects.filter(role=Membership.Role.COMPANY_ADMIN, person__is_active=True).values("company_id")
    for company_id in apps.get_model("org", "Company").objects.exclude(pk__in=administered).values_list("pk", flat=True):
        # Replaces a lesser role that the person has there.
        Membership.objects.update_or_create(
            person=person, company_id=company_id, office=None, defaults={"role": Membership.Role.COMPANY_ADMIN}
        )
        audit.record(
            audit.COMMAND_LINE,
            "person.role",
            now=now,
            company_id=company_id,
            subject=("person", person.pk, person.email),
            after={"role": Membership.Role.COMPANY_ADMIN},
        )
