"""Checks of the inventories of a company's buckets: made in time, at their end, and without an open finding."""

from collections.abc import Iterator
from datetime import timedelta

from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.domain.failures import by_reason
from rokuon.ledger import inventory, inventory_findings, inventory_passes, inventory_schedule
from rokuon.ledger.inventory_models import InventoryPass
from rokuon.org.models import Bucket, Company
from rokuon.wiring import inventory_text

from .check import Check, Level

LATE = timedelta(days=1)
"""So much later than planned an inventory may be, because it waits for a Back up now."""


def inventory_checks(session: CliSession, company: Company) -> Iterator[Check]:
    """Yield a check for each bucket in which recordings were verified."""
    for bucket in company.buckets.order_by("url"):
        if inventory.verified(bucket.pk) or inventory_passes.of_bucket(bucket.pk, 1):
            yield _of(session, company, bucket)


def _of(session: CliSession, company: Company, bucket: Bucket) -> Check:
    what, zone = f"{_('Inventory')} {bucket.url}", session.zone_of(company)
    passes, schedule = inventory_passes.of_bucket(bucket.pk, 1), inventory_schedule.of_bucket(bucket.pk)
    still_open = sum(one.open for one in inventory_findings.counts(bucket.pk))
    if still_open:
        says = _("open findings: %(count)s") % {"count": output.number(still_open)}
        return Check(what, Level.PROBLEM, says, _("`rokuon inventory --last` lists them and says what to do."))
    if schedule is not None and schedule.reason:
        says = f"[{schedule.reason}] {schedule.detail}".strip()
        return Check(what, Level.WARNING, says, _(by_reason(schedule.reason).advice))
    if not passes:
        return Check(what, Level.WARNING, _("there was none yet"), _("A worker makes the first one. Start one with `rokuon worker`."))
    if schedule is not None and schedule.due_at + LATE < session.now():
        says = _("the next one was due at %(at)s") % {"at": output.moment(schedule.due_at, zone)}
        return Check(what, Level.WARNING, says, _("It waits while a Back up now runs. Run `rokuon inventory` to make one now."))
    says = f"{inventory_text.state(passes[0])} ({output.moment(passes[0].started_at, zone)})"
    if schedule is None and passes[0].started_at + LATE < session.now():
        return Check(what, Level.WARNING, says, _("It waits while a Back up now runs. Run `rokuon inventory` to make one now."))
    if passes[0].state == InventoryPass.State.STOPPED:
        return Check(what, Level.WARNING, says, _(by_reason(passes[0].reason).advice))
    return Check(what, Level.OK, says)
