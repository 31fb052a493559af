"""Text about a company's events: how they reach Rokuon, and how many calls came without one (M8)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.base import i18n, measures
from rokuon.base.addresses import PublicUrl
from rokuon.domain.failures import by_reason
from rokuon.events import inbox
from rokuon.events.loss import Loss, loss
from rokuon.events.models import Hook
from rokuon.org.models import Company
from rokuon.wiring import sweeps, webhook_upkeep

from .fact import Fact

WEEK = timedelta(days=7)
REMEMBERED = timedelta(minutes=5)

_known: dict[int, tuple[datetime, Loss]] = {}


def facts(company: Company, public: PublicUrl, now: datetime) -> list[Fact]:
    hook = Hook.objects.filter(company=company).first()
    found = [_address(company, public), _webhook(company, public, hook)]
    return [*found, *_of_late(company, hook, now)] if hook is not None and hook.since is not None else found


def lost_of_week(company: Company, now: datetime) -> Loss:
    return loss(company.pk, now - WEEK, now)


def lost_of_late(company: Company, now: datetime) -> Loss:
    """Like `lost_of_week`, but up to five minutes old: for a page that is opened often and must be fast."""
    known = _known.get(company.pk)
    if known is None or not timedelta(0) <= now - known[0] < REMEMBERED:
        known = _known[company.pk] = (now, lost_of_week(company, now))
    return known[1]


def lost_said(lost: Loss) -> str:
    """Return the share of calls that a sweep found, as a sentence; "" if no call could have had an event."""
    if not lost.calls:
        return ""
    if not lost.lost:
        all_came = ngettext(
            "%(calls)s recorded call of the last 7 days came with an event.",
            "All %(calls)s recorded calls of the last 7 days came with an event.",
            lost.calls,
        )
        return all_came % {"calls": measures.number(lost.calls)}
    sentence = ngettext(
        "%(lost)s of %(calls)s recorded call of the last 7 days came without an event and was found by a sweep.",
        "%(lost)s of %(calls)s recorded calls of the last 7 days came without an event and were found by a sweep.",
        lost.calls,
    )
    return sentence % {"lost": measures.number(lost.lost), "calls": measures.number(lost.calls)}


def _address(company: Company, public: PublicUrl) -> Fact:
    what = _("Public address")
    if webhook_upkeep.reachable(public, company):
        return Fact(what, "verified", public.origin, _("Dialpad sends events of calls to this address."))
    about = {"url": public.origin, "minutes": sweeps.SWEEPS[-1].every // timedelta(minutes=1)}
    return Fact(
        what,
        "waiting",
        _("only this machine"),
        _(
            "Dialpad cannot reach %(url)s, so no event comes and sweeps find the calls: up to %(minutes)d minutes after Dialpad has a "
            "recording ready, instead of within seconds. None is lost."
        )
        % about,
        todo=_(
            "Let a proxy with TLS forward an https address to the console, set ROKUON_PUBLIC_URL to it, and start Rokuon again. "
            "The webhook is then created automatically."
        ),
    )


def _webhook(company: Company, public: PublicUrl, hook: Hook | None) -> Fact:
    what = _("Webhook and subscription at Dialpad")
    if not webhook_upkeep.reachable(public, company):
        return Fact(what, "excluded", _("not needed"), _("Without a public address there is nothing to register."))
    if not (company.enabled and company.api_key):
        return Fact(what, "excluded", _("not made yet"), _("They are made when the key is entered and backup is enabled."))
    if hook is None or hook.checked_at is None:
        return Fact(what, "waiting", _("being made"), _("A worker makes them within a minute or two."))
    if hook.reason:
        says = _("Calls are found by sweeps meanwhile; Rokuon tries again every hour.")
        todo = i18n._(by_reason(hook.reason).advice)
        return Fact(what, "failed", _("could not be made"), says, hook.checked_at, todo, hook.reason)
    if hook.address != webhook_upkeep.hook_url(public.origin, hook):
        says = _("The public address has changed; a worker updates the webhook at Dialpad.")
        return Fact(what, "waiting", _("being changed"), says, hook.checked_at)
    return Fact(what, "verified", _("registered"), _("Checked once a day."), hook.checked_at)


def _of_late(company: Company, hook: Hook, now: datetime) -> Iterator[Fact]:
    what = _("Last event")
    if hook.event_at is None:
        yield Fact(what, "waiting", _("none yet"), _("The first comes when a call ends that is recorded or monitored."))
    else:
        age = measures.duration((now - hook.event_at).total_seconds())
        yield Fact(what, "", _("%(age)s ago") % {"age": age}, at=hook.event_at)
    if hook.flood_at is not None and now - hook.flood_at < WEEK:
        sentence = _("More than %(most)d requests in a minute came to the webhook's address without our signature. Each was refused.")
        todo = _("If it continues, configure the proxy before the console to slow down the addresses that they come from.")
        yield Fact(_("Unsigned requests"), "waiting", _("a flood"), sentence % {"most": inbox.STRAY}, hook.flood_at, todo)
    lost = lost_of_week(company, now)
    if not lost.calls:
        yield Fact(_("Calls without an event"), "", "–", _("No recorded call of the last 7 days could have had an event."))
        return
    share = f"{100 * lost.lost / lost.calls:.1f}%"
    yield Fact(_("Calls without an event"), "verified" if not lost.lost else "waiting", share, lost_said(lost))
