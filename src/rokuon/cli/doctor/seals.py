"""Checks of the seals of a company's buckets: made in time, without a failure, and none that this database does not know."""

from collections.abc import Iterator

from rokuon.actions import custody
from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.custody import overview
from rokuon.domain.failures import CustodyKeyLost, LedgerBehindBucket, RokuonError
from rokuon.org.models import Company
from rokuon.wiring.custody_keys import known_pair

from .check import Check, Level


def seal_checks(session: CliSession, company: Company) -> Iterator[Check]:
    """Yield a check for each bucket that has a seal or a recording, and one for a key that cannot be used."""
    now, zone = session.now(), session.zone_of(company)
    buckets = {bucket.url: bucket for bucket in company.buckets.all()}
    sealed = [one for one in overview.of_company(company.pk) if one.stored or one.number or one.reason]
    for one in sealed:
        what = f"{_('Seals')} {one.url}"
        try:
            behind = custody.behind(session.installation, buckets[one.url], now)
        except RokuonError:
            continue  # the check of the bucket names it
        problem = one.problem(now)
        if behind:
            yield Check(what, Level.PROBLEM, f"[{LedgerBehindBucket.reason}] {behind}", _(LedgerBehindBucket.advice))
        elif problem == "failed":
            yield Check(what, Level.PROBLEM, f"[{one.reason}] {one.detail}".strip(), overview.advice(one, now))
        elif problem:
            level = Level.PROBLEM if problem == "overdue" else Level.WARNING
            says = overview.in_words(one, now, lambda when: output.moment(when, zone))
            yield Check(what, level, says, overview.advice(one, now))
        else:
            says = _("seal %(number)d was made at %(at)s") % {"number": one.number, "at": output.moment(one.at, zone)}
            yield Check(what, Level.OK, says)
    if sealed:
        yield from _key(session, company)


def _key(session: CliSession, company: Company) -> Iterator[Check]:
    try:
        known_pair(session.installation.vault, company.pk)
    except CustodyKeyLost as error:
        yield Check(f"{company.name}: {_('key of the seals')}", Level.PROBLEM, f"[{error.reason}] {error.detail}", _(error.advice))
