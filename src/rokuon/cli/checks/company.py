"""Of each company: its key, what is held or not looked through, its events, its buckets."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.db.models import Max, Min

from rokuon.domain.failures import RokuonError
from rokuon.ledger import holds
from rokuon.ledger.models import Run
from rokuon.ledger.runs import OPEN
from rokuon.ops.i18n import _
from rokuon.org.models import Bucket, Company, Target
from rokuon.stores.addresses import FolderAddress, parse
from rokuon.stores.verification import Advice
from rokuon.wiring import key_words, setup

from .. import output
from ..session import Session
from ..verdict import held
from .check import Check, Level
from .database import CLOCK_OFF_S
from .events import event_checks
from .machine import space

SWEEPS_LATE, SWEEPS_MISSING = timedelta(hours=2), timedelta(hours=24)
"""The shortest sweep begins every ten minutes; a long one beside a large Back up now may take an hour and more."""


def company_checks(session: Session) -> Iterator[Check]:
    known = list(Company.objects.order_by("name", "pk"))
    if not known:
        yield Check(_("Company"), Level.WARNING, _("none yet"), _("Add one with `rokuon company add`."))
    for company in known:
        yield from _key(session, company)
        for hold in holds.open_holds(company.pk):
            yield Check(
                f"{company.name}: {_('hold')}",
                Level.PROBLEM,
                f"{held(hold)} [{hold.reason}]",
                _("`rokuon status` says why and what to do."),
            )
        yield from _backup(session, company)
        if company.api_key:
            yield from event_checks(session, company)
        for bucket in company.buckets.order_by("url"):
            yield from _bucket(session, bucket)


def _key(session: Session, company: Company) -> Iterator[Check]:
    """What the stored key opens, read by read; and how far our clock is from Dialpad's."""
    what = f"{company.name}: Dialpad"
    try:
        report = setup.examine_key(session.config, company.base_url, setup.stored_key(session.installation, company), session.now())
    except RokuonError as error:
        yield Check(what, Level.PROBLEM, error.detail, _("Enter a current key with `rokuon company key`."))
        return
    account = report.account
    if account is None:
        todo = key_words.refusal(report, company.base_url)
        failed = [line for line in key_words.lines(report.kept()) if line.state == "failed"]
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
            _("the key works, but recorded calls name no recording"),
            _("Give the key the scope recordings_export in Dialpad, or enter one that has it with `rokuon company key`."),
        )
    elif account.exports is None:
        yield Check(
            what,
            Level.OK,
            _("the key works and has the scope calls:list; whether it has recordings_export shows with the first recorded call"),
        )
    else:
        yield Check(what, Level.OK, _("the key works and has the scopes calls:list and recordings_export"))
    if account.server_ms is not None:
        off = abs(time.time() - account.server_ms / 1000)
        level = Level.OK if off <= CLOCK_OFF_S else Level.WARNING
        todo = "" if level is Level.OK else _("Set this machine's clock, for example with NTP.")
        yield Check(_("Clock"), level, _("%(seconds).0f s from Dialpad's") % {"seconds": off}, todo)


def _backup(session: Session, company: Company) -> Iterator[Check]:
    """Whether anything is to be backed up, and how far the newest calls are looked through."""
    what = f"{company.name}: {_('backup')}"
    if not company.enabled:
        yield Check(what, Level.WARNING, _("not enabled"), "rokuon settings set --enable")
        return
    since = Target.objects.filter(company=company, backed_up=True).aggregate(since=Min("backed_up_at"))["since"]
    if not Target.objects.filter(company=company, backed_up=True).exists():
        yield Check(what, Level.WARNING, _("no backup rule is enabled"), "rokuon rule enable --all")
        return
    sweeps = Run.objects.filter(company=company).exclude(purpose=Run.Purpose.BACK_UP_NOW)
    until = sweeps.filter(state=Run.State.FINISHED).aggregate(until=Max("until"))["until"]
    begun = until or since or company.created_at
    behind = session.now() - begun
    level = Level.PROBLEM if behind > SWEEPS_MISSING else Level.WARNING if behind > SWEEPS_LATE else Level.OK
    if until is None:
        says = _("the newest calls were not looked through by a sweep yet")
    else:
        says = _("the newest calls are looked through up to %(until)s") % {"until": output.moment(until, session.config.time_zone)}
    todo = ""
    if level is not Level.OK and sweeps.filter(state__in=OPEN).exists():
        todo = _("A sweep is under way but does not end: look at holds above, at the request budget, and at the worker's log.")
    elif level is not Level.OK:
        todo = _("Sweeps begin by themselves every ten minutes while a worker runs: start one with `rokuon worker`, and look at its log.")
    yield Check(what, level, says, todo)


def _bucket(session: Session, bucket: Bucket) -> Iterator[Check]:
    what = f"{_('Bucket')} {bucket.url}"
    try:
        found = setup.look_at_bucket(session.installation, bucket)
        address = parse(bucket.url, allowed_roots=session.config.local_roots)
    except RokuonError as error:
        yield Check(what, Level.PROBLEM, _(str(error)), _("Correct ROKUON_LOCAL_ROOTS or the bucket's credential, then verify it again."))
        return
    failure = found.failure
    if failure is not None:
        yield Check(what, Level.PROBLEM, f"[{failure.reason}] {failure.detail}".strip(), _(failure.advice))
        return
    if isinstance(address, FolderAddress):
        yield from _folder(what, address.path)
        return
    if Advice.RIGHTS_UNKNOWN in found.advice:
        says = _("can be listed and read, and is this company's; whether it takes new objects shows `rokuon bucket verify`")
    else:
        says = _("can be listed and read, takes new objects, and is this company's")
    yield Check(what, Level.OK, says)


def _folder(what: str, path: Path) -> Iterator[Check]:
    if not os.access(path / "call-recordings", os.W_OK | os.X_OK):
        yield Check(
            what,
            Level.PROBLEM,
            _("can be read, but this user may not write into it"),
            _("Give the user that runs Rokuon the right to write into the folder, and look whether its disk is mounted read-only."),
        )
        return
    yield Check(what, Level.OK, _("can be listed and read, takes new objects, and is this company's"))
    disk = space(what, path, str(path))
    if disk.level is not Level.OK:
        yield disk
