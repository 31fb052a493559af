"""Enter a directory that was read, with its consequences: days that must be listed again, and the known abilities of the key."""

from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.ledger import coverage, outside_void
from rokuon.org import directory as directories
from rokuon.org.models import Company, Target
from rokuon.wiring import directory_admins
from rokuon.wiring.key_check import Account

DIRECTORY = Actor("directory sync")
"""The actor of what follows from a change in the source's directory."""


@transaction.atomic
def enter_synced(company: Company, account: Account, actor: Actor, now: datetime) -> directories.SyncResult:
    """Enter a directory that was read by schedule or on a person's request, with an audit line."""
    result = enter(company.pk, account, now)
    after = {"appeared": len(result.appeared), "vanished": len(result.vanished), "renamed": len(result.renamed)}
    audit.record(
        actor, "directory.sync", now=now, company_id=company.pk, subject=("company", company.pk, company.name), before=None, after=after
    )
    return result


@transaction.atomic
def enter(company_id: int, account: Account, now: datetime) -> directories.SyncResult:
    """Enter what a key can open. Days whose earlier listing may have missed something are listed again, and roles that the
    directory gave and no longer names end."""
    result = directories.apply(company_id, account.directory, now)
    for team in Target.objects.filter(pk__in=result.left, backed_up=True):
        outside_void.left_out(company_id, team.pk, team.backed_up_at)
    known = Company.objects.filter(pk=company_id)
    if account.exports and known.filter(exports=False).update(exports=True):
        # A key that was known to list no recordings has covered days that are not complete (S22); a key of unknown ability has not.
        coverage.void(list(Target.objects.filter(company_id=company_id).values_list("pk", flat=True)))
    if account.exports is not None:
        known.update(exports=account.exports)
    # A listing made before a user joined a team has missed that user's calls.
    coverage.void(result.joined)
    directory_admins.settle(company_id, DIRECTORY, now)
    return result
