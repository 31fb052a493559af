"""Audited change: may the admins of a company's directory sign in by a mailed link?"""

from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.org.models import Company
from rokuon.wiring import directory_admins


@transaction.atomic
def allow(company: Company, wanted: bool, actor: Actor, now: datetime) -> tuple[bool, int]:
    """Allow it, or no longer: then the roles that the directory gave end. Return whether anything changed, and how many roles ended."""
    if not Company.objects.filter(pk=company.pk, directory_sign_in=not wanted).update(directory_sign_in=wanted):
        return False, 0
    audit.record(
        actor,
        "company.directory_sign_in",
        now=now,
        company_id=company.pk,
        subject=("company", company.pk, company.name),
        before={"allowed": not wanted},
        after={"allowed": wanted},
    )
    return True, directory_admins.settle(company.pk, actor, now)
