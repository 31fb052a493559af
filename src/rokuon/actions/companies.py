"""Company actions of an admin: register a company by its key, replace or check the key, read the directory.

Every function checks first and then changes the database in one transaction: a refusal changes nothing. They block, so they fit both a
command and a synchronous view. They queue jobs on `jobs` in the transaction of the rows that the jobs are about.
"""

from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.accounts.models import Membership
from rokuon.actions._shared import lift, record_of_company
from rokuon.base.i18n import _
from rokuon.base.logs import hide
from rokuon.base.secrets import Secret
from rokuon.config import Config
from rokuon.dialpad.urls import AllowedHosts
from rokuon.domain.failures import HoldOn
from rokuon.domain.ports import Jobs
from rokuon.ledger import holds
from rokuon.ledger.sql import ms
from rokuon.org import directory as directories
from rokuon.org import services
from rokuon.org.models import Company
from rokuon.runtime.installation import Installation
from rokuon.wiring.connections import API_KEY, Connections, KeyMissing, company_owner, connected
from rokuon.wiring.directory_sync import enter, enter_synced
from rokuon.wiring.key_check import Account, KeyOfAnother, KeyReport, account_of, ending, examine


def canonical_base_url(text: str) -> str:
    """Return the address in its stored form, without a default port. Raises ConfigError for plain http except to this machine."""
    base = AllowedHosts.of(text).base
    return base.removesuffix(":443") if base.startswith("https://") else base.removesuffix(":80")


def examine_key(config: Config, base_url: str, key: Secret, now: datetime) -> KeyReport:
    """Report what the key can read, one read after the other. Writes nothing to the database; Dialpad's answers are in the report, and none
    of them is raised as an error."""
    return examine(config, base_url, hide(key), ms(now))


def stored_key(installation: Installation, company: Company) -> Secret:
    """Return the company's key. Raises KeyMissing, or SecretUnreadable if the master key does not open it."""
    if not company.api_key:
        raise KeyMissing(_("The company has no Dialpad API key. Enter one with `rokuon company key`."))
    return installation.vault.open(company.api_key, owner=company_owner(company.pk), field=API_KEY)


def recheck_key(installation: Installation, company: Company, jobs: Jobs, actor: Actor, now: datetime) -> KeyReport:
    """Check the company's key again and keep the report. If every read was answered, resume the work that waited for Dialpad."""
    report = examine_key(installation.config, company.base_url, stored_key(installation, company), now)
    with transaction.atomic():
        _keep_report(company.pk, report, now)
        if report.account is not None and report.account.directory.company.id == company.dialpad_id:
            enter(company.pk, report.account, now)
            _lift_what_the_key_stopped(company.pk, jobs, now)
        record_of_company(actor, "company.key_check", company, now, report.kept())
    return report


def add_company(
    installation: Installation, base_url: str, key: Secret, actor: Actor, now: datetime
) -> tuple[Company, directories.SyncResult, Account]:
    """Register the company that the key belongs to, with its sealed key and its directory; it is not enabled yet."""
    base_url = canonical_base_url(base_url)
    report = examine_key(installation.config, base_url, key, now)
    company, result = register_company(installation, base_url, key, report, actor, now)
    return company, result, report.require()


def register_company(
    installation: Installation, base_url: str, key: Secret, report: KeyReport, actor: Actor, now: datetime
) -> tuple[Company, directories.SyncResult]:
    """Register the company of an `examine_key` report. The acting person becomes company admin, or nobody could continue.

    Raises the report's failure, and CompanyKnown if the company is already registered.
    """
    account = report.require()
    found = account.directory.company
    with transaction.atomic():
        company = services.create_company(found.name, base_url, found.id)
        _seal_key(installation, company, key, report, actor, now)
        result = enter(company.pk, account, now)
        if actor.person is not None:
            Membership.objects.create(person=actor.person, company_id=company.pk, role=Membership.Role.COMPANY_ADMIN, created_at=now)
        after = {"address": base_url, "key": f"…{ending(key)}"}
        record_of_company(actor, "company.add", company, now, after)
    company.refresh_from_db()
    return company, result


def set_key(installation: Installation, company: Company, key: Secret, jobs: Jobs, actor: Actor, now: datetime) -> Account:
    """Replace a company's key by another of the same company, and resume the work that waited for it."""
    report = examine_key(installation.config, company.base_url, key, now)
    return keep_key(installation, company, key, report, jobs, actor, now)


def keep_key(
    installation: Installation, company: Company, key: Secret, report: KeyReport, jobs: Jobs, actor: Actor, now: datetime
) -> Account:
    """Replace the key with one that `examine_key` has reported on. Raises the report's failure, and KeyOfAnother."""
    account = report.require()
    if account.directory.company.id != company.dialpad_id:
        raise KeyOfAnother(
            _("This key belongs to the company %(other)s, not to %(name)s. Nothing was changed.")
            % {"other": account.directory.company.name, "name": company.name}
        )
    with transaction.atomic():
        before = {"key": f"…{company.key_ending}"}
        _seal_key(installation, company, key, report, actor, now)
        enter(company.pk, account, now)
        _lift_what_the_key_stopped(company.pk, jobs, now)
        # Two keys may end alike: the entry itself says that a new one was entered.
        after = {"key": f"…{ending(key)}", **report.kept()}
        record_of_company(actor, "company.key", company, now, after, before)
    return account


def _seal_key(installation: Installation, company: Company, key: Secret, report: KeyReport, actor: Actor, now: datetime) -> None:
    sealed = installation.vault.seal(key.reveal(), owner=company_owner(company.pk), field=API_KEY)
    Company.objects.filter(pk=company.pk).update(
        api_key=sealed, key_ending=ending(key), key_entered_at=now, key_entered_by=actor.name if actor.person is not None else ""
    )
    _keep_report(company.pk, report, now)


def _keep_report(company_id: int, report: KeyReport, now: datetime) -> None:
    Company.objects.filter(pk=company_id).update(key_report={"at": now.isoformat(), **report.kept()})


def _lift_what_the_key_stopped(company_id: int, jobs: Jobs, now: datetime) -> None:
    """Lift the holds, also of kinds of recordings that the previous key could not read: a kind still refused is held again."""
    for hold in holds.open_holds(company_id):
        if hold.on == HoldOn.KIND:
            holds.lift(company_id, HoldOn.KIND, hold.ref, now)
    lift(company_id, HoldOn.SOURCE, "", jobs, now)


def sync(installation: Installation, company: Company, actor: Actor, now: datetime) -> directories.SyncResult:
    """Read the directory with the company's own key and budget, and store it."""

    async def read(connections: Connections) -> Account:
        return await account_of(await connections.source(company.pk), ms(now))

    return enter_synced(company, connected(installation, now, read), actor, now)
