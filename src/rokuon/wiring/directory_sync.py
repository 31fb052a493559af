"""A directory that was read, entered with what follows from it: days that must be listed again, and what the key is known to open."""

from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.ledger import coverage
from rokuon.org import directory as directories
from rokuon.org.models import Company, Target
from rokuon.wiring.key_check import Account


@transaction.atomic
def enter_synced(company: Company, account: Account, actor: Actor, now: datetime) -> directories.SyncResult:
    """Enter a directory that was read because it is time, or because somebody asked for it."""
    result = enter(company.pk, account, now)
    after = {"appeared": len(result.appeared), "vanished": len(result.vanished), "renamed": len(result.renamed)}
    audit.record(
        actor, "directory.sync", now=now, company_id=company.pk, subject=("company", company.pk, company.name), before=None, after=after
    )
    return result


@transaction.atomic
def enter(company_id: int, account: Account, now: datetime) -> directories.SyncResult:
    """Enter what a key was seen to open; what was listed before and may have passed something by is listed again."""
    result = directories.apply(company_id, account.directory, now)
    known = Company.objects.filter(pk=company_id)
    if account.exports and known.filter(exports=False).update(exports=True):
        # A key that was seen to name no recordings has listed days as complete that are not (S22); one of which nothing was known has not.
        coverage.void(list(Target.objects.filter(company_id=company_id).values_list("pk", flat=True)))
    if account.exports is not None:
        known.update(exports=account.exports)
    # A listing made before somebody joined a team has passed her calls by.
    coverage.void(result.joined)
    return result
