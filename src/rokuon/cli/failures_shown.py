"""What `rokuon failures` shows: causes with what to do, and apart from them what is no work for anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rokuon.ledger import desk, tally
from rokuon.ledger.desk import Cause
from rokuon.ledger.models import Copy
from rokuon.ledger.reasons import in_words
from rokuon.ops.i18n import _, ngettext
from rokuon.org.models import Company, Target
from rokuon.org.tree import zone_of

from . import output

MOST_TARGETS = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """`waiting` failed and are tried again by themselves, `excluded` are not to be backed up. `names` are the targets', by key."""

    causes: Sequence[Cause]
    waiting: Sequence[tally.Cause]
    excluded: Sequence[tally.Cause]
    targets: dict[int, Target]

    @property
    def failed(self) -> list[Cause]:
        return [one for one in self.causes if one.left and one.state == Copy.State.FAILED]

    @property
    def gone(self) -> list[Cause]:
        return [one for one in self.causes if one.left and one.state == Copy.State.GONE]

    @property
    def closed(self) -> list[Cause]:
        return [one for one in self.causes if not one.left]


def look(company: Company, targets: Sequence[int] | None, reason: str | None) -> Shown:
    """How the company's failures stand, within these targets, of one reason where it is named."""
    causes = [one for one in desk.causes(company.pk, targets) if reason in (None, one.reason)]
    others = [one for one in tally.causes(company.pk, targets) if one.reason and reason in (None, one.reason)]
    hit = {pk for one in causes for pk, _copies in one.targets}
    return Shown(
        causes,
        [one for one in others if one.state == Copy.State.PENDING],
        [one for one in others if one.state == Copy.State.EXCLUDED],
        {one.pk: one for one in Target.objects.filter(pk__in=hit).select_related("office")},
    )


def groups(shown: Shown, zone: str, *, as_json: bool) -> None:
    if as_json:
        output.write_json(_data(shown))
        return
    left = sum(one.left for one in shown.failed)
    if left:
        output.say(
            ngettext("%(recordings)s failed, by %(causes)d cause.", "%(recordings)s failed, by %(causes)d causes.", len(shown.failed))
            % {"recordings": output.recordings(left), "causes": len(shown.failed)}
        )
    else:
        output.say(_("Nothing failed."))
    for one in shown.failed:
        _say(shown, one, zone)
    _part(_("Waiting for another try; Rokuon does it by itself"), [_line(one) for one in shown.waiting])
    if shown.gone:
        output.say(f"\n{_('No longer at Dialpad')}")
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


def _line(one: tally.Cause) -> str:
    return f"{output.recordings(one.copies)}: {in_words(one.reason)} [{one.reason}]"


def _say(shown: Shown, one: Cause, zone: str) -> None:
    output.say(
        "\n"
        + _("%(recordings)s of %(targets)d targets  [%(reason)s]")
        % {"recordings": output.recordings(one.left), "targets": len(one.targets), "reason": one.reason}
    )
    output.say(f"  {in_words(one.reason)}")
    if one.closed:
        output.say("  " + _("Closed besides: %(recordings)s.") % {"recordings": output.recordings(one.closed)})
    names = output.labels(shown.targets.values())
    worst = [f"{names[pk]} ({output.number(copies)})" for pk, copies in one.targets[:MOST_TARGETS]]
    if len(one.targets) > MOST_TARGETS:
        worst.append(_("and %(count)d more targets") % {"count": len(one.targets) - MOST_TARGETS})
    output.say(f"  {_(', ').join(worst)}")
    times = {"first": output.moment(one.first_call, zone), "last": output.moment(one.last_call, zone)}
    output.say("  " + _("Calls from %(first)s to %(last)s") % times)
    times = {"first": output.moment(one.first_at, zone), "last": output.moment(one.last_at, zone)}
    output.say("  " + _("So since %(first)s, the latest at %(last)s") % times)
    output.say(f"  rokuon retry --reason {one.reason}{' --gone' if one.state == Copy.State.GONE else ''}")


def _data(shown: Shown) -> dict[str, Any]:
    return {
        "failed": [_cause(shown, one) for one in shown.failed],
        "gone": [_cause(shown, one) for one in shown.gone],
        "closed": [_cause(shown, one) for one in shown.closed],
        "waiting": [_other(one) for one in shown.waiting],
        "excluded": [_other(one) for one in shown.excluded],
    }


def _cause(shown: Shown, one: Cause) -> dict[str, Any]:
    return {
        "state": one.state,
        "reason": one.reason,
        "advice": in_words(one.reason),
        "recordings": one.copies,
        "closed": one.closed,
        "targets": [
            {
                "kind": shown.targets[pk].kind,
                "id": shown.targets[pk].dialpad_id,
                "name": shown.targets[pk].name,
                "office": shown.targets[pk].office.name,
                "recordings": copies,
            }
            for pk, copies in one.targets
        ],
        "first_call": one.first_call,
        "last_call": one.last_call,
        "first_at": one.first_at,
        "last_at": one.last_at,
    }


def _other(one: tally.Cause) -> dict[str, Any]:
    return {
        "state": one.state,
        "reason": one.reason,
        "advice": in_words(one.reason),
        "recordings": one.copies,
        "targets": one.targets,
        "first_day": one.first_day.isoformat(),
        "last_day": one.last_day.isoformat(),
    }


def recordings(copies: Sequence[Copy], limit: int, *, as_json: bool) -> None:
    """The first `limit` of copies; more of them mean that there is more."""
    shown = copies[:limit]
    if as_json:
        output.write_json([_copy(copy) for copy in shown])
        return
    if not shown:
        output.say(_("Nothing failed."))
        return
    output.table(
        ["ID", _("State"), _("Office"), _("Target"), _("Call"), _("Call id"), _("Cause"), _("Closed")],
        [
            [
                str(copy.pk),
                _state(copy.state),
                copy.target.office.name,
                copy.target.name,
                output.moment(copy.call_started_at, zone_of(copy.target)),
                copy.recording.call_id,
                f"{copy.reason} {copy.detail}".strip(),
                _note(copy),
            ]
            for copy in shown
        ],
        right=[0],
    )
    if len(copies) > limit:
        output.say(_("There are more: raise --limit."))


def _state(state: str) -> str:
    return {"failed": _("Failed"), "gone": _("Gone")}[state]


def _note(copy: Copy) -> str:
    closing = desk.closing(copy)
    return closing.note if closing is not None else ""


def _copy(copy: Copy) -> dict[str, Any]:
    closing = desk.closing(copy)
    closed: dict[str, str | datetime] | None = None
    if closing is not None:
        closed = {"note": closing.note, "by": closing.by, "at": closing.at}
    return {
        "id": copy.pk,
        "state": copy.state,
        "reason": copy.reason,
        "detail": copy.detail,
        "office": copy.target.office.name,
        "target": copy.target.name,
        "target_id": copy.target.dialpad_id,
        "call_started_at": copy.call_started_at,
        "call_id": copy.recording.call_id,
        "recording_id": copy.recording.recording_id,
        "kind": copy.recording.kind,
        "tries": copy.tries,
        "changed_at": copy.changed_at,
        "closed": closed,
    }
