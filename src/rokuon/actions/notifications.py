"""Audited changes of notification recipients and preferences."""

from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.addresses import address_of
from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company
from rokuon.notify.models import NotificationSettings, Recipient
from rokuon.org.models import Company, Office

MOST = 50
"""Limit of addresses added by hand, per office and for the company itself."""


class KnownAlready(Exception):
    """The address was already added there."""


class TooMany(Exception):
    """There are already MOST addresses."""


@transaction.atomic
def add_recipient(company: Company, office: Office | None, email: str, language: str, actor: Actor, now: datetime) -> Recipient:
    """Add a recipient of an office's notifications, or of the whole company's. `language` is one of `base.i18n.LANGUAGES`.

    Raises NotAnAddress, KnownAlready, TooMany.
    """
    address = address_of(email)
    _one_after_the_other(company)
    there = Recipient.objects.filter(company=company, office=office)
    if there.filter(email=address).exists():
        raise KnownAlready(address)
    if there.count() >= MOST:
        raise TooMany
    added = Recipient.objects.create(company=company, office=office, email=address, language=language, added_by=actor.name, created_at=now)
    _record(added, "notice.add", actor, now, after={"language": language})
    return added


@transaction.atomic
def remove_recipient(recipient: Recipient, actor: Actor, now: datetime) -> bool:
    """Remove the recipient. Return False if it was already removed."""
    if not Recipient.objects.filter(pk=recipient.pk).delete()[0]:
        return False
    _record(recipient, "notice.remove", actor, now, before={"language": recipient.language})
    return True


@transaction.atomic
def change_notification_settings(
    company: Company, actor: Actor, now: datetime, *, directory_admins: bool, weekly: bool, language: str
) -> bool:
    """Set the company's `NotificationSettings`; return whether anything differed. `language` is "" for the installation's."""
    _one_after_the_other(company)
    preferences, _made = NotificationSettings.objects.get_or_create(company=company)
    wanted = {"directory_admins": directory_admins, "weekly": weekly, "language": language}
    before = {name: getattr(preferences, name) for name in wanted}
    if before == wanted:
        return False
    NotificationSettings.objects.filter(pk=preferences.pk).update(**wanted)
    record_of_company(actor, "notice.rhythm", company, now, wanted, before)
    return True


def _one_after_the_other(company: Company) -> None:
    """Serialise: two concurrent requests could exceed MOST together, or add the same address twice."""
    Company.objects.select_for_update(no_key=True).only("pk").get(pk=company.pk)


def _record(
    recipient: Recipient,
    action: str,
    actor: Actor,
    now: datetime,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    audit.record(
        actor,
        action,
        now=now,
        company_id=recipient.company_id,
        office_id=recipient.office_id,
        subject=("recipient", recipient.pk, recipient.email),
        before=before,
        after=after,
    )
