"""`rokuon status`: show what is backed up, what waits, and why."""

from datetime import datetime
from typing import Any

import click

from rokuon.base.i18n import _, ngettext
from rokuon.completeness import outside, unknown
from rokuon.completeness.headline import Headline, HeadlineFacts, facts_of, headline
from rokuon.completeness.outside import Outside
from rokuon.completeness.unknown import Unknown
from rokuon.jobs import queue
from rokuon.ledger import expiry, holds, proofs, read
from rokuon.ledger.expiry import Expiring
from rokuon.ledger.models import Run
from rokuon.ledger.overview import weaker_proofs
from rokuon.ledger.read import Counts
from rokuon.ledger.runs import OPEN
from rokuon.org import budget
from rokuon.org.models import Company, Target
from rokuon.wiring import budget_text

from .backup.follow import look, summary
from .backup.result import say_hold, say_unnamed
from .main import FINISHED_WITH_FAILURES, OK
from .support import next_steps, output, selectors
from .support.commands import Command
from .support.ensure_worker import EnsuredWorker
from .support.session import CliSession, opened

MOST_LINES = 100
"""The JSON names so many lines outside every rule, those with the most recordings."""


@click.command(
    cls=Command, help=_("Show what is backed up, per target and in total, what waits, and why. Discovered is always the sum of the states.")
)
@selectors.company_option
@selectors.json_option
def status_command(company_name: str | None, as_json: bool) -> int:
    with opened() as session:
        company = selectors.company(company_name)
        targets = list(company.targets.select_related("office"))
        missing = unknown.find_unknown(company, targets, session.now())
        facts = facts_of(company, targets, session.now(), unknown=missing)
        said = headline(facts)
        if as_json:
            output.write_json(_data(company, facts, missing, said, session.now()))
        else:
            _show(session, company, facts, missing, said)
        return FINISHED_WITH_FAILURES if said.wrong else OK


def _show(session: CliSession, company: Company, facts: HeadlineFacts, unlisted: Unknown, said: Headline) -> None:
    zone = session.zone_of(company)
    by_target = read.counts_by_target(company.pk)
    missing = read.details_missing(company.pk)
    total = sum(by_target.values(), Counts())
    for sentence in _answer(company, total, said):
        output.say(sentence)
    shown = [
        target
        for target in company.targets.select_related("office").order_by("office__name", "name")
        if target.backed_up or target.pk in by_target
    ]
    output.table(
        [_("Office"), _("Target"), _("Rule"), *output.counts_headings(), output.state_word("unnamed"), output.state_word("unlisted")],
        [
            *[
                [
                    target.office.name,
                    target.name,
                    _("enabled") if target.backed_up else _("off"),
                    *output.counts_cells(by_target.get(target.pk, Counts())),
                    output.number(missing.get(target.pk, 0)),
                    _not_listed(unlisted, target.pk),
                ]
                for target in shown
            ],
            [_("Total"), "", "", *output.counts_cells(total), output.number(sum(missing.values())), ""],
        ],
        right=range(3, 12),
    )
    for sentence in (*next_steps.failed(facts.failed), *next_steps.gone(facts.gone), *next_steps.not_known(facts.lacks)):
        output.say(sentence)
    say_unnamed(company, sum(missing.values()))
    for sentence in _outside(company, session.now()):
        output.say(sentence)
    for _proof, sentence in proofs.weaker(weaker_proofs([target.pk for target in shown])):
        output.say(sentence)
    _say_expiring(company, session.now(), zone)
    for hold in holds.open_holds(company.pk):
        say_hold(hold, zone)
    for run in Run.objects.filter(company=company, purpose=Run.Purpose.BACK_UP_NOW, state__in=OPEN):
        told = {
            "run": run.pk,
            "scope": selectors.scope_name(run),
            "summary": summary(look(run.pk)),
        }
        if run.state == Run.State.PAUSED:
            output.say(_("Run %(run)d (%(scope)s) is paused: %(summary)s") % told)
        else:
            output.say(_("Run %(run)d (%(scope)s): %(summary)s") % told)
    standing = budget.budget_state(company.pk)
    for line in (budget_text.pause(standing, lambda when: output.moment(when, zone)), budget_text.lowered(standing)):
        if line:
            output.say(line)
    workers = queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S)
    output.say(
        _("Workers: %(workers)d. Request budget: %(rate)s requests/s.")
        % {"workers": workers, "rate": f"{company.requests_per_second.normalize():f}"}
    )
    if not workers:
        output.say(_("No worker is running. Start one with `rokuon worker`."))


def _answer(company: Company, total: Counts, said: Headline) -> list[str]:
    if not company.enabled:
        return [_("Backup is not enabled for %(name)s. Enable it with `rokuon settings set --enable`.") % {"name": company.name}]
    if not total.discovered:
        return [_("%(sentence)s.") % {"sentence": said.sentence}, *said.added, _("Start with `rokuon backup-now`.")]
    return [_("%(sentence)s.") % {"sentence": said.sentence}, *said.added]


def _outside(company: Company, now: datetime) -> list[str]:
    """Return what is said of recorded calls outside every rule; nothing while no rule is in effect."""
    if not company.enabled or not company.targets.filter(backed_up=True).exists():
        return []
    found = outside.of_past(company, now)
    return [outside.said(found), *(f"  {kind}" for kind in outside.kinds_said(found.kinds))]


def _outside_json(found: Outside) -> dict[str, Any]:
    return {
        "days": found.days,
        "known_days": found.known.days,
        "first_day": found.known.first,
        "last_day": found.known.last,
        "calls": found.calls,
        "recordings": found.recordings,
        "unreadable": found.unread,
        "kinds": [{"kind": one.kind, "lines": one.lines, "calls": one.calls, "recordings": one.recordings} for one in found.kinds],
        "lines": [
            {
                "kind": one.kind,
                "id": one.id,
                "name": one.name,
                "office": one.office.name if one.office is not None else None,
                "calls": one.calls,
                "recordings": one.recordings,
            }
            for one in found.lines[:MOST_LINES]
        ],
        "more_lines": max(0, len(found.lines) - MOST_LINES),
    }


def _not_listed(unknown: Unknown, target: int) -> str:
    """Return, as text, how many days of the target are not listed from end to end."""
    if unknown.never_listed(target):
        return _("never listed")
    days = unknown.days.get(target, 0)
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": output.number(days)}


def _left(company: Company, now: datetime) -> Expiring | None:
    """Return what leaves the access window, over all targets; None if the company has none."""
    if company.access_window_days is None:
        return None
    found = expiry.expiring(company.pk, company.access_window_days, now).values()
    first = min((one.first_deadline for one in found if one.first_deadline is not None), default=None)
    return Expiring(sum(one.expiring for one in found), sum(one.expired for one in found), first)


def _say_expiring(company: Company, now: datetime, zone: str) -> None:
    left = _left(company, now)
    if left is not None and left.expiring:
        output.say(
            ngettext(
                "%(count)s recording that is not backed up becomes unreachable at Dialpad in the next 7 days, at %(first)s.",
                "%(count)s recordings that are not backed up become unreachable at Dialpad in the next 7 days, the first at %(first)s.",
                left.expiring,
            )
            % {"count": output.number(left.expiring), "first": output.moment(left.first_deadline, zone)}
        )
    if left is not None and left.expired:
        output.say(
            ngettext(
                "%(count)s recording that is not backed up is past that time: it is tried last, and Dialpad may refuse it.",
                "%(count)s recordings that are not backed up are past that time: they are tried last, and Dialpad may refuse them.",
                left.expired,
            )
            % {"count": output.number(left.expired)}
        )


def _left_json(left: Expiring | None, days: int | None) -> dict[str, Any] | None:
    if left is None:
        return None
    return {"days": days, "expiring": left.expiring, "expired": left.expired, "first_deadline": left.first_deadline}


def budget_json(company: Company) -> dict[str, Any]:
    standing = budget.budget_state(company.pk)
    return {
        "requests_per_second_now": round(standing.rate, 2),
        "paused_until": standing.paused_until if standing.asked_until else None,
        "pause_asked_until": standing.asked_until,
    }


def _data(company: Company, facts: HeadlineFacts, unlisted: Unknown, said: Headline, now: datetime) -> dict[str, Any]:
    by_target = read.counts_by_target(company.pk)
    missing = read.details_missing(company.pk)
    return {
        "company": company.name,
        "id": company.dialpad_id,
        "enabled": company.enabled,
        "severity": said.severity,
        "headline": said.sentence,
        "complete": not (said.wrong or facts.counts.pending),
        "complete_of": {
            name: company.targets.filter(kind=kind, backed_up=True).count()
            for name, kind in (("contact_centers", Target.Kind.CONTACT_CENTER), ("coaching_teams", Target.Kind.COACHING_TEAM))
        },
        "outside": _outside_json(outside.of_past(company, now)),
        "unlisted_days": facts.lacks.days,
        "never_listed": facts.lacks.never,
        "unreadable": facts.lacks.unreadable,
        "total": output.counts_json(sum(by_target.values(), Counts())),
        "targets": [
            {
                "id": target.dialpad_id,
                "kind": target.kind,
                "name": target.name,
                "rule": target.backed_up,
                "folder": target.folder or None,
                **output.counts_json(by_target.get(target.pk, Counts())),
                "nothing_to_fetch": missing.get(target.pk, 0),
                "unlisted_days": unlisted.days.get(target.pk, 0),
                "never_listed": unlisted.never_listed(target.pk),
            }
            for target in company.targets.order_by("name", "pk")
            if target.backed_up or target.pk in by_target
        ],
        "weaker_proofs": weaker_proofs([target.pk for target in company.targets.all()]),
        "access_window": _left_json(_left(company, now), company.access_window_days),
        "holds": [
            {"on": hold.on, "ref": hold.ref, "reason": hold.reason, "since": hold.since, "next_probe": hold.probe_at}
            for hold in holds.open_holds(company.pk)
        ],
        "running": list(
            Run.objects.filter(company=company, purpose=Run.Purpose.BACK_UP_NOW, state=Run.State.RUNNING).values_list("pk", flat=True)
        ),
        "paused": sorted(read.paused_runs(company.pk)),
        "workers": queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S),
        "requests_per_second": float(company.requests_per_second),
        **budget_json(company),
    }
