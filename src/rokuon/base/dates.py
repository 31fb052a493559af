"""Format dates and times for people, in the language of `base.i18n`. No other module does (tests/meta/test_dates.py).

English dates are those of ISO 8601 (2026-11-29 19:18), Japanese dates are written in Japanese: 2026年11月29日(日) 19:18. A zone is a
name of the tz database, "" for UTC. Files for spreadsheets and scripts have the same dates in every language (`spreadsheet`).
"""

from datetime import UTC, date, datetime

from rokuon.base.i18n import language
from rokuon.domain.placement import zone

_WEEKDAYS = "月火水木金土日"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(when: date) -> str:
    """Format a date, in Japanese with its day of the week."""
    if language() == "ja":
        return f"{when.year}年{when.month}月{when.day}日({_WEEKDAYS[when.weekday()]})"
    return f"{when:%Y-%m-%d}"


def month(when: date) -> str:
    """Format the month of a date."""
    return f"{when.year}年{when.month}月" if language() == "ja" else f"{when:%Y-%m}"


def day_of_month(when: date) -> str:
    """Format a date without its year, for an axis."""
    return f"{when.month}月{when.day}日" if language() == "ja" else f"{_MONTHS[when.month - 1]} {when.day}"


def month_of_year(when: date) -> str:
    """Format the month of a date without its year, for an axis; with its year if it is January."""
    if language() == "ja":
        return f"{when.year}年1月" if when.month == 1 else f"{when.month}月"
    return f"Jan {when.year}" if when.month == 1 else _MONTHS[when.month - 1]


def utc_day(when: datetime) -> date:
    """Return the UTC date of a time."""
    return when.astimezone(UTC).date()


def local_day(when: datetime, zone_name: str) -> str:
    """Format the date of a time in that zone."""
    return day(when.astimezone(zone(zone_name)).date())


def moment(when: datetime, zone_name: str, *, seconds: bool = False) -> str:
    """Format date and time in that zone, without its name."""
    local = when.astimezone(zone(zone_name))
    return f"{day(local.date())} {local:%H:%M:%S}" if seconds else f"{day(local.date())} {local:%H:%M}"


def named(when: datetime, zone_name: str) -> str:
    """Format date and time in that zone, with its name."""
    return f"{moment(when, zone_name)} {zone_name or 'UTC'}"


def exact(when: datetime, zone_name: str) -> str:
    """Format date and time to the second in that zone, with its name."""
    return f"{moment(when, zone_name, seconds=True)} {zone_name or 'UTC'}"


def clock(when: datetime, zone_name: str) -> str:
    """Format the time of day in that zone, without its name."""
    return f"{when.astimezone(zone(zone_name)):%H:%M}"


def on_this_machine(when: datetime) -> str:
    """Format a time in the zone of this machine, with that zone's name; the date only if it is not the current one."""
    local = when.astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M} {local:%Z}" if today else f"{day(local.date())} {local:%H:%M} {local:%Z}"


def progress_clock(when: datetime) -> str:
    """Format the time of day in UTC, to the second, at the beginning of a line of progress."""
    return f"{when.astimezone(UTC):%H:%M:%S} UTC"


def spreadsheet(when: datetime, zone_name: str) -> str:
    """Format date and time in that zone for a CSV file, the same in every language: spreadsheets read it as a time."""
    return f"{when.astimezone(zone(zone_name)):%Y-%m-%d %H:%M:%S}"
