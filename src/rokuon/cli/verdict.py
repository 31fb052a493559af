"""What a run came to: in words, and as an exit code."""

import click

from rokuon.domain.failures import by_reason
from rokuon.ledger import read
from rokuon.ledger.models import Hold, Run
from rokuon.ledger.read import RunProgress
from rokuon.ops.i18n import _, ngettext
from rokuon.org.models import Bucket, Target

from . import output
from .follow import End, View
from .main import FINISHED_WITH_FAILURES, OK


def exit_code(progress: RunProgress) -> int:
    """0 only where everything that was listed is verified, gone at Dialpad, or excluded by choice, and everything was listed."""
    total = progress.total
    unfinished = progress.run.state != Run.State.FINISHED
    return FINISHED_WITH_FAILURES if unfinished or total.failed or total.pending or progress.unlisted or progress.malformed else OK


def conclude(end: End, view: View, zone: str, *, quiet: bool) -> int:
    progress = view.progress
    code = exit_code(progress)
    if quiet:
        return code
    show_counts(progress)
    for hold in view.holds:
        say_hold(hold, zone)
    if end is End.PAUSED:
        click.echo(
            _("The run %(run)d is paused. Let it go on with `rokuon runs --resume %(run)d`, or start the same backup again.")
            % {"run": progress.run.pk},
            err=True,
        )
        return code
    if end is End.POSTPONED:
        _say_unlisted(progress, zone)
        click.echo(
            _("The run %(run)d is kept: a worker tries again by itself, and so does the next `rokuon backup-now`.")
            % {"run": progress.run.pk},
            err=True,
        )
        return code
    if end is End.HELD:
        click.echo(
            _("The run %(run)d waits, and goes on by itself when the cause is gone and a worker runs.") % {"run": progress.run.pk}, err=True
        )
        return code
    _say_result(progress, zone, code)
    return code


def show_counts(progress: RunProgress) -> None:
    """Per target and in total, the identity of the states."""
    names = output.labels(Target.objects.filter(pk__in=progress.run.targets).select_related("office"))
    rows = [
        [name, *output.counts_cells(progress.targets.get(pk, read.Counts()))]
        for pk, name in sorted(names.items(), key=lambda item: item[1])
    ]
    output.table([_("Target"), *output.counts_headings()], [*rows, [_("Total"), *output.counts_cells(progress.total)]], right=range(1, 8))


def held(hold: Hold) -> str:
    """What a hold stops, by name."""
    if hold.on == Hold.On.KIND:
        return _("recordings of the kind %(kind)s") % {"kind": hold.ref}
    if hold.on == Hold.On.BUCKET:
        return str(Bucket.objects.values_list("url", flat=True).get(pk=int(hold.ref)))
    return "Dialpad"


def say_hold(hold: Hold, zone: str) -> None:
    click.echo(
        _("Held since %(since)s: %(what)s. %(advice)s [%(reason)s]")
        % {"since": output.moment(hold.since, zone), "what": held(hold), "advice": _(by_reason(hold.reason).advice), "reason": hold.reason},
        err=True,
    )


def _say_result(progress: RunProgress, zone: str, code: int) -> None:
    total = progress.total
    if progress.run.state == Run.State.CANCELLED:
        output.say(_("The run was cancelled. The next one takes the rest."))
        return
    if code == OK:
        output.say(
            ngettext(
                "Done: %(count)s recording is in the bucket and verified.",
                "Done: all %(count)s recordings are in the bucket and verified.",
                total.verified,
            )
            % {"count": output.number(total.verified)}
        )
    if total.failed:
        output.say(
            _("Failed: %(recordings)s. `rokuon failures` says why and what to do.") % {"recordings": output.recordings(total.failed)}
        )
    if total.pending:
        output.say(
            _("Waiting for another try: %(recordings)s. A worker tries again by itself.") % {"recordings": output.recordings(total.pending)}
        )
    if total.excluded:
        output.say(_("Excluded by rule or choice, such as voicemail: %(recordings)s.") % {"recordings": output.recordings(total.excluded)})
    if total.gone:
        output.say(_("No longer at Dialpad: %(recordings)s.") % {"recordings": output.recordings(total.gone)})
    _say_unlisted(progress, zone)
    if progress.malformed:
        output.say(_("Dialpad listed %(count)d entries that could not be read; they are not backed up.") % {"count": progress.malformed})
    missing = sum(count for target, count in read.details_missing(progress.run.company_id).items() if target in progress.run.targets)
    if missing:
        output.say(_("Recorded, but nothing to fetch: %(count)d calls. The key may lack the scope recordings_export.") % {"count": missing})


def _say_unlisted(progress: RunProgress, zone: str) -> None:
    for window in read.failing_windows(progress.run.pk):
        output.say(
            _("Not listed: %(after)s to %(before)s. %(advice)s [%(reason)s]")
            % {
                "after": output.moment(window.after, zone),
                "before": output.moment(window.before, zone),
                "advice": _(by_reason(window.reason).advice),
                "reason": window.reason,
            }
        )
