"""Parser for the Retry-After header of other servers: any known form, in seconds.

RFC 9110 defines whole seconds and three forms of dates, all in UTC. Servers also send fractions, units, ISO dates and a time as a number.
A value that cannot be parsed still asks to wait, so it means one minute and never "at once".
"""

import math
import re
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz

UNREADABLE_S = 60.0
"""Users of Dialpad's API report that waiting a minute is enough."""

LONGEST_S = 30 * 86_400.0
"""Longer than any server means. The code that waits has a shorter limit of its own (`domain.retry`)."""

_NUMBER = re.compile(r"([+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:e[+-]?[0-9]{1,3})?)\s*([a-z]*)\.?", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{19,}", re.ASCII)
_UNITS = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}
_YEAR_S = 366 * 86_400


def seconds_asked(header: str | None, *, now_ms: int, date: str | None = None) -> float | None:
    """Return seconds from 0 to LONGEST_S; None without the header, UNREADABLE_S if it cannot be parsed.

    A date is compared with `date`, the response's own Date header, since the two clocks may differ; without it, with `now_ms`.
    """
    if header is None:
        return None
    text = header.strip().strip("\"'").strip()
    now_s = (now_ms if (sent_ms := epoch_ms_of(date or "")) is None else sent_ms) / 1000
    seconds = _as_number(text, now_s)
    if seconds is None and (until_ms := epoch_ms_of(text)) is not None:
        seconds = until_ms / 1000 - now_s
    return UNREADABLE_S if seconds is None else min(max(seconds, 0.0), LONGEST_S)


def epoch_ms_of(date: str) -> int | None:
    """Parse a date in an HTTP form (RFC 1123, RFC 850, asctime) or ISO 8601 into epoch milliseconds; None if it cannot be parsed.

    A date without a zone is in UTC, never in this machine's zone.
    """
    try:
        if (parts := parsedate_tz(date)) is not None:
            return int(mktime_tz(parts)) * 1000
        found = datetime.fromisoformat(date.strip())
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _as_number(text: str, now_s: float) -> float | None:
    if _DIGITS.fullmatch(text):
        return LONGEST_S
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in _UNITS:
        return None
    value = float(match[1])
    if not match[2]:
        # A number within a year of now is a point in time, in seconds or milliseconds: no server asks for a wait of fifty years.
        for point in (value, value / 1000):
            if abs(point - now_s) < _YEAR_S < now_s:
                return point - now_s
    seconds = value * _UNITS[match[2].lower()]
    return seconds if math.isfinite(seconds) else LONGEST_S
