"""`rokuon accept` and `rokuon discard`: decide about files that could not be proven and were kept aside."""

from collections.abc import Sequence

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import failures as failure_actions
from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.ensure_worker import EnsuredWorker
from rokuon.cli.support.row_id import ROW_ID
from rokuon.cli.support.session import opened
from rokuon.domain.failures import ConfigError
from rokuon.jobs import queue
from rokuon.ledger import aside
from rokuon.ledger.models import Copy

from .commands import require_there


@click.command(
    cls=Command,
    help=_(
        "Accept files that were kept aside: a worker stores each as its recording, byte for byte and without a proof, and the name of the "
        "person who accepted it is kept with it. By the ids that `rokuon failures --list` shows. Listen to them first, in the console."
    ),
)
@click.argument("ids", nargs=-1, type=ROW_ID, required=True, metavar="ID...")
@selectors.company_option
@selectors.json_option
def accept_command(ids: tuple[int, ...], company_name: str | None, as_json: bool) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        require_there(company, None, ids)
        _require_kept(ids)
        accepted = failure_actions.accept(company, None, ids, queue, COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"accepted": accepted})
            return
        output.say(ngettext("%(count)d file was accepted.", "%(count)d files were accepted.", accepted) % {"count": accepted})
        if accepted and not queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S):
            output.say(_("No worker is running. Start one with `rokuon worker`, or run `rokuon backup-now`."))


@click.command(
    cls=Command,
    help=_(
        "Discard files that were kept aside: their recordings count as explained, like closed ones. The files stay in the bucket, since "
        "Rokuon deletes nothing there."
    ),
)
@click.argument("ids", nargs=-1, type=ROW_ID, required=True, metavar="ID...")
@click.option("--note", required=True, metavar="TEXT", help=_("Why the files are not wanted; everybody who sees the failures reads it."))
@selectors.company_option
@selectors.json_option
def discard_command(ids: tuple[int, ...], note: str, company_name: str | None, as_json: bool) -> None:
    said = failure_actions.note(note)
    if not said:
        raise ConfigError(_("Write why the files are not wanted: --note TEXT."))
    with opened() as session:
        company = selectors.company(company_name)
        require_there(company, None, ids)
        _require_kept(ids)
        closed = failure_actions.discard(company, None, ids, said, COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"discarded": closed})
            return
        output.say(ngettext("%(count)d recording was closed.", "%(count)d recordings were closed.", closed) % {"count": closed})


def _require_kept(ids: Sequence[int]) -> None:
    """Raises ConfigError if one of these recordings is neither failed nor gone, or has nothing kept aside."""
    kept = aside.of(ids)
    wrong = []
    for copy in Copy.objects.filter(pk__in=ids).order_by("pk"):
        if copy.state not in (Copy.State.FAILED, Copy.State.GONE):
            wrong.append(f"{copy.pk} ({output.state_word(copy.state)})")
        elif copy.pk not in kept:
            wrong.append(f"{copy.pk} ({_('nothing is kept aside')})")
    if wrong:
        raise ConfigError(
            _(
                "Only what failed or is gone and has a file kept aside can be accepted or discarded. These are something else: %(ids)s. "
                "Nothing was changed."
            )
            % {"ids": _(", ").join(wrong)}
        )
