"""Display of `rokuon failures`: causes with advice, and separately what needs no work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output
from rokuon.completeness.headline import Headline
from rokuon.ledger import failures, next_try, tally
from rokuon.ledger.failures import FailureCause
from rokuon.ledger.models import Copy
from rokuon.ledger.next_try import QUEUED, WaitingCause
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Company, Target

from . import not_known, unnamed_display
from .not_known import NotKnown
from .unnamed_display import UnnamedList

MOST_TARGETS = 5


@dataclass(frozen=True, slots=True)
class FailureList:
    """`waiting` are tried automatically, `excluded` are not to be backed up. `targets` are the targets, by key."""

    causes: Sequence[FailureCause]
    waiting: Sequence[WaitingCause]
    unnamed: UnnamedList
    excluded: Sequence[tally.StateCount]
    targets: dict[int, Target]

    @property
    def failed(self) -> list[FailureCause]:
        return [one for one in self.causes if one.left and one.state == Copy.State.FAILED]

    @property
    def gone(self) -> list[FailureCause]:
        return [one for one in self.causes if one.left and one.state == Copy.State.GONE]

    @property
    def closed(self) -> list[FailureCause]:
        return [one for one in self.causes if not one.left]


def load_failures(company: Company, targets: Sequence[int] | None, reason: str | None) -> FailureList:
    """Load what is not backed up within these targets; only of `reason` if given."""
    causes = [one for one in failures.causes(company.pk, targets) if reason in (None, one.reason)]
    waits = [one for one in next_try.causes(company.pk, targets) if reason in (None, one.reason)]
    excluded = [one for one in tally.causes(company.pk, targets) if one.state == Copy.State.EXCLUDED and reason in (None, one.reason)]
    hit = {pk for one in causes for pk, _copies in one.targets} | {pk for one in waits for pk, _copies in one.targets}
    return FailureList(
        causes,
        waits,
        unnamed_display.load_unnamed(company, targets, reason),
        excluded,
        {one.pk: one for one in Target.objects.filter(pk__in=hit).select_related("office")},
    )


def groups(shown: FailureList, unknown: NotKnown, zone: str, answer: Headline | None, *, as_json: bool) -> None:
    """Show the causes below the headline `answer`, if there is one."""
    if as_json:
        output.write_json({**_data(shown), **not_known.data(unknown)})
        return
    if answer is not None:
        output.say(output.answer(answer))
    elif not (shown.causes or shown.waiting or shown.excluded or shown.unnamed.calls or unknown):
        output.say(_("No recordings are left for this cause."))
    for one in shown.failed:
        _say(shown, one, zone)
    not_known.show(unknown, zone)
    unnamed_display.say(shown.unnamed)
    if shown.waiting:
        output.say(f"\n{_('Waiting; Rokuon tries these again automatically')}")
    for waits in shown.waiting:
        _say_waiting(shown, waits, zone)
    if shown.gone:
        output.say(f"\n{output.state_word('gone')}")
    for one in shown.gone:
        _say(shown, one, zone)
    _part(
        _("Closed: explained by a person"),
        [f"{output.recordings(one.copies)}: {in_words(one.reason)} [{one.reason}]" for one in shown.closed],
    )
    _part(_("Excluded by rule; no failures"), [_line(one) for one in shown.excluded])


def _part(heading: str, lines: Sequence[str]) -> None:
    if lines:
        output.say(f"\n{heading}")
    for line in lines:
        output.say(f"  {line}")


def _line(one: tally.StateCount) -> str:
    return f"{output.recordings(one.copies)}: {in_words(one.reason)} [{one.reason}]"


def _say(shown: FailureList, one: FailureCause, zone: str) -> None:
    _say_heading(one.left, one)
    output.say(f"  {in_words(one.reason)}")
    if one.closed:
        output.say("  " + _("Also closed: %(recordings)s.") % {"recordings": output.recordings(one.closed)})
    if one.kept:
        output.say("  " + _("Kept aside, to be accepted or discarded: %(recordings)s") % {"recordings": output.recordings(one.kept)})
    _say_where(shown, one, zone)
    times = {"first": output.moment(one.first_at, zone), "last": output.moment(one.last_at, zone)}
    output.say("  " + _("So since %(first)s, the latest at %(last)s") % times)
    output.say(f"  rokuon retry --reason {one.reason}{' --gone' if one.state == Copy.State.GONE else ''}")


def _say_heading(copies: int, one: FailureCause | WaitingCause) -> None:
    output.say(
        "\n"
        + ngettext(
            "%(recordings)s of %(targets)d target  [%(reason)s]", "%(recordings)s of %(targets)d targets  [%(reason)s]", len(one.targets)
        )
        % {"recordings": output.recordings(copies), "targets": len(one.targets), "reason": one.reason}
    )


def _say_where(shown: FailureList, one: FailureCause | WaitingCause, zone: str) -> None:
    names = output.labels(shown.targets.values())
    worst = [f"{names[pk]} ({output.number(copies)})" for pk, copies in one.targets[:MOST_TARGETS]]
    if (more := len(one.targets) - MOST_TARGETS) > 0:
        worst.append(ngettext("and %(count)d more target", "and %(count)d more targets", more) % {"count": more})
    output.say(f"  {_(', ').join(worst)}")
    times = {"first": output.moment(one.first_call, zone), "last": output.moment(one.last_call, zone)}
    output.say("  " + _("Calls from %(first)s to %(last)s") % times)


def _say_waiting(shown: FailureList, one: WaitingCause, zone: str) -> None:
    _say_heading(one.copies, one)
    output.say(f"  {in_words(one.reason)}")
    _say_where(shown, one, zone)
    if one.next_at is not None:
        output.say("  " + _("Next try at %(at)s") % {"at": output.moment(one.next_at, zone)})
    if one.held:
        output.say("  " + _("On hold, see `rokuon status`: %(recordings)s") % {"recordings": output.recordings(one.held)})
    if one.paused:
        output.say("  " + _("Of a paused run, see `rokuon runs`: %(recordings)s") % {"recordings": output.recordings(one.paused)})
    if one.reason == QUEUED:
        output.say(f"  rokuon failures --reason {QUEUED} --list")
    else:
        output.say(f"  rokuon retry --reason {one.reason}")


def _data(shown: FailureList) -> dict[str, Any]:
    return {
        "failed": [_cause(shown, one) for one in shown.failed],
        "gone": [_cause(shown, one) for one in shown.gone],
        "closed": [_cause(shown, one) for one in shown.closed],
        "waiting": [_waits(shown, one) for one in shown.waiting],
        "nothing_to_fetch": unnamed_display.data(shown.unnamed),
        "excluded": [_other(one) for one in shown.excluded],
    }


def _cause(shown: FailureList, one: FailureCause) -> dict[str, Any]:
    return {
        "state": one.state,
        "reason": one.reason,
        "advice": in_words(one.reason),
        "recordings": one.copies,
        "closed": one.closed,
        "kept_aside": one.kept,
        "targets": _targets(shown, one.targets),
        "first_call": one.first_call,
        "last_call": one.last_call,
        "first_at": one.first_at,
        "last_at": one.last_at,
    }


def _waits(shown: FailureList, one: WaitingCause) -> dict[str, Any]:
    return {
        "state": Copy.State.PENDING.value,
        "reason": one.reason,
        "advice": in_words(one.reason),
        "recordings": one.copies,
        "held": one.held,
        "paused": one.paused,
        "next_try": one.next_at,
        "targets": _targets(shown, one.targets),
        "first_call": one.first_call,
        "last_call": one.last_call,
    }


def _targets(shown: FailureList, hit: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        {
            "kind": shown.targets[pk].kind,
            "id": shown.targets[pk].dialpad_id,
            "name": shown.targets[pk].name,
            "office": shown.targets[pk].office.name,
            "recordings": copies,
        }
        for pk, copies in hit
    ]


def _other(one: tally.StateCount) -> dict[str, Any]:
    return {
        "state": one.state,
        "reason": one.reason,
        "advice": in_words(one.reason),
        "recordings": one.copies,
        "targets": one.targets,
        "first_day": one.first_day.isoformat(),
        "last_day": one.last_day.isoformat(),
    }
