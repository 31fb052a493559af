"""The result of a run as text and as an exit code."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from rokuon.actions import unnamed_calls
from rokuon.base.i18n import _
from rokuon.cli.main import FINISHED_WITH_FAILURES, OK
from rokuon.cli.support import next_steps, output
from rokuon.completeness import unknown
from rokuon.completeness.headline import Headline, headline
from rokuon.completeness.lacks import Lacks
from rokuon.completeness.of_run import facts_of_run
from rokuon.completeness.unknown import Unknown
from rokuon.domain.failures import by_reason
from rokuon.domain.ports import TimeRange
from rokuon.ledger import failures, read
from rokuon.ledger.models import Copy, Hold, Run
from rokuon.ledger.read import RunProgress
from rokuon.ledger.sql import ms
from rokuon.ledger.unnamed import REASON
from rokuon.org.models import Bucket, Company, Target

from .follow import FollowResult, View


def exit_code(progress: RunProgress) -> int:
    """Return 0 only if every listed recording is verified, excluded by choice, or failed or gone and closed by a person, if every day of
    the run was listed from end to end, and if each recorded call lists its recording or was closed by a person."""
    run, total = progress.run, progress.total
    if run.state != Run.State.FINISHED or progress.open or total.pending or progress.unlisted or progress.unnamed:
        return FINISHED_WITH_FAILURES
    return FINISHED_WITH_FAILURES if _not_known(run) else OK


def _not_known(run: Run) -> Unknown:
    """Return what is not known of the run's targets and days."""
    targets = Target.objects.filter(pk__in=run.targets).select_related("office")
    return unknown.find_unknown(run.company, targets, datetime.now(UTC), TimeRange(ms(run.since), ms(run.until)))


def conclude(end: FollowResult, view: View, zone: str, *, quiet: bool) -> int:
    progress = view.progress
    code = exit_code(progress)
    if quiet:
        return code
    show_counts(progress)
    output.say(output.answer(_answer(progress)))
    for hold in view.holds:
        say_hold(hold, zone)
    explained = _explained(progress.run)
    failed, gone = progress.total.failed - explained[Copy.State.FAILED], progress.total.gone - explained[Copy.State.GONE]
    for sentence in (*next_steps.failed(failed), *next_steps.gone(gone), *next_steps.closed(explained.total())):
        output.say(sentence)
    told = {"run": progress.run.pk}
    if end is FollowResult.PAUSED:
        output.say(_("The run %(run)d is paused. Resume it with `rokuon runs --resume %(run)d`, or start the same backup again.") % told)
        return code
    if end is FollowResult.POSTPONED:
        _say_unlisted(progress, zone)
        output.say(_("The run %(run)d is kept: a worker tries again automatically, and so does the next `rokuon backup-now`.") % told)
        return code
    if end is FollowResult.HELD:
        output.say(_("The run %(run)d waits, and resumes automatically when the cause is gone and a worker runs.") % told)
        return code
    if progress.run.state == Run.State.CANCELLED:
        output.say(_("The run was cancelled. The next one takes the rest."))
        return code
    _say_result(progress, zone, code)
    return code


def _explained(run: Run) -> Counter[str]:
    """Count the run's failed and gone recordings that a person has closed, by state."""
    found: Counter[str] = Counter()
    for (state, _reason), copies in failures.explained(run.company_id, run.targets, run.since, run.until).items():
        found[state] += copies
    return found


def show_counts(progress: RunProgress) -> None:
    """Show the counts by state, per target and in total."""
    names = output.labels(Target.objects.filter(pk__in=progress.run.targets).select_related("office"))
    rows = [
        [name, *output.counts_cells(progress.targets.get(pk, read.Counts()))]
        for pk, name in sorted(names.items(), key=lambda item: item[1])
    ]
    output.table([_("Target"), *output.counts_headings()], [*rows, [_("Total"), *output.counts_cells(progress.total)]], right=range(1, 8))


def held(hold: Hold) -> str:
    """Return the name of what a hold stops."""
    if hold.on == Hold.On.KIND:
        return _("recordings of the kind %(kind)s") % {"kind": hold.ref}
    if hold.on == Hold.On.BUCKET:
        return str(Bucket.objects.values_list("url", flat=True).get(pk=int(hold.ref)))
    return "Dialpad"


def say_hold(hold: Hold, zone: str) -> None:
    """Print the hold on standard output, because it is part of the result."""
    output.say(
        _("On hold since %(since)s: %(what)s. %(advice)s [%(reason)s]")
        % {"since": output.moment(hold.since, zone), "what": held(hold), "advice": _(by_reason(hold.reason).advice), "reason": hold.reason}
    )


def _say_result(progress: RunProgress, zone: str, code: int) -> None:
    total = progress.total
    for sentence in next_steps.waiting(total.pending):
        output.say(sentence)
    if total.excluded:
        output.say(_("Excluded by rule or choice, such as voicemail: %(recordings)s.") % {"recordings": output.recordings(total.excluded)})
    _say_unlisted(progress, zone)
    if code != OK:
        for sentence in next_steps.not_known(_not_known(progress.run)):
            output.say(sentence)
    say_unnamed(progress.run.company, progress.unnamed)


def say_unnamed(company: Company, calls: int) -> None:
    """Print the number of recorded calls without a listed recording, the known cause, and how to list them."""
    if calls:
        output.say(
            _("Recorded, but nothing to fetch: %(calls)s. %(advice)s `rokuon failures --reason %(reason)s --list` names them.")
            % {"calls": output.calls(calls), "advice": unnamed_calls.advice(company), "reason": REASON}
        )


def _answer(progress: RunProgress) -> Headline:
    """Return the headline about the run's recordings. What is not known of the whole company counts: nothing says "all" meanwhile."""
    company, now = progress.run.company, datetime.now(UTC)
    everywhere = list(company.targets.select_related("office"))
    mine = [target for target in everywhere if target.pk in progress.run.targets]
    facts = facts_of_run(company, progress, mine, now)
    return headline(replace(facts, lacks=Lacks.of(unknown.find_unknown(company, everywhere, now))))


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
