"""Search of the recordings for a text that a person typed: every way to read it, with what each finds.

`within` are the targets that the person may see: nothing else is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from rokuon.base.secrets import Vault
from rokuon.domain.other_party import PartyDetail
from rokuon.domain.sought import DaysSought, Sought, understand
from rokuon.domain.windows import local_midnight_ms
from rokuon.ledger import search, search_totals
from rokuon.ledger.models import Copy
from rokuon.ledger.search import CopyFilters, Within
from rokuon.ledger.search_totals import SearchTotals
from rokuon.org.models import Company
from rokuon.wiring import other_party

SHOWN = 10
NOBODY = "-"
"""The hash of no number."""


class ReadAs(StrEnum):
    """What a text can be read as."""

    CALL = "call"
    RECORDING = "recording"
    NUMBER = "number"
    DAYS = "days"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the text, with the newest copies that it finds. A number that several countries have has a reading for each."""

    kind: ReadAs
    filters: CopyFilters
    days: DaysSought | None
    copies: list[Copy]
    totals: SearchTotals


@dataclass(frozen=True, slots=True)
class Found:
    """The readings of a text. `numbers_off`: it may be a phone number, and the company keeps none."""

    sought: Sought
    readings: list[Reading]
    numbers_off: bool

    @property
    def copies(self) -> int:
        return sum(one.totals.copies for one in self.readings)


def find(company: Company, targets: Sequence[int], text: str, vault: Vault | None, today: date, zone: str, shown: int = SHOWN) -> Found:
    """Return what the text finds. `today` is the date in the company's `zone`, in which days are counted. Without a `vault`, numbers are
    not sought."""
    sought = understand(text, today)
    numbers = other_party.hashes(company, vault, sought.text) if sought.number and vault is not None else []
    ways = [
        (ReadAs.CALL, CopyFilters(call_id=sought.ident), sought.ident),
        (ReadAs.RECORDING, CopyFilters(recording_id=sought.ident), sought.ident),
        *((ReadAs.NUMBER, CopyFilters(number=one), one) for one in numbers or ([NOBODY] if sought.number else [])),
        (ReadAs.DAYS, CopyFilters(), sought.days),
        (ReadAs.AGENT, CopyFilters(agent=sought.agent), sought.agent),
    ]
    readings = []
    for kind, filters, wanted in ways:
        if wanted:
            days = sought.days if kind is ReadAs.DAYS else None
            within = [Within(target) for target in targets] if days is None else on_days(targets, days, zone)
            page = search.find(company.pk, within, filters, limit=shown)
            totals = search_totals.totals(company.pk, within, filters) if page.older else search_totals.totals_of(page.copies)
            readings.append(Reading(kind, filters, days, page.copies, totals))
    return Found(sought, readings, sought.number and not _keeps_numbers(company))


def on_days(targets: Sequence[int], days: DaysSought, zone: str) -> list[Within]:
    """Return these targets on these days of one zone."""
    since, until = midnight(days.first, zone), midnight(days.last + timedelta(days=1), zone)
    return [replace(Within(target), since=since, until=until) for target in targets]


def midnight(day: date, zone: str) -> datetime:
    return datetime.fromtimestamp(local_midnight_ms(day, zone) / 1000, UTC)


def _keeps_numbers(company: Company) -> bool:
    return company.other_party != PartyDetail.OFF
