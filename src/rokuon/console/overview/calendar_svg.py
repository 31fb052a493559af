"""The coverage calendar as SVG: a strip of days for each target. No inline style; each state has a shape as well as a colour.

The page contains the shapes once (`console/overview/calendar_shapes.html`). The strips are only for sighted people with a pointer: the
table beside them has the same content in words (`console/overview/calendar.html`). So the strips are hidden from screen readers, and the
keyboard reaches their links from the table.
"""

from collections.abc import Callable, Sequence
from datetime import date
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from rokuon.base import dates
from rokuon.ledger.overview import Day, DayState

STEP, HEIGHT = 8, 16
ROOM = 7
"""Width, in days, that a date on the axis needs to its right."""

WORDS = {
    DayState.COMPLETE: gettext_noop("Complete"),
    DayState.INCOMPLETE: gettext_noop("Incomplete"),
    DayState.FAILED: gettext_noop("With failures"),
    DayState.UNLISTED: gettext_noop("Not checked yet"),
    DayState.EMPTY: gettext_noop("Nothing recorded"),
}


class Calendar:
    """Draws the strips of one page over the same days. Equal days are put into words once, because a page has thousands of days."""

    def __init__(self, days: Sequence[date]) -> None:
        self.days = days
        self._dates = [dates.day(day) for day in days]
        self._words: dict[Day, str] = {}

    def strip(self, days: Sequence[Day], url: Callable[[Day, date], str]) -> SafeString:
        """Return the days of one target, from the calendar's first. `url` returns the link of a day."""
        return self._svg("".join([self._cell(day, number, url) for number, day in enumerate(days)]))

    def title(self, day: Day, number: int) -> str:
        """Return a day in words: its date, its state and its counts."""
        if day not in self._words:
            self._words[day] = in_words(day)
        return f"{self._dates[number]} · {self._words[day]}"

    def axis(self) -> SafeString:
        """Return a tick for each Monday, with the date at every second Monday."""
        mondays = [(number, day) for number, day in enumerate(self.days) if day.weekday() == 0]
        marks = []
        for place, (number, day) in enumerate(mondays):
            marks.append(f'<path class="tick" d="M{number * STEP} 12v4"/>')
            if place % 2 == len(mondays) % 2 and number <= len(self.days) - ROOM:
                marks.append(f'<text class="axis" x="{number * STEP}" y="9">{escape(dates.day_of_month(day))}</text>')
        return self._svg("".join(marks))

    def _cell(self, day: Day, number: int, url: Callable[[Day, date], str]) -> str:
        title = escape(self.title(day, number))
        drawn = f'<use href="#day-{day.state.value}" x="{number * STEP}" width="{STEP}" height="{HEIGHT}"><title>{title}</title></use>'
        return f'<a href="{escape(url(day, self.days[number]))}" tabindex="-1">{drawn}</a>'

    def _svg(self, inside: str) -> SafeString:
        width = len(self.days) * STEP
        return mark_safe(  # noqa: S308 (numbers of our own, and words and addresses that were escaped)
            f'<svg class="strip-of-days" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" aria-hidden="true" '
            f'focusable="false">{inside}</svg>'
        )


def in_words(day: Day) -> str:
    """Return the state of a day and its counts in words."""
    counts = day.counts
    said = [_(WORDS[day.state])]
    if counts.failed:
        said.append(ngettext("%(count)s failed", "%(count)s failed", counts.failed) % {"count": counts.failed})
    if counts.pending:
        said.append(ngettext("%(count)s waiting", "%(count)s waiting", counts.pending) % {"count": counts.pending})
    if day.unnamed:
        words = ngettext("%(count)s recorded, nothing to fetch", "%(count)s recorded, nothing to fetch", day.unnamed)
        said.append(words % {"count": day.unnamed})
    if day.unread:
        said.append(_("an entry of the list could not be read"))
    if counts.verified:
        said.append(ngettext("%(count)s verified", "%(count)s verified", counts.verified) % {"count": counts.verified})
    if counts.gone:
        said.append(ngettext("%(count)s no longer at Dialpad", "%(count)s no longer at Dialpad", counts.gone) % {"count": counts.gone})
    if day.closed:
        said.append(ngettext("%(count)s closed with a note", "%(count)s closed with a note", day.closed) % {"count": day.closed})
    if counts.excluded:
        said.append(ngettext("%(count)s excluded", "%(count)s excluded", counts.excluded) % {"count": counts.excluded})
    return " · ".join(said)
