"""Text of notices and mails: problem, cause, advice, and a link to the page where it can be fixed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.domain.failures import HoldOn
from rokuon.notify import paths
from rokuon.notify.models import Notice, NoticeKind, Occasion
from rokuon.notify.text import headings, lines, sentences
from rokuon.org.models import Company

OCCASIONS = {
    Occasion.OPENED: gettext_noop("New problem"),
    Occasion.MORE: gettext_noop("More failures"),
    Occasion.REMINDER: gettext_noop("Daily reminder"),
    Occasion.ESCALATED: gettext_noop("After three days, to the company admins"),
    Occasion.ENDED: gettext_noop("Resolved"),
    Occasion.BACKFILL: gettext_noop("Summary of the first Back up now"),
    Occasion.WEEKLY: gettext_noop("Weekly mail"),
    Occasion.TRIAL: gettext_noop("Test mail"),
}


def occasion(name: str) -> str:
    return _(OCCASIONS[Occasion(name)])


@dataclass(frozen=True, slots=True)
class FixLink:
    """The page where the problem can be fixed; "" if this person may open none."""

    url: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class NoticeText:
    """A notice in words: subject with count, cause and advice, and the amount per target, largest first."""

    headline: str
    advice: str
    targets: Sequence[tuple[str, str]]
    more_targets: int


def said(company: Company, notice: Notice, *, with_targets: bool) -> NoticeText:
    """Return the notice in the words of a mail."""
    line = lines.of_notice(company.public_id, notice, count=notice.count)
    targets = [(name, headings.amount_of(line, count)) for name, count in line.targets] if with_targets else []
    return NoticeText(
        sentences.beginning(headings.heading(line, line.name)), sentences.advice(line), targets, line.more_targets if with_targets else 0
    )


def way(company: Company, reaches: Mapping[Action, AccessReach], notice: Notice) -> FixLink:
    """Return the link to the page where the notice can be fixed, only if this person may open it."""
    action, called = _DOORS[NoticeKind(notice.kind)]
    if notice.kind == NoticeKind.HOLD and not notice.ref.startswith(f"{HoldOn.BUCKET}:"):
        action, called = _TO_KEY
    url = paths.of_notice(company.public_id, notice)
    return FixLink(url, _(called)) if url and action in reaches else FixLink()


_DOORS = {
    NoticeKind.FAILED: (Action.VIEW, gettext_noop("To the failures")),
    NoticeKind.GONE: (Action.VIEW, gettext_noop("To the failures")),
    NoticeKind.HOLD: (Action.SET_BUCKETS, gettext_noop("To the bucket")),
    NoticeKind.UNNAMED: (Action.VIEW, gettext_noop("To the calls")),
    NoticeKind.SILENCE: (Action.VIEW, gettext_noop("To the overview")),
    NoticeKind.EXPIRING: (Action.VIEW, gettext_noop("To the overview")),
    NoticeKind.UNLISTED: (Action.VIEW, gettext_noop("To the failures")),
    NoticeKind.UNREADABLE: (Action.VIEW, gettext_noop("To the failures")),
    NoticeKind.NOT_LISTED: (Action.SYSTEM, gettext_noop("To the system page")),
    NoticeKind.NO_EVENT: (Action.SYSTEM, gettext_noop("To the system page")),
    NoticeKind.UNSEALED: (Action.SET_BUCKETS, gettext_noop("To the bucket")),
    NoticeKind.NO_WORKER: (Action.SYSTEM, gettext_noop("To the system page")),
}
"""The permission needed to open the page of `paths.of_notice`, and the text of the link."""

_TO_KEY = (Action.SET_COMPANY, gettext_noop("To the API key"))
"""The page where a hold is fixed that is not a bucket's."""
