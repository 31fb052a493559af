"""Two years of a target as SVG: half a year in each drawing, a column for each week, so that a phone shows it whole and without scrolling.

The shapes are those of the calendar, as squares (`console/overview/year_shapes.html`). As there, the drawing is for people who see it and
have a pointer; the table below it has the same by month.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import groupby

from django.utils.safestring import SafeString, mark_safe

from rokuon.base import dates
from rokuon.ledger.overview import Day, DayState

from .calendar_svg import in_words

STEP, SIZE, TOP = 12, 11, 13
WEEKS = 27
"""Weeks in one drawing: with these sizes 324 pixels, which a phone has."""
ROOM = 3
"""Width, in weeks, that the name of a month needs to its right."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the table: its days by state, and those to look at, the newest first."""

    first: date
    last: date
    days: Sequence[tuple[date, Day]]

    def count(self, state: DayState) -> int:
        return sum(day.state is state for _date, day in self.days)

    @property
    def verified(self) -> int:
        return sum(day.counts.verified for _date, day in self.days)

    @property
    def to_look_at(self) -> list[tuple[date, Day]]:
        return [(at, day) for at, day in self.days if day.state in (DayState.FAILED, DayState.INCOMPLETE)][::-1]


def months(days: Sequence[tuple[date, Day]]) -> list[Month]:
    """Return the months of these days, the newest first."""
    found = [list(group) for _month, group in groupby(days, key=lambda one: (one[0].year, one[0].month))]
    return [Month(group[0][0], group[-1][0], group) for group in found][::-1]


def drawings(days: Sequence[tuple[date, Day]], url: Callable[[Day, date], str]) -> list[SafeString]:
    """Return the drawings, oldest first. Equal days are put into words once."""
    words: dict[Day, str] = {}
    weeks: dict[int, list[tuple[date, Day]]] = {}
    for at, day in days:
        words.setdefault(day, "")
        weeks.setdefault(_week(at), []).append((at, day))
    for day in words:
        words[day] = in_words(day)
    columns = list(weeks.values())
    # The newest drawing is full; the oldest may be short.
    first = len(columns) % WEEKS
    parts = [columns[:first]] if first else []
    parts += [columns[start : start + WEEKS] for start in range(first, len(columns), WEEKS)]
    return [_drawing(part, url, words) for part in parts]


def _week(at: date) -> int:
    """Return the number of a week that begins on Monday."""
    return (at.toordinal() - 1) // 7


def _months(weeks: Sequence[Sequence[tuple[date, Day]]]) -> list[tuple[int, str]]:
    """Return the columns in which a month begins, with its name; the first column's month too, where the next leaves it room."""
    begun = [(column, at) for column, week in enumerate(weeks) for at, _day in week if at.day == 1]
    if not begun or begun[0][0] >= ROOM:
        begun.insert(0, (0, weeks[0][0][0]))
    return [(column, dates.month_of_year(at)) for column, at in begun if column <= len(weeks) - ROOM]


def _drawing(weeks: Sequence[Sequence[tuple[date, Day]]], url: Callable[[Day, date], str], words: dict[Day, str]) -> SafeString:
    inside = []
    for column, name in _months(weeks):
        inside.append(f'<text class="axis" x="{column * STEP}" y="9">{escape(name)}</text>')
    for column, week in enumerate(weeks):
        for at, day in week:
            title = escape(f"{dates.day(at)} · {words[day]}")
            inside.append(
                f'<a href="{escape(url(day, at))}" tabindex="-1"><use href="#date-{day.state.value}" x="{column * STEP}" '
                f'y="{TOP + at.weekday() * STEP}" width="{SIZE}" height="{SIZE}"><title>{title}</title></use></a>'
            )
    width, height = WEEKS * STEP, TOP + 7 * STEP
    return mark_safe(  # noqa: S308 (numbers of our own, and words and addresses that were escaped)
        f'<svg class="half-year" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true" focusable="false">'
        f"{''.join(inside)}</svg>"
    )
