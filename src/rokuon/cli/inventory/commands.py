"""`rokuon inventory`: compare a bucket with the ledger now, or show the last pass and what was found."""

import sys
import time
from collections.abc import Callable

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import inventories
from rokuon.base.i18n import _
from rokuon.cli.main import FINISHED_WITH_FAILURES, OK, USAGE
from rokuon.cli.support import output, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.session import CliSession, opened
from rokuon.domain.failures import ConfigError, Decision, RokuonError
from rokuon.jobs import queue
from rokuon.ledger import inventory_passes
from rokuon.ledger.inventory_models import InventoryPass
from rokuon.org.models import Bucket
from rokuon.wiring.inventory import IN_DOUBT

from . import display

SAID_EVERY_S = 10.0


@click.command(
    "inventory",
    cls=Command,
    help=_(
        "Inventory: compare everything in a bucket with the ledger, and find recordings that are missing, deleted or changed, and objects "
        "that nobody knows. A worker does this once a day; this command does it now. It deletes nothing and copies nothing. An interrupted "
        "pass resumes. Exit code 0 only if the whole bucket was compared and nothing that was found is open."
    ),
)
@click.option("--bucket", "url", metavar="URL", help=_("Bucket to compare; needed only if there are several."))
@click.option("--last", is_flag=True, help=_("Compare nothing now: show the last pass and the open findings."))
@click.option(
    "--accept-missing",
    is_flag=True,
    help=_(
        "Take what is missing for really missing, however much it is: each such recording then counts as failed. Without this, a pass that "
        "finds much missing changes nothing and holds the bucket."
    ),
)
@click.option("--yes", is_flag=True, help=_("Do it without a question, where --accept-missing would ask one."))
@selectors.company_option
@selectors.json_option
def inventory_command(url: str | None, last: bool, accept_missing: bool, yes: bool, company_name: str | None, as_json: bool) -> int:
    if last and accept_missing:
        raise click.UsageError(_("--last compares nothing. Leave out one of --last and --accept-missing."), click.get_current_context())
    with opened() as session:
        bucket = selectors.only_bucket(selectors.company(company_name), url)
        if accept_missing and not yes and not _agreed(as_json=as_json):
            click.echo(_("Nothing was changed. To begin, repeat the command with --yes."), err=True)
            return USAGE
        stopped = None if last else _run(session, bucket, accept_missing=accept_missing)
        return _show(session, bucket, stopped, as_json=as_json)


def _agreed(*, as_json: bool) -> bool:
    return not as_json and sys.stdin.isatty() and click.confirm(_("Take everything that is not in the bucket for missing?"), err=True)


def _run(session: CliSession, bucket: Bucket, *, accept_missing: bool) -> RokuonError | None:
    try:
        inventories.run_inventory(
            session.installation, bucket, queue, COMMAND_LINE, session.clock, _progress(), accepts_missing=accept_missing
        )
    except ConfigError:
        raise
    except RokuonError as error:
        return error
    return None


def _show(session: CliSession, bucket: Bucket, stopped: RokuonError | None, *, as_json: bool) -> int:
    passes = inventory_passes.of_bucket(bucket.pk, 1)
    found = display.InventoryResult.of(bucket, passes[0] if passes else None, session.zone_of(bucket.company))
    if as_json:
        output.write_json(found.as_json(stopped))
    else:
        found.show()
    if stopped is not None:
        detail = f" ({stopped.detail})" if stopped.detail else ""
        click.echo(_("Error: %(sentence)s") % {"sentence": f"{_(stopped.advice)} [{stopped.reason}]{detail}"}, err=True)
        if not isinstance(stopped, IN_DOUBT):
            click.echo(_("The pass ended early. Repeat the command to continue it."), err=True)
        passes_on_its_own = isinstance(stopped, IN_DOUBT) or stopped.decision is Decision.AFTER
        return FINISHED_WITH_FAILURES if passes_on_its_own else USAGE
    whole = bool(passes) and passes[0].state == InventoryPass.State.FINISHED
    return OK if whole and not found.open else FINISHED_WITH_FAILURES


def _progress() -> Callable[[InventoryPass], None]:
    """Return a function that prints a line on standard error every few seconds."""
    said = time.monotonic()

    def told(one: InventoryPass) -> None:
        nonlocal said
        if time.monotonic() - said >= SAID_EVERY_S:
            said = time.monotonic()
            click.echo(_("%(objects)s objects are compared.") % {"objects": output.number(one.objects_seen)}, err=True)

    return told
