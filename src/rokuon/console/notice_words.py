"""Notices and mails in words: what is wrong, why, what to do, and the page where it can be mended."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from rokuon.accounts.may import Action, Reach
from rokuon.console import standing
from rokuon.domain.failures import HoldOn, by_reason
from rokuon.notify.models import Kind, Notice, Occasion
from rokuon.ops import i18n, measures
from rokuon.org.models import Company

OCCASIONS = {
    Occasion.OPENED: gettext_noop("Something new"),
    Occasion.MORE: gettext_noop("More of it"),
    Occasion.REMINDER: gettext_noop("Daily reminder"),
    Occasion.ESCALATED: gettext_noop("After three days, to the company admins"),
    Occasion.ENDED: gettext_noop("Its end"),
    Occasion.BACKFILL: gettext_noop("Summary of the first Back up now"),
    Occasion.WEEKLY: gettext_noop("Weekly mail"),
    Occasion.TRIAL: gettext_noop("Test mail"),
}


def occasion(name: str) -> str:
    return _(OCCASIONS[Occasion(name)])


@dataclass(frozen=True, slots=True)
class Way:
    """The page where something can be mended; "" where this person has none."""

    url: str = ""
    words: str = ""


def headline(notice: Notice) -> str:
    """What it is about, in one line, with its count."""
    return {
        Kind.FAILED: ngettext("%(count)s recording failed", "%(count)s recordings failed", notice.count),
        Kind.GONE: ngettext("%(count)s recording is no longer at Dialpad", "%(count)s recordings are no longer at Dialpad", notice.count),
        Kind.HOLD: _("Backup is held"),
        Kind.UNNAMED: ngettext(
            "%(count)s call was recorded without a recording to fetch",
            "%(count)s calls were recorded without a recording to fetch",
            notice.count,
        ),
        Kind.SILENCE: _("There are no calls where there usually are some"),
        Kind.EXPIRING: ngettext(
            "%(count)s recording becomes unreachable at Dialpad within seven days",
            "%(count)s recordings become unreachable at Dialpad within seven days",
            notice.count,
        ),
        Kind.NOT_LISTED: _("The newest calls were not looked through for long"),
        Kind.NO_EVENT: _("Dialpad has told of no call for long"),
        Kind.NO_WORKER: _("No worker is running"),
    }[Kind(notice.kind)] % {"count": measures.number(notice.count)}


def sentence(notice: Notice) -> str:
    """Why, and what to do."""
    if notice.kind in (Kind.FAILED, Kind.GONE):
        return standing.sentence(notice.cause)
    if notice.kind == Kind.HOLD:
        return i18n._(by_reason(notice.cause).advice)
    return {
        Kind.UNNAMED: _("The key may lack the scope recordings_export. Give it that scope in Dialpad's API key settings."),
        Kind.SILENCE: _("Look in Dialpad whether the calls are routed elsewhere, or whether recording was switched off."),
        Kind.EXPIRING: _("Put right what holds them up, then retry: what is past its day cannot be backed up any more."),
        Kind.NOT_LISTED: _("Look at the system page: a worker may be missing, or Dialpad may not answer."),
        Kind.NO_EVENT: _("Recordings are still found by sweeps, minutes later. Look at the system page how events reach Rokuon."),
        Kind.NO_WORKER: _("Nothing is backed up at the moment. Start one on the machine that runs Rokuon."),
    }[Kind(notice.kind)]


def way(company: Company, reaches: Mapping[Action, Reach], notice: Notice) -> Way:
    """Only to pages that this person may open."""

    def to(name: str, words: str, *arguments: object, after: str = "") -> Way:
        return Way(reverse(f"console:{name}", args=[company.public_id, *arguments]) + after, words)

    match Kind(notice.kind):
        case Kind.FAILED | Kind.GONE:
            return to("failures-cause", _("To the failures"), notice.kind, notice.cause or "none")
        case Kind.HOLD:
            kind, _colon, ident = notice.ref.partition(":")
            if kind == HoldOn.BUCKET and ident.isdecimal():
                return to("settings-bucket", _("To the bucket"), int(ident)) if Action.SET_BUCKETS in reaches else Way()
            return to("set_up", _("To the API key"), after="#key") if Action.SET_COMPANY in reaches else Way()
        case Kind.UNNAMED:
            return to("set_up", _("To the API key"), after="#key") if Action.SET_COMPANY in reaches else Way()
        case Kind.SILENCE:
            return to("recordings", _("To its recordings"), after=f"?target={notice.ref}" if notice.ref.isdecimal() else "")
        case Kind.EXPIRING:
            return to("failures", _("To the failures"))
        case Kind.NOT_LISTED | Kind.NO_EVENT | Kind.NO_WORKER:
            return to("system", _("To the system page")) if Action.SYSTEM in reaches else Way()
