"""Proof that a person owns the address of an account, and the reset of an account that nobody has proven.

A person proves an address by following a mailed link, by coming from the identity provider with a verified address, or by following a link
from the operator. A link that was shown on the screen proves nothing, because an admin saw it. So settings made before the first proof may
be an intruder's: the first proof, or an invitation by another company, removes them.
"""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from . import audit, links, second_factor, sessions
from .audit import Actor
from .models import Link, Person

Proof = Person.Proof


def by_link(actor: Actor, link: Link, now: datetime) -> bool:
    """Store the proof that following this link gives; return whether anything was removed. An operator's link does not bypass a second
    factor, so it proves nothing if one is set up: the page asks for the code."""
    person = link.person
    if link.handed == Link.Handed.MAIL:
        return prove(actor, person, Proof.MAIL, now)
    if link.handed == Link.Handed.OPERATOR and not second_factor.has(person):
        return prove(actor, person, Proof.OPERATOR, now)
    return False


def prove(actor: Actor, person: Person, how: Proof, now: datetime, *, joined: int | None = None) -> bool:
    """Store the first proof of this account and remove what was set before it; return whether anything was removed.

    `joined` is the id of the identity provider's account that gives the proof: it is kept. Refreshes `person`.
    """
    with transaction.atomic():
        there = Person.objects.select_for_update().get(pk=person.pk)
        taken = there.proven_at is None and reset(actor, there, None, now, but=joined)
        if Person.objects.filter(pk=person.pk, proven_at=None).update(proven_at=now, proven_by=how):
            audit.record(
                actor, "person.prove", now=now, company_id=None, subject=("person", person.pk, person.email), after={"proven_by": how}
            )
        person.refresh_from_db()
    return taken


def reset(actor: Actor, person: Person, company_id: int | None, now: datetime, *, but: int | None = None) -> bool:
    """Remove password, second factor, sessions, known browsers, accounts at the provider (except `but`) and unused links; return whether
    there were any. The caller is in a transaction and holds a lock on the person's row."""
    joins = SocialAccount.objects.filter(user_id=person.pk).exclude(pk=but)
    found = person.has_password or person.last_login is not None or second_factor.has(person) or joins.exists()
    person.set_unusable_password()
    Person.objects.filter(pk=person.pk).update(password=person.password, last_login=None, reset_at=now if found else person.reset_at)
    second_factor.take_away(person)
    joins.delete()
    sessions.end_all(person)
    links.void(person, now)
    if found:
        audit.record(actor, "person.reset", now=now, company_id=company_id, subject=("person", person.pk, person.email))
    return found


def reset_by_operator(actor: Actor, person: Person, now: datetime) -> None:
    """Reset an account that its owner cannot sign in to, proven or not."""
    with transaction.atomic():
        reset(actor, Person.objects.select_for_update().get(pk=person.pk), None, now)
        person.refresh_from_db()


def may_be_another(person: Person, company_id: int) -> bool:
    """Whether someone else may hold this account: nobody has proven it, and it has not belonged to this company alone. Operators are
    excluded, because the command line creates them."""
    return person.proven_at is None and not person.is_operator and _companies(person) != {company_id}


def _companies(person: Person) -> set[int]:
    return set(person.memberships.values_list("company_id", flat=True))
