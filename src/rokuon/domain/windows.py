"""Which stretches of time to ask the source for, and which days need no asking again.

Coverage is counted in whole UTC days, because a day is then one row whatever the target's zone. What people name (two years back, a
first and a last date) are local dates of a zone. Ranges are epoch ms UTC, from `after_ms` up to, not including, `before_ms`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta

from .clocks import DAY_MS as DAY_MS
from .failures import N_, ConfigError
from .placement import zone
from .ports import TimeRange

WINDOW_DAYS = 29
"""Dialpad refuses a span of 30 days. One day less leaves its client room to widen a window by a millisecond on either side."""

SEALED_AFTER_DAYS = 35
"""How late a recording may still appear in an old day's listing; the weekly sweep reaches as far (docs/design/ledger.md)."""

_EPOCH = date(1970, 1, 1)
_FIRST_DAY = date(2000, 1, 1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def day_of(time_ms: int) -> date:
    """The UTC day that a time belongs to."""
    return _EPOCH + timedelta(days=time_ms // DAY_MS)


def day_start_ms(day: date) -> int:
    return (day - _EPOCH).days * DAY_MS


def local_date(time_ms: int, timezone_name: str) -> date:
    """The date that a calendar on the wall of that zone shows."""
    return datetime.fromtimestamp(time_ms // 1000, zone(timezone_name)).date()


def local_midnight_ms(day: date, timezone_name: str) -> int:
    """The first instant of a local date. Where its midnight is skipped (Africa/Cairo), the instant at which the clock jumps past it."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone(timezone_name))
    latest = int(wall.timestamp())
    if datetime.fromtimestamp(latest, UTC).astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return latest * 1000
    # The jump lies between the two readings of the skipped time: fold=1 counts with the offset after the jump.
    earliest = int(wall.replace(fold=1).timestamp())
    while earliest < latest:
        middle = (earliest + latest) // 2
        if local_date(middle * 1000, timezone_name) >= day:
            latest = middle
        else:
            earliest = middle + 1
    return latest * 1000


def two_years_before(today: date) -> date:
    """Where Back up now begins (article point M11); 28 February for a 29th."""
    try:
        return today.replace(year=today.year - 2)
    except ValueError:
        return today.replace(year=today.year - 2, day=28)


def past_two_years(now_ms: int, timezone_name: str) -> TimeRange:
    """From local midnight two years ago, inclusive, until now."""
    first = two_years_before(local_date(now_ms, timezone_name))
    return TimeRange(local_midnight_ms(first, timezone_name), now_ms)


def asked_range(
    since: str | None, until: str | None, *, now_ms: int, timezone_name: str, translate: Callable[[str], str] = N_
) -> TimeRange:
    """The range that a person asked for, as first and last local date, both inclusive; at the longest until now.

    No first date means two years back, no last date means now. Raises ConfigError with a sentence, translated by `translate`.
    """

    def read(text: str, sentence: str) -> date:
        try:
            if not _DATE.match(text):
                raise ValueError(text)
            return date.fromisoformat(text)
        except ValueError as exc:
            raise ConfigError(translate(sentence) % {"value": text}) from exc

    today = local_date(now_ms, timezone_name)
    first = read(since, N_("The first date, %(value)s, is not a date. Write it as YYYY-MM-DD.")) if since else two_years_before(today)
    last = read(until, N_("The last date, %(value)s, is not a date. Write it as YYYY-MM-DD.")) if until else today
    dates = {"first": first.isoformat(), "last": last.isoformat(), "today": today.isoformat()}
    if first > today:
        raise ConfigError(translate(N_("The first date, %(first)s, is in the future. Choose %(today)s or an earlier date.")) % dates)
    if last > today:
        raise ConfigError(translate(N_("The last date, %(last)s, is in the future. Choose %(today)s or an earlier date.")) % dates)
    if first > last:
        raise ConfigError(translate(N_("The first date, %(first)s, is after the last date, %(last)s. Exchange them.")) % dates)
    if first < _FIRST_DAY:
        raise ConfigError(translate(N_("The first date, %(first)s, is before the year 2000. Choose a later date.")) % dates)
    before_ms = now_ms if last == today else local_midnight_ms(last + timedelta(days=1), timezone_name)
    return TimeRange(local_midnight_ms(first, timezone_name), min(before_ms, now_ms))


def days_to_list(wanted: TimeRange, sealed: Collection[date], *, now_ms: int, cuts: Collection[date] = ()) -> list[TimeRange]:
    """The parts of `wanted` outside sealed days, oldest first, none in the future.

    Neighbouring days are joined and then cut at UTC midnights into windows of at most 29 days, and wherever a day of `cuts` begins. The
    first and the last day may be part of a day. Nothing for an empty or upside-down range.
    """
    before_ms = min(wanted.before_ms, now_ms)
    windows: list[TimeRange] = []
    start = wanted.after_ms
    while start < before_ms:
        if day_of(start) in sealed:
            start = (start // DAY_MS + 1) * DAY_MS
            continue
        end = start
        for _ in range(WINDOW_DAYS):
            end = (end // DAY_MS + 1) * DAY_MS
            if end >= before_ms or day_of(end) in sealed or day_of(end) in cuts:
                break
        windows.append(TimeRange(start, min(end, before_ms)))
        start = end
    return windows


def whole_days(listed: TimeRange) -> list[date]:
    """The UTC days that lie completely within a listed range: those that the listing covers."""
    first = -(-listed.after_ms // DAY_MS)
    return [_EPOCH + timedelta(days=number) for number in range(first, listed.before_ms // DAY_MS)]


def may_seal(day: date, *, listed_at_ms: int, complete: bool, details_missing: int) -> bool:
    """Whether a UTC day need not be listed again.

    `listed_at_ms` is when the listing began. `complete`: its last page was read and no item of the day was unreadable.
    `details_missing` counts the day's recorded calls whose recordings the source does not name yet.
    """
    return complete and details_missing == 0 and listed_at_ms >= day_start_ms(day) + (1 + SEALED_AFTER_DAYS) * DAY_MS


def fingerprint(options: Iterable[str], key_scopes: Iterable[str], parser_version: int) -> str:
    """How a day was listed, as 16 hex digits, whatever the order or repetition. Coverage under another fingerprint counts for nothing:
    with another option, a newly granted scope or a repaired parser, the same day may list more."""
    how = json.dumps([sorted(set(options)), sorted(set(key_scopes)), parser_version])
    return hashlib.sha256(how.encode()).hexdigest()[:16]
