"""Notices and mails in words: what is wrong, why, what to do, and the page where it can be mended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rokuon.accounts.may import Action, Reach
from rokuon.domain.failures import HoldOn
from rokuon.notify import kinds, lines, words
from rokuon.notify.models import Kind, Notice, Occasion
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


@dataclass(frozen=True, slots=True)
class Words:
    """What it is about, with its count; why it is so and what to do; how much of it which targets have, the worst first."""

    headline: str
    advice: str
    targets: Sequence[tuple[str, str]]
    more_targets: int


def said(company: Company, notice: Notice, *, with_targets: bool) -> Words:
    """As a mail says it."""
    line = lines.of_notice(company.public_id, notice, count=notice.count)
    heading = kinds.heading(line, line.name)
    targets = [(name, kinds.amount_of(line, count)) for name, count in line.targets] if with_targets else []
    return Words(heading[:1].upper() + heading[1:], words.advice(line), targets, line.more_targets if with_targets else 0)


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
