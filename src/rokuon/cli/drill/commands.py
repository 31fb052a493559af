"""`rokuon drill`: options, and the order of the steps."""

import secrets
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import drills as actions
from rokuon.base.i18n import _
from rokuon.cli.main import FINISHED_WITH_FAILURES, OK, USAGE
from rokuon.cli.support import output, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.session import CliSession, opened
from rokuon.custody.chains import latest_seal
from rokuon.domain.failures import ConfigError, Decision, RokuonError
from rokuon.ledger import drills
from rokuon.ledger.drill_models import Drill
from rokuon.ledger.drills import DrawnSample, Lot
from rokuon.org.models import Bucket
from rokuon.wiring.drill import Restored, read_sample

from . import display
from .options import Gib, Percent, Seed

CONFIDENCE, DAMAGED_BELOW = 950_000, 1_000
"""95 % sure that fewer than 0.1 % are damaged: at most 2,995 recordings, about 0.7 GiB."""
BAD_IN_JSON = 1_000


@click.command(
    "drill",
    cls=Command,
    help=_(
        "Restore drill: read recordings that are drawn by lot back from a bucket, and prove that their bytes are what was verified and are "
        "audio. It says first how many and how much, and reads nothing before --yes or an answer on the terminal. An interrupted drill "
        "resumes where it left off."
    ),
)
@click.option("--bucket", "url", metavar="URL", help=_("Bucket to read from; needed only if there are several."))
@click.option("--confidence", type=Percent(), help=_("How sure the result is to be, in percent. Without it: 95."))
@click.option(
    "--damaged-below", type=Percent(), help=_("Share of damaged recordings that is to be ruled out, in percent. Without it: 0.1.")
)
@click.option(
    "--seed",
    type=Seed(),
    help=_(
        "Text that decides which recordings are drawn, for example one that an auditor names. Without it: the SHA-256 of the "
        "bucket's latest seal, or a random one where there is no seal; it is printed."
    ),
)
@click.option("--most-gib", "most_bytes", type=Gib(), default="10", show_default=True, help=_("Refuse to read more than this many GiB."))
@click.option(
    "--restore-to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help=_("Write the recordings that are read and whole into this folder, under their names in the bucket. No file is overwritten."),
)
@click.option("--afresh", is_flag=True, help=_("Begin another drill, and leave one that is not finished as it is."))
@click.option("--yes", is_flag=True, help=_("Do it. Without it, Rokuon asks on a terminal; elsewhere it only says what would be read."))
@selectors.company_option
@selectors.json_option
def drill_command(
    url: str | None,
    confidence: int | None,
    damaged_below: int | None,
    seed: str | None,
    most_bytes: int,
    restore_to: Path | None,
    afresh: bool,
    yes: bool,
    company_name: str | None,
    as_json: bool,
) -> int:
    with opened() as session:
        bucket = selectors.only_bucket(selectors.company(company_name), url)
        before = drills.unfinished(bucket.pk)
        if before is not None and not afresh:
            _require_same(before, seed, confidence, damaged_below)
            lot = Lot(before.seed, before.confidence, before.damaged_below)
            sample = DrawnSample(before.population, before.drawn - before.read - before.refused, drills.bytes_left(before.pk))
        else:
            lot = Lot(seed or latest_seal(bucket.pk) or secrets.token_hex(16), confidence or CONFIDENCE, damaged_below or DAMAGED_BELOW)
            sample = drills.look(bucket.company_id, bucket.pk, lot, session.now())
            actions.require_any(bucket, sample.drawn)
        if not as_json:
            if before is not None and not afresh:
                output.say(
                    _("The drill of %(when)s is not finished: %(read)s of %(drawn)s are read. It is continued.")
                    % {
                        "when": output.moment(before.started_at, session.zone_of(bucket.company)),
                        "read": output.number(before.read),
                        "drawn": output.number(before.drawn),
                    }
                )
            display.show_cost(bucket, lot, sample)
        actions.require_within(sample.bytes, most_bytes)
        if not yes and not _agreed(as_json=as_json):
            if as_json:
                output.write_json(display.planned_json(bucket, lot, sample))
            click.echo(
                _("Nothing was read. To begin, repeat the command with --yes and --seed %(seed)s.") % {"seed": shlex.quote(lot.seed)},
                err=True,
            )
            return USAGE
        restored = Restored(restore_to) if restore_to is not None else None
        if before is not None and afresh:
            drill = actions.begin_afresh(bucket, before, lot, most_bytes, COMMAND_LINE, session.now())
        else:
            drill = before or actions.begin_drill(bucket, lot, most_bytes, COMMAND_LINE, session.now())
        return _carry_out(session, bucket, drill, restored, as_json=as_json)


def _require_same(drill: Drill, seed: str | None, confidence: int | None, damaged_below: int | None) -> None:
    asked = (
        seed in (None, drill.seed),
        confidence in (None, drill.confidence),
        damaged_below in (None, drill.damaged_below),
    )
    if not all(asked):
        raise ConfigError(
            _(
                "A drill of this bucket with another seed or other figures is not finished. Finish it without these options, or leave it "
                "with --afresh: it then stays in the list as not finished."
            )
        )


def _agreed(*, as_json: bool) -> bool:
    return not as_json and sys.stdin.isatty() and click.confirm(_("Read them now?"), err=True)


def _carry_out(session: CliSession, bucket: Bucket, drill: Drill, restored: Restored | None, *, as_json: bool) -> int:
    stopped: RokuonError | None = None
    try:
        read_sample(session.installation, drill, _progress(drill), restored)
    except ConfigError:
        raise
    except RokuonError as error:
        stopped = error
    else:
        actions.end_drill(bucket, drill, COMMAND_LINE, session.now())
    drill.refresh_from_db()
    bad = drills.bad_ones(drill.pk, BAD_IN_JSON)
    if as_json:
        output.write_json(display.as_json(bucket, drill, bad, restored, stopped))
    else:
        display.show(drill, bad, restored)
    if stopped is not None:
        _say_stopped(stopped)
        return FINISHED_WITH_FAILURES if stopped.decision is Decision.AFTER else USAGE
    all_well = (
        drill.state == Drill.State.FINISHED and not drill.bad and not drill.refused and not (restored is not None and restored.others)
    )
    return OK if all_well else FINISHED_WITH_FAILURES


def _say_stopped(error: RokuonError) -> None:
    detail = f" ({error.detail})" if error.detail else ""
    click.echo(_("Error: %(sentence)s") % {"sentence": f"{_(error.advice)} [{error.reason}]{detail}"}, err=True)
    click.echo(_("The drill ended early. Repeat the command to continue it; what is read already is not read again."), err=True)


def _progress(drill: Drill) -> Callable[[Drill], None]:
    """Return a function that prints a line on standard error for each tenth that is read."""
    said = (drill.read + drill.refused) * 10 // drill.drawn

    def told(now: Drill) -> None:
        nonlocal said
        if (tenths := (now.read + now.refused) * 10 // now.drawn) > said:
            said = tenths
            figures = {"read": output.number(now.read), "drawn": output.number(now.drawn), "bad": output.number(now.bad)}
            click.echo(_("%(read)s of %(drawn)s read, %(bad)s damaged or missing.") % figures, err=True)

    return told
