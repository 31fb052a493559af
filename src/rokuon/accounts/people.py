"""The people of a company and their roles: invite people, give and remove roles. Each change is one transaction with its audit entry.

A company keeps at least one company admin who can sign in: a change that would remove the last one is refused, also when two people each
remove one of two at the same time. A changed role counts from the next request on; a person without any role is signed out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from . import audit, links, proof, sessions
from .addresses import sign_in_address
from .audit import Actor
from .models import Link, Membership, Person

Role = Membership.Role
LOCK = 0x524F4B55
"""Key of our PostgreSQL advisory lock: it serialises changes of one company's roles."""


class LastAdmin(Exception):
    """The company would be left without a company admin."""


class PersonDisabled(Exception):
    """The operator has disabled the person: no company can give them a role. `args` is the address."""


def invite(actor: Actor, company_id: int, email: str, name: str, role: str, office_id: int | None, language: str, now: datetime) -> Person:
    """Give a role to a person, who may be new. It replaces a role that the person already has in that place.

    An account that nobody has proven, and that others than this company may have used, is reset first (`proof`). Raises NotAnAddress,
    CannotSignIn, PersonDisabled; LastAdmin if it would demote the last company admin.
    """
    with _one_after_the_other(company_id):
        person, made = find_or_make(email, name, language, now)
        if person.disabled_at is not None:
            raise PersonDisabled(person.email)
        if not made and proof.may_be_another(person, company_id):
            proof.reset(actor, person, company_id, now)
        Person.objects.filter(pk=person.pk, removed_at__isnull=False).update(removed_at=None)
        person.refresh_from_db()
        there = Membership.objects.filter(Q(office_id=office_id), person=person, company_id=company_id).first()
        if there is not None:
            _change(actor, there, role, office_id, now)
            return person
        added = Membership.objects.create(person=person, company_id=company_id, office_id=office_id, role=role, created_at=now)
        if not only_here(person, company_id):
            # Another company's admins may hold the invitation link made there: it must not open this company.
            links.void(person, now, Link.Kind.INVITATION)
        _record(actor, "person.role", added, now, after={"role": role, "office": _office_name(added)})
    return person


def find_or_make(email: str, name: str, language: str, now: datetime) -> tuple[Person, bool]:
    """Return the person with this address, row locked until the transaction ends, and whether it is new (without a password)."""
    address = sign_in_address(email)
    new = Person(email=address, name=name.replace("\0", "").strip()[:200], language=language, created_at=now)
    new.set_unusable_password()
    # Two concurrent invitations of the same new address create one person.
    Person.objects.bulk_create([new], ignore_conflicts=True)
    person = Person.objects.select_for_update(no_key=True).get(email=address)
    return person, person.password == new.password


def set_role(actor: Actor, membership: Membership, role: str, office_id: int | None, now: datetime) -> None:
    """Set the role. It replaces a role that the person already has in that place. Raises LastAdmin."""
    with _one_after_the_other(membership.company_id):
        there = Membership.objects.filter(Q(office_id=office_id), person_id=membership.person_id, company_id=membership.company_id)
        for other in there.exclude(pk=membership.pk).select_related("person", "office"):
            _record(actor, "person.remove", other, now, before={"role": other.role, "office": _office_name(other)})
            other.delete()
        _change(actor, membership, role, office_id, now)


def remove(actor: Actor, membership: Membership, now: datetime) -> None:
    """Take the role away. A person without any other role, who is not an operator, is signed out until they get one again. Raises
    LastAdmin."""
    with _one_after_the_other(membership.company_id):
        _remove(actor, membership, now)


def give_from_directory(
    actor: Actor, person: Person, company_id: int, office_id: int | None, role: str, now: datetime
) -> Membership | None:
    """Give the role that the source's directory names, unless the person has a role in that place: what a person decided here counts.

    Return the new role. The caller has checked that the person's address is theirs, and that no operator has disabled them.
    """
    with transaction.atomic():
        lock(company_id)
        if Membership.objects.filter(Q(office_id=office_id), person=person, company_id=company_id).exists():
            return None
        Person.objects.filter(pk=person.pk, removed_at__isnull=False).update(removed_at=None)
        added = Membership.objects.create(
            person=person, company_id=company_id, office_id=office_id, role=role, source=Membership.Source.DIRECTORY, created_at=now
        )
        after = {"role": role, "office": _office_name(added), "source": Membership.Source.DIRECTORY.value}
        _record(actor, "person.role", added, now, after=after)
    return added


def end_from_directory(actor: Actor, membership: Membership, now: datetime) -> None:
    """End a role that the directory gave and no longer names, also that of the last company admin: who has left the company must not keep
    it. Another admin of the directory gets in by a mailed link, and the operator by `rokuon admin-link`."""
    with transaction.atomic():
        lock(membership.company_id)
        _remove(actor, membership, now)


def _remove(actor: Actor, membership: Membership, now: datetime) -> None:
    before = {"role": membership.role, "office": _office_name(membership)}
    if not Membership.objects.filter(pk=membership.pk).delete()[0]:
        return
    _record(actor, "person.remove", membership, now, before=before)
    person = Person.objects.select_for_update(no_key=True).get(pk=membership.person_id)
    if not person.is_operator and not Membership.objects.filter(person=person).exists():
        Person.objects.filter(pk=person.pk, removed_at=None).update(removed_at=now)
        _shut_out(person, now)


def disable(actor: Actor, person: Person, now: datetime) -> None:
    """Block the account everywhere until the operator enables it. Raises LastAdmin."""
    with transaction.atomic():
        companies = sorted(set(person.memberships.values_list("company_id", flat=True)))
        for company_id in companies:
            lock(company_id)
        administered = [company_id for company_id in companies if admins(company_id)]
        changed = Person.objects.filter(pk=person.pk, disabled_at=None).update(disabled_at=now)
        _shut_out(person, now)
        for company_id in administered:
            _require_admin(company_id)
        if changed:
            audit.record(actor, "person.disable", now=now, company_id=None, subject=("person", person.pk, person.email))


def enable(actor: Actor, person: Person, now: datetime) -> None:
    """Undo `disable`. A person without any role still needs one."""
    with transaction.atomic():
        if Person.objects.filter(pk=person.pk, disabled_at__isnull=False).update(disabled_at=None):
            audit.record(actor, "person.enable", now=now, company_id=None, subject=("person", person.pk, person.email))


def invitation(actor: Actor, person: Person, company_id: int, handed: Link.Handed, now: datetime) -> str:
    """Create an invitation link for a person who has not signed in yet, void earlier ones, and return the token."""
    with transaction.atomic():
        token = links.make(person, Link.Kind.INVITATION, handed, now)
        audit.record(actor, "person.invite", now=now, company_id=company_id, subject=("person", person.pk, person.email))
    return token


def withdraw(actor: Actor, person: Person, company_id: int, now: datetime) -> None:
    """Void the unused invitation."""
    with transaction.atomic():
        if links.void(person, now, Link.Kind.INVITATION):
            audit.record(actor, "person.withdraw", now=now, company_id=company_id, subject=("person", person.pk, person.email))


def only_here(person: Person, company_id: int) -> bool:
    """Whether the person belongs to this company alone: only then may its admins hold a link that signs in as that person."""
    return not person.is_operator and not person.memberships.exclude(company_id=company_id).exists()


def admins(company_id: int) -> int:
    """Return the number of the company's admins who are not disabled."""
    return Membership.objects.filter(company_id=company_id, role=Role.COMPANY_ADMIN, person__is_active=True).count()


def _change(actor: Actor, membership: Membership, role: str, office_id: int | None, now: datetime) -> None:
    before = {"role": membership.role, "office": _office_name(membership)}
    if Membership.objects.filter(pk=membership.pk).update(role=role, office_id=office_id, source=Membership.Source.PERSON) != 1:
        return
    changed = Membership.objects.select_related("person", "office").get(pk=membership.pk)
    _record(actor, "person.role", changed, now, before=before, after={"role": role, "office": _office_name(changed)})


def _shut_out(person: Person, now: datetime) -> None:
    sessions.end_all(person)
    links.void(person, now)


def _require_admin(company_id: int) -> None:
    if not admins(company_id):
        raise LastAdmin(company_id)


@contextmanager
def _one_after_the_other(company_id: int) -> Iterator[None]:
    """Serialise changes. Raises LastAdmin, and rolls back, if the company had a company admin before and has none after."""
    with transaction.atomic():
        lock(company_id)
        administered = admins(company_id) > 0
        yield
        if administered:
            _require_admin(company_id)


def lock(company_id: int) -> None:
    """Take the lock of a company's roles until the transaction ends. Take it before the lock of a person's row, and several in order of
    the ids, or two transactions would deadlock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, company_id])


def _office_name(membership: Membership) -> str:
    return membership.office.name if membership.office is not None else ""


def _record(
    actor: Actor,
    action: str,
    membership: Membership,
    now: datetime,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    audit.record(
        actor,
        action,
        now=now,
        company_id=membership.company_id,
        office_id=membership.office_id,
        subject=("person", membership.person_id, membership.person.email),
        before=before,
        after=after,
    )
