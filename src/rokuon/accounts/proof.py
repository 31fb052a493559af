"""When and how it was proven that an account is its address's, and what an account loses that nobody proved.

Who follows a link that was mailed, comes from the identity provider with a verified address, or follows a link that whoever runs the
installation handed over, is the owner. A link that was shown on the screen proves nothing: an admin saw it. So what was set on an account
before its first proof may be an intruder's, and does not outlive that proof, nor an invitation by another company.
"""

from datetime import datetime

from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from . import audit, links, second_factor, sessions
from .audit import Actor
from .models import Link, Person

Proof = Person.Proof


def by_link(actor: Actor, link: Link, now: datetime) -> bool:
    """The link was followed: keep what that proves; whether anything was taken away. An operator's link does not go round a second factor,
    so it proves nothing where one is set up: the code is asked for."""
    person = link.person
    if link.handed == Link.Handed.MAIL:
        return prove(actor, person, Proof.MAIL, now)
    if link.handed == Link.Handed.OPERATOR and not second_factor.has(person):
        return prove(actor, person, Proof.OPERATOR, now)
    return False


def prove(actor: Actor, person: Person, how: Proof, now: datetime, *, joined: int | None = None) -> bool:
    """Keep the first proof of this account, and take away what was set before it; whether anything was.

    `joined` is the identity provider's account by which it is proven: that one stays. `person` is brought up to date.
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
    """Password, second factor, sessions, known browsers, accounts at the provider (except `but`) and links that were not used are gone;
    whether there were any. The caller holds the person's row, and is in a transaction."""
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
    """The same for an account that its owner cannot get into, proven or not."""
    with transaction.atomic():
        reset(actor, Person.objects.select_for_update().get(pk=person.pk), None, now)
        person.refresh_from_db()


def may_be_another(person: Person, company_id: int) -> bool:
    """Whether somebody else may hold this account: nobody proved it, and not this company alone has had it. Operators are made by the
    command line."""
    return person.proven_at is None and not person.is_operator and _companies(person) != {company_id}


def _companies(person: Person) -> set[int]:
    return set(person.memberships.values_list("company_id", flat=True))
