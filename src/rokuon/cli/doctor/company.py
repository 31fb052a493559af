"""Checks of each company: its key, holds, gaps in the listings, events and buckets."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db.models import Max, Min

from rokuon.actions import buckets, companies
from rokuon.base.i18n import _, ngettext
from rokuon.cli.backup.result import held
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.completeness.headline import of_company
from rokuon.domain.clocks import MOST_APART
from rokuon.domain.failures import RokuonError
from rokuon.ledger import holds
from rokuon.ledger.models import Run
from rokuon.ledger.runs import OPEN
from rokuon.org import budget, ranges
from rokuon.org.models import Bucket, Company, Target
from rokuon.org.odd_zones import odd_zones
from rokuon.org.odd_zones import todo as zones_todo
from rokuon.stores.registry import kind_of
from rokuon.stores.verification import Advice
from rokuon.wiring import bucket_overlap, budget_text, key_report_text, range_text
from rokuon.wiring.connections import store_settings

from .check import Check, Level
from .clocks import CLOCK_OFF_S
from .events import event_checks
from .inventories import inventory_checks
from .machine import space
from .seals import seal_checks

MOST_ZONES = 10
SWEEPS_LATE, SWEEPS_MISSING = timedelta(hours=2), timedelta(hours=24)
"""The shortest sweep begins every ten minutes; a long one beside a large Back up now may take an hour and more."""


def company_checks(session: CliSession) -> Iterator[Check]:
    known = list(Company.objects.order_by("name", "pk"))
    if not known:
        yield Check(_("Company"), Level.WARNING, _("none yet"), _("Add one with `rokuon company add`."))
    for company in known:
        yield from _key(session, company)
        yield from _budget(session, company)
        for hold in holds.open_holds(company.pk):
            yield Check(
                f"{company.name}: {_('hold')}",
                Level.PROBLEM,
                f"{held(hold)} [{hold.reason}]",
                _("`rokuon status` says why and what to do."),
            )
        yield from _backup(session, company)
        for one in ranges.ignored(company.pk):
            seen = output.moment(one.last_seen_at, session.zone_of(company))
            says = f"{range_text.says(one)} ({seen}). {range_text.consequence()}"
            yield Check(f"{company.name}: {_('list of calls')}", Level.WARNING, says, range_text.todo())
        for odd in odd_zones(company)[:MOST_ZONES]:
            yield Check(f"{company.name}: {_('time zone')}", Level.WARNING, str(odd), zones_todo())
        if company.api_key:
            yield from event_checks(session, company)
        for bucket in company.buckets.order_by("url"):
            yield from _bucket(session, bucket)
        yield from seal_checks(session, company)
        yield from inventory_checks(session, company)


def _key(session: CliSession, company: Company) -> Iterator[Check]:
    """Check what the stored key can read, one read after the other, and the difference between our clock and Dialpad's."""
    what = f"{company.name}: Dialpad"
    if pause := budget_text.pause(budget.budget_state(company.pk), lambda when: output.moment(when, session.zone_of(company))):
        yield Check(what, Level.WARNING, pause, _("It was not asked now. Everything resumes automatically after the pause."))
        return
    try:
        report = companies.examine_key(session.config, company.base_url, companies.stored_key(session.installation, company), session.now())
    except RokuonError as error:
        yield Check(what, Level.PROBLEM, error.detail, _("Enter a current key with `rokuon company key`."))
        return
    account = report.account
    if account is None:
        todo = key_report_text.refusal(report, company.base_url)
        failed = [line for line in key_report_text.lines(report.kept()) if line.state == "failed"]
        for line in failed:
            yield Check(f"{what}: {line.what}", Level.PROBLEM, line.says, todo)
        if not failed and report.failure is not None:
            yield Check(what, Level.PROBLEM, f"[{report.failure.reason}] {report.failure.detail}".strip(), todo)
        return
    if account.directory.company.id != company.dialpad_id:
        yield Check(what, Level.PROBLEM, _("the key opens another company"), _("Enter a key of this company with `rokuon company key`."))
    elif account.exports is False:
        yield Check(
            what,
            Level.PROBLEM,
            _("the key works, but recent calls that Dialpad marks as recorded name no recording"),
            _(
                "Look whether the key has the scope recordings_export in Dialpad, and whether these calls can be played there. "
                "`rokuon company key` enters another key."
            ),
        )
    elif account.exports is None:
        yield Check(
            what,
            Level.OK,
            _("the key lists calls; whether it opens recordings shows with the first recorded call"),
        )
    elif account.opens:
        yield Check(
            what,
            Level.PROBLEM,
            _("recorded calls name their recordings, but Dialpad refused to provide one of them [%(reason)s]") % {"reason": account.opens},
            _("Give the key the scope recordings_export in Dialpad, or enter one that has it with `rokuon company key`."),
        )
    elif account.opens is None:
        yield Check(what, Level.OK, _("the key lists calls, and recorded calls name their recordings; none of them could be tried"))
    else:
        yield Check(what, Level.OK, _("the key lists calls, recorded calls name their recordings, and one of them could be downloaded"))
    if account.server_ms is not None:
        off = abs(time.time() - account.server_ms / 1000)
        level = Level.OK if off <= CLOCK_OFF_S else Level.WARNING
        todo = "" if level is Level.OK else _("Set this machine's clock, for example with NTP.")
        yield Check(_("Clock"), level, _("%(seconds).0f s from Dialpad's") % {"seconds": off}, todo)


def _budget(session: CliSession, company: Company) -> Iterator[Check]:
    if lowered := budget_text.lowered(budget.budget_state(company.pk)):
        todo = _("If it stays, lower the request budget, or find out which other integration uses up the limit of 20 requests/s.")
        yield Check(f"{company.name}: {_('requests')}", Level.WARNING, lowered, todo)


def _backup(session: CliSession, company: Company) -> Iterator[Check]:
    """Check whether anything is to be backed up, and up to when recent calls have been checked."""
    what = f"{company.name}: {_('backup')}"
    if not company.enabled:
        yield Check(what, Level.WARNING, _("not enabled"), "rokuon settings set --enable")
        return
    since = Target.objects.filter(company=company, backed_up=True).aggregate(since=Min("backed_up_at"))["since"]
    if not Target.objects.filter(company=company, backed_up=True).exists():
        yield Check(what, Level.WARNING, _("no backup rule is enabled"), "rokuon rule enable --all")
        return
    # Times stored by a clock that was ahead do not show what was checked.
    noted = Run.objects.filter(company=company, created_at__lte=session.now() + MOST_APART)
    sweeps = noted.exclude(purpose=Run.Purpose.BACK_UP_NOW)
    until = sweeps.filter(state=Run.State.FINISHED).aggregate(until=Max("until"))["until"]
    begun = until or since or company.created_at
    behind = session.now() - begun
    level = Level.PROBLEM if behind > SWEEPS_MISSING else Level.WARNING if behind > SWEEPS_LATE else Level.OK
    if until is None:
        says = _("recent calls have not been checked by a sweep yet")
    else:
        says = _("recent calls are checked up to %(until)s") % {"until": output.moment(until, session.zone_of(company))}
    todo = ""
    if level is not Level.OK and sweeps.filter(state__in=OPEN).exists():
        todo = _("A sweep is under way but does not end: look at holds above, at the request budget, and at the worker's log.")
    elif level is not Level.OK:
        todo = _("Sweeps begin automatically every ten minutes while a worker runs: start one with `rokuon worker`, and look at its log.")
    yield Check(what, level, says, todo)
    answer = of_company(company, session.now())
    level = {"failed": Level.PROBLEM, "verified": Level.OK, "excluded": Level.OK}.get(answer.severity, Level.WARNING)
    todo = "" if level is Level.OK else _("`rokuon failures` says why and what to do.")
    yield Check(f"{company.name}: {_('recordings')}", level, output.answer(answer), todo)


def _bucket(session: CliSession, bucket: Bucket) -> Iterator[Check]:
    what = f"{_('Bucket')} {bucket.url}"
    try:
        found = buckets.look_at_bucket(session.installation, bucket)
        folder = kind_of(bucket.url).folder(bucket.url, store_settings(session.config))
    except RokuonError as error:
        yield Check(what, Level.PROBLEM, _(str(error)), _("Correct ROKUON_LOCAL_ROOTS or the bucket's credential, then verify it again."))
        return
    failure = found.failure
    if failure is not None:
        yield Check(what, Level.PROBLEM, f"[{failure.reason}] {failure.detail}".strip(), _(failure.advice))
        return
    if folder is not None:
        yield from _folder(what, bucket, folder, found.looked_for)
        return
    if Advice.RIGHTS_UNKNOWN in found.advice:
        says = _("can be listed and read, and is this company's; whether it takes new objects shows `rokuon bucket verify`")
    else:
        says = _("can be listed and read, takes new objects, and is this company's")
    yield Check(what, Level.OK, _with_sample(says, found.looked_for))


def _with_sample(says: str, looked_for: int) -> str:
    if not looked_for:
        return says
    sample = ngettext(
        "the newest verified recording is there",
        "the %(count)d newest verified recordings are there, each with its size and checksum",
        looked_for,
    ) % {"count": looked_for}
    return f"{says}; {sample}"


def _folder(what: str, bucket: Bucket, path: Path, looked_for: int) -> Iterator[Check]:
    if not os.access(path / "call-recordings", os.W_OK | os.X_OK):
        yield Check(
            what,
            Level.PROBLEM,
            _("can be read, but this user may not write into it"),
            _("Give the user that runs Rokuon the right to write into the folder, and look whether its disk is mounted read-only."),
        )
        return
    yield Check(what, Level.OK, _with_sample(_("can be listed and read, takes new objects, and is this company's"), looked_for))
    if (other := bucket_overlap.inside_another(bucket)) is not None:
        yield Check(
            what,
            Level.WARNING,
            _("it and %(other)s lie one inside the other") % {"other": other.url},
            _("Register a folder that lies apart, and choose it in the settings: what is lost or replaced with one is lost for both."),
        )
    disk = space(what, path, str(path))
    if disk.level is not Level.OK:
        yield disk
