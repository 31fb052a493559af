"""Understand what a person types into the one field of the search: an id, a phone number, a day or month, or the name of an agent."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from .other_party import candidates

LONGEST = 200
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)

_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
_YMD = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_COMPACT = re.compile(r"(20\d\d)(\d\d)(\d\d)")
_YM = re.compile(r"(\d{4})\s*[-/年]\s*(\d{1,2})\s*月?")
_MD = re.compile(r"(\d{1,2})\s*[/月]\s*(\d{1,2})\s*日?")
_ERA = re.compile(r"(?:令和|r\.?)\s*(\d{1,2}|元)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_WEEKDAY = re.compile(r"\s*[(（][月火水木金土日](?:曜日?)?[)）]\s*$|\s*[月火水木金土日]曜日?\s*$")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DMY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([a-z]{3,9})\.?,?\s+(\d{4})")
_MDY = re.compile(r"([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_DAYS_AGO = {"今日": 0, "本日": 0, "today": 0, "昨日": 1, "yesterday": 1, "一昨日": 2, "おととい": 2}
_REIWA_BEGAN = 2018


@dataclass(frozen=True, slots=True)
class DaysSought:
    """Days from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Sought:
    """The readings of a text: each that is possible. `ident` is an id of a call or a recording, `agent` a name; "" for neither.

    `number` is whether the text may be a phone number: then it must not be part of an address or a log.
    """

    text: str
    ident: str = ""
    number: bool = False
    days: DaysSought | None = None
    agent: str = ""


def understand(text: str, today: date) -> Sought:
    """Return every reading of a text. `today` is the date in the company's zone: a day without a year is the last one that is not in the
    future. A text that is a date is not read as a name."""
    plain = " ".join(unicodedata.normalize("NFKC", text.replace("\0", "")).split())[:LONGEST]
    if not plain:
        return Sought("")
    days, bare = days_of(plain, today), plain.isdigit()
    number = any(True for _ in candidates(plain)) and (bare or not days)
    ident = plain if _ID.fullmatch(plain) and any(one.isdigit() for one in plain) and (bare or not (days or number)) else ""
    name = "" if days or number or (ident and not any(one.isalpha() for one in plain)) else plain
    return Sought(plain, ident, number, days, name)


def days_of(text: str, today: date) -> DaysSought | None:
    """Return the day or the month that the text names, in an ISO, Japanese or English form; None for no date."""
    plain = _WEEKDAY.sub("", " ".join(unicodedata.normalize("NFKC", text).split())).lower()
    if plain in _DAYS_AGO:
        day = today - timedelta(days=_DAYS_AGO[plain])
        return DaysSought(day, day)
    if found := _YMD.fullmatch(plain) or _COMPACT.fullmatch(plain):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _ERA.fullmatch(plain):
        year = 1 if found[1] == "元" else int(found[1])
        return _day(_REIWA_BEGAN + year, int(found[2]), int(found[3]))
    if found := _DMY.fullmatch(plain):
        return _day(int(found[3]), _month(found[2]), int(found[1]))
    if found := _MDY.fullmatch(plain):
        return _day(int(found[3]), _month(found[1]), int(found[2]))
    if found := _YM.fullmatch(plain):
        return _month_of(int(found[1]), int(found[2]))
    if found := _MD.fullmatch(plain):
        this = _day(today.year, int(found[1]), int(found[2]))
        return this if this is None or this.first <= today else _day(today.year - 1, int(found[1]), int(found[2]))
    return None


def _month(name: str) -> int:
    """Return the number of an English month, 0 for another word."""
    return _MONTHS.index(name[:3]) + 1 if name[:3] in _MONTHS else 0


def _day(year: int, month: int, day: int) -> DaysSought | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return DaysSought(found, found) if EARLIEST <= found <= LATEST else None


def _month_of(year: int, month: int) -> DaysSought | None:
    first = _day(year, month, 1)
    if first is None:
        return None
    following = date(year + month // 12, month % 12 + 1, 1)
    return DaysSought(first.first, following - timedelta(days=1))
