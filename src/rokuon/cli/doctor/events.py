"""Checks of a company's events: whether Dialpad can send events, has sent some, and whether its address leads here."""

import http.client
from collections.abc import Iterator

from rokuon.base.addresses import PublicUrl
from rokuon.base.i18n import _, join_sentences
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.events.models import Hook
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Company
from rokuon.wiring import webhook_upkeep

from .check import Check, Level
from .web import ask, short_reason

REFUSED = 401
"""The status with which the hook answers a request that Dialpad has not signed."""


def event_checks(session: CliSession, company: Company) -> Iterator[Check]:
    what, public, zone = f"{company.name}: {_('events')}", session.config.public, session.zone_of(company)
    without = _("Backups do not need events: sweeps find every call, at most a few hours after it.")
    if not webhook_upkeep.reachable(public, company):
        yield Check(
            what,
            Level.OK,
            _("none: Dialpad cannot reach %(url)s, so sweeps alone find calls, minutes to hours after they end") % {"url": public.origin},
        )
        return
    hook = Hook.objects.filter(company=company).first()
    if hook is None or hook.checked_at is None:
        yield Check(
            what,
            Level.WARNING,
            _("the webhook is not registered yet"),
            join_sentences(_("A worker registers it within a minute."), without),
        )
        return
    if hook.reason:
        yield Check(
            what,
            Level.WARNING,
            _("the webhook could not be checked at %(at)s [%(reason)s]")
            % {"at": output.moment(hook.checked_at, zone), "reason": hook.reason},
            join_sentences(in_words(hook.reason), without),
        )
    elif hook.address != webhook_upkeep.hook_url(public.origin, hook):
        yield Check(
            what,
            Level.WARNING,
            _("Dialpad still sends them to another address than %(url)s") % {"url": public.origin},
            join_sentences(_("A worker changes it within a minute."), without),
        )
    else:
        came = _("the last event came at %(at)s") % {"at": output.moment(hook.event_at, zone)} if hook.event_at else _("no event came yet")
        yield Check(
            what,
            Level.OK,
            _("the webhook stood at Dialpad at %(at)s; %(came)s") % {"at": output.moment(hook.checked_at, zone), "came": came},
        )
    yield _way_in(what, public, hook)


def _way_in(what: str, public: PublicUrl, hook: Hook) -> Check:
    """Send an unsigned event to our own public address: the answer must be a refusal, and must come from us."""
    try:
        answer = ask(public, "POST", f"/hooks/dialpad/{hook.path}", b"x")
    except (OSError, http.client.HTTPException) as error:
        return Check(
            what,
            Level.WARNING,
            _("nothing takes them at %(url)s: %(reason)s") % {"url": public.origin, "reason": short_reason(error)},
            _("Start the console with `rokuon up` or `rokuon serve`, or look at the proxy."),
        )
    if answer.status != REFUSED:
        return Check(
            what,
            Level.WARNING,
            _("a trial at %(url)s was answered with %(status)d instead of %(expected)d, so events do not arrive")
            % {"url": public.origin, "status": answer.status, "expected": REFUSED},
            _("Let the proxy hand on POST to /hooks/, with host and scheme, and without a sign-in of its own."),
        )
    return Check(what, Level.OK, _("their address answers, asked from this machine"))
