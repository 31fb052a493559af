"""Time ranges to list, and the days that need not be listed again (seals).

Coverage is counted in whole UTC days, because a day is then one row for a target in any zone. Dates that people enter (two years back, a
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
"""Dialpad refuses a range of 30 days. One day less allows its client to widen a window by a millisecond on either side."""

SEALED_AFTER_DAYS = 35
"""A recording may appear this late in an old day's listing; the weekly sweep goes back equally far (docs/design/ledger.md)."""

_EPOCH = date(1970, 1, 1)
_FIRST_DAY = date(2000, 1, 1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def day_of(time_ms: int) -> date:
    """Return the UTC day that a time belongs to."""
    return _EPOCH + timedelta(days=time_ms // DAY_MS)


def day_start_ms(day: date) -> int:
    return (day - _EPOCH).days * DAY_MS


def local_date(time_ms: int, timezone_name: str) -> date:
    """Return the local date in that zone."""
    return datetime.fromtimestamp(time_ms // 1000, zone(timezone_name)).date()


def local_midnight_ms(day: date, timezone_name: str) -> int:
    """Return the first instant of a local date. If its midnight is skipped (Africa/Cairo), the instant at which the clock jumps past it."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone(timezone_name))
    latest = int(wall.timestamp())
    if datetime.fromtimestamp(latest, UTC).astimezone(wall.tzinfo).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return latest * 1000
    # The jump is between the two interpretations of the skipped time: fold=1 uses the offset after the jump.
    earliest = int(wall.replace(fold=1).timestamp())
    while earliest < latest:
        middle = (earliest + latest) // 2
        if local_date(middle * 1000, timezone_name) >= day:
            latest = middle
        else:
            earliest = middle + 1
    return latest * 1000


def local_span_ms(day: date, timezone_name: str) -> tuple[int, int]:
    """Return when a local date begins and when the next one does."""
    return local_midnight_ms(day, timezone_name), local_midnight_ms(day + timedelta(days=1), timezone_name)


def two_years_before(today: date) -> date:
    """Return the first date of a Back up now (article point M11); 28 February for a 29th."""
    try:
        return today.replace(year=today.year - 2)
    except ValueError:
        return today.replace(year=today.year - 2, day=28)


def past_two_years(now_ms: int, timezone_name: str) -> TimeRange:
    """Return the range from local midnight two years ago, inclusive, until now."""
    first = two_years_before(local_date(now_ms, timezone_name))
    return TimeRange(local_midnight_ms(first, timezone_name), now_ms)


def asked_range(
    since: str | None, until: str | None, *, now_ms: int, timezone_name: str, translate: Callable[[str], str] = N_
) -> TimeRange:
    """Return the range from the first to the last local date that a person entered, both inclusive; it ends now at the latest.

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
    """Return the parts of `wanted` outside sealed days, oldest first, none in the future.

    Adjacent days are joined and then cut at UTC midnights into windows of at most 29 days, and at the start of each day in `cuts`. The
    first and the last day may be part of a day. An empty or reversed range gives an empty list.
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
    """Return the UTC days that are completely within a listed range: those that the listing covers."""
    first = -(-listed.after_ms // DAY_MS)
    return [_EPOCH + timedelta(days=number) for number in range(first, listed.before_ms // DAY_MS)]


def may_seal(day: date, *, listed_at_ms: int, complete: bool, details_missing: int) -> bool:
    """Whether a UTC day need not be listed again.

    `listed_at_ms` is when the listing began. `complete`: its last page was read and no item of the day was unreadable.
    `details_missing` counts the day's recorded calls whose recordings the source does not list yet.
    """
    return complete and details_missing == 0 and listed_at_ms >= day_start_ms(day) + (1 + SEALED_AFTER_DAYS) * DAY_MS


def fingerprint(options: Iterable[str], key_scopes: Iterable[str], parser_version: int) -> str:
    """Return 16 hex digits that identify how a day was listed, independent of order and repetition. Coverage with another fingerprint does
    not count: with another option, a newly granted scope or a fixed parser, the same day may list more."""
    how = json.dumps([sorted(set(options)), sorted(set(key_scopes)), parser_version])
    return hashlib.sha256(how.encode()).hexdigest()[:16]
