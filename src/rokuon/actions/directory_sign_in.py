"""Audited change: may the admins of a company's directory sign in by a mailed link?"""

from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company
from rokuon.org.models import Company
from rokuon.wiring import directory_admins


@transaction.atomic
def allow(company: Company, wanted: bool, actor: Actor, now: datetime) -> tuple[bool, int]:
    """Allow it, or no longer: then the roles that the directory gave end. Return whether anything changed, and how many roles ended."""
    if not Company.objects.filter(pk=company.pk, directory_sign_in=not wanted).update(directory_sign_in=wanted):
        return False, 0
    record_of_company(actor, "company.directory_sign_in", company, now, {"allowed": wanted}, {"allowed": not wanted})
    return True, directory_admins.settle(company.pk, actor, now)
