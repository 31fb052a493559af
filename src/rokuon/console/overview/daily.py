"""The bars of the overview: recordings and volume of each of the last 90 days, over all targets that the page is about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rokuon.base import dates, measures
from rokuon.console.web import bar_svg
from rokuon.console.web.bar_svg import Bar
from rokuon.ledger import tally
from rokuon.ledger.tally import Counts
from rokuon.org.models import Target

DATES_EVERY = 14
ROOM = 7
"""Width, in days, that a date below the bars needs to its right."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day of the table. `lost` counts the failed recordings and those that are no longer at Dialpad."""

    day: date
    url: str
    counts: Counts

    @property
    def lost(self) -> int:
        return self.counts.failed + self.counts.gone

    @property
    def shown(self) -> bool:
        return bool(self.counts.verified or self.counts.pending or self.lost)


@dataclass(frozen=True, slots=True)
class Daily:
    """Two drawings over the same days, their table, and one sentence that sums them up."""

    recordings: SafeString
    volume: SafeString
    rows: list[DayRow]
    verified: int
    bytes: int


def load(company_id: int, targets: Sequence[Target], days: Sequence[date], url: Callable[[date], str]) -> Daily:
    """Return the pictures of `days`, oldest first. `url` returns the link to the recordings of a day."""
    found = tally.totals_by_day(company_id, [target.pk for target in targets], days[0], days[-1])
    rows = [DayRow(day, url(day), found.get(day, Counts())) for day in days]
    total = sum((row.counts for row in rows), Counts())
    recordings = [_bar(row, number, len(rows), _recordings(row), _in_words(row)) for number, row in enumerate(rows)]
    volume = [_bar(row, number, len(rows), (("volume", row.counts.bytes),), _volume(row)) for number, row in enumerate(rows)]
    return Daily(
        bar_svg.drawn(recordings, measures.number(round(max(bar.value for bar in recordings)))),
        bar_svg.drawn(volume, measures.amount(max(bar.value for bar in volume))),
        [row for row in reversed(rows) if row.shown],
        total.verified,
        total.bytes,
    )


def _bar(row: DayRow, number: int, days: int, parts: Sequence[tuple[str, float]], words: str) -> Bar:
    shown = number % DATES_EVERY == 0 and number <= days - ROOM
    return Bar(row.url, f"{dates.day(row.day)} · {words}", parts, dates.day_of_month(row.day) if shown else "")


def _recordings(row: DayRow) -> tuple[tuple[str, float], ...]:
    return (("failed", row.lost), ("pending", row.counts.pending), ("verified", row.counts.verified))


def _in_words(row: DayRow) -> str:
    return _("%(verified)s verified, %(failed)s failed or gone, %(waiting)s waiting") % {
        "verified": measures.number(row.counts.verified),
        "failed": measures.number(row.lost),
        "waiting": measures.number(row.counts.pending),
    }


def _volume(row: DayRow) -> str:
    return measures.amount(row.counts.bytes)
