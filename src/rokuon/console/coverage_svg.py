"""The coverage calendar as SVG: a strip of days for each target. No inline style; a state is a shape as well as a colour.

The shapes stand once on the page (`console/coverage_shapes.html`). The strips are for eyes and pointers: what they say stands in words
beside them (`console/coverage.html`), so they are hidden from screen readers, and their links are reached by keyboard from the table.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from rokuon.ledger.overview import Day, DayState

STEP, HEIGHT = 8, 16

WORDS = {
    DayState.COMPLETE: gettext_noop("Complete"),
    DayState.INCOMPLETE: gettext_noop("Incomplete"),
    DayState.FAILED: gettext_noop("With failures"),
    DayState.UNLISTED: gettext_noop("Not looked through yet"),
    DayState.EMPTY: gettext_noop("Nothing recorded"),
}


def strip(days: Sequence[Day], first: date, width: int, url: Callable[[date], str]) -> SafeString:
    """The days of one target from `first`, drawn into the width of `width` days. `url` leads to the recordings of a day."""
    cells = format_html_join("", "{}", ([_cell(day, number, first + timedelta(days=number), url)] for number, day in enumerate(days)))
    return format_html(
        '<svg class="strip-of-days" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true" focusable="false">{}</svg>',
        width * STEP, HEIGHT, width * STEP, HEIGHT, cells,
    )  # fmt: skip


def _cell(day: Day, number: int, when: date, url: Callable[[date], str]) -> SafeString:
    drawn = format_html(
        '<use href="#day-{}" x="{}" width="{}" height="{}"><title>{}</title></use>',
        day.state.value,
        number * STEP,
        STEP,
        HEIGHT,
        title(day, when),
    )
    if day.state in (DayState.FAILED, DayState.INCOMPLETE):
        return format_html('<a href="{}" tabindex="-1">{}</a>', url(when), drawn)
    return drawn


def title(day: Day, when: date) -> str:
    """A day in words: its date, its state, and what was counted."""
    counts, parts = day.counts, [date_format(when, "DATE_FORMAT"), _(WORDS[day.state])]
    said = (
        (counts.failed, ngettext("%(count)s failed", "%(count)s failed", counts.failed)),
        (counts.pending, ngettext("%(count)s waiting", "%(count)s waiting", counts.pending)),
        (day.unnamed, ngettext("%(count)s recorded, nothing to fetch", "%(count)s recorded, nothing to fetch", day.unnamed)),
        (counts.verified, ngettext("%(count)s verified", "%(count)s verified", counts.verified)),
        (counts.gone, ngettext("%(count)s no longer at Dialpad", "%(count)s no longer at Dialpad", counts.gone)),
        (counts.excluded, ngettext("%(count)s excluded", "%(count)s excluded", counts.excluded)),
    )
    return " · ".join(parts + [words % {"count": count} for count, words in said if count])


def axis(days: Sequence[date]) -> SafeString:
    """A tick for each Monday, with its date at every second one."""
    mondays = [(number, day) for number, day in enumerate(days) if day.weekday() == 0]
    marks = format_html_join(
        "",
        '<path class="tick" d="M{} 12v4"/>{}',
        (
            (
                number * STEP,
                format_html('<text class="axis" x="{}" y="9">{}</text>', number * STEP, date_format(day, "MONTH_DAY_FORMAT"))
                if place % 2 == len(mondays) % 2 and number <= len(days) - 7
                else "",
            )
            for place, (number, day) in enumerate(mondays)
        ),
    )
    return format_html(
        '<svg class="strip-of-days" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-hidden="true" focusable="false">{2}</svg>',
        len(days) * STEP, HEIGHT, marks,
    )  # fmt: skip
