"""Timing of the mails of a notice (rows C14-C16; docs/design/notices.md). Depends only on the notice's state and the current count.

A new notice is mailed once it has lasted `GATHER`, an increase after one hour, then two, four, eight; an open one once a day; its end once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .models import Notice, NoticeKind, Occasion

GATHER: Mapping[str, timedelta] = {
    NoticeKind.FAILED: timedelta(minutes=5),
    NoticeKind.GONE: timedelta(minutes=5),
    NoticeKind.HOLD: timedelta(minutes=2),
    NoticeKind.NOT_LISTED: timedelta(minutes=20),
    NoticeKind.UNLISTED: timedelta(minutes=20),
    NoticeKind.UNREADABLE: timedelta(minutes=20),
    NoticeKind.UNSEALED: timedelta(minutes=20),
}
"""How long a problem must last without a break before its first mail: one mail then counts a burst, and a problem that passes automatically
causes no mail. A machine that slept gets time to list and to seal again. The other kinds are detected late, so their mail is sent at
once."""

AT_MOST_EVERY = timedelta(hours=1)
LONGEST = timedelta(hours=24)
REMIND_EVERY = timedelta(hours=24)
JOINS_FROM = timedelta(hours=12)
"""A notice mailed this long ago joins a reminder that is written anyway, so that an office's causes come in one mail a day."""

ESCALATE_AFTER = timedelta(days=3)
OVER_AFTER = timedelta(minutes=15)
SAME_WITHIN = timedelta(hours=1)
"""A problem found again this soon after its end is the same one."""

QUIET = frozenset({NoticeKind.FAILED, NoticeKind.GONE, NoticeKind.UNNAMED, NoticeKind.EXPIRING, NoticeKind.UNLISTED, NoticeKind.UNREADABLE})
"""Kinds that wait for the summary while the first Back up now runs."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a notice when it was read (`models.Notice`)."""

    kind: str
    of_office: bool
    opened_at: datetime
    told_at: datetime | None = None
    told_count: int = 0
    times_told: int = 0
    escalated_at: datetime | None = None
    acknowledged_at: datetime | None = None
    clear_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class NoticeStep:
    """The decision about a notice: its state before any mail (`now`), the occasion to notify its audience (None: no mail), whether to
    notify the company's admins too, and whether it is over."""

    now: Seen
    occasion: Occasion | None = None
    escalate: bool = False
    over: bool = False


def seen(notice: Notice) -> Seen:
    return Seen(
        kind=notice.kind,
        of_office=notice.office_id is not None,
        opened_at=notice.opened_at,
        told_at=notice.told_at,
        told_count=notice.told_count,
        times_told=notice.times_told,
        escalated_at=notice.escalated_at,
        acknowledged_at=notice.acknowledged_at,
        clear_since=notice.clear_since,
    )


def decide(was: Seen, count: int, now: datetime, *, quiet: bool = False) -> NoticeStep:
    """Decide the next step. `count` is the current number of things, 0 if none is found. `quiet`: the company's first Back up now runs."""
    if count <= 0:
        return _absent(was, now)
    here = replace(was, clear_since=None)
    if was.clear_since is not None and not was.told_count:
        here = replace(here, opened_at=now)  # it was away, and nobody knows of it: it starts over
    # A fixed recording must not hide a new failure: another one that fails counts as new.
    here = replace(here, told_count=min(here.told_count, count))
    tell = None if quiet and was.kind in QUIET else _occasion(here, count, now)
    escalate = not quiet and tell in (None, Occasion.REMINDER) and _stays(here, now)
    return NoticeStep(here, tell, escalate)


def after_mail(was: Seen, occasion: Occasion, count: int, now: datetime) -> Seen:
    """Return the state after a mail about `count` things was queued."""
    if occasion is Occasion.ESCALATED:
        return replace(was, escalated_at=now)
    if occasion is Occasion.ENDED:
        return replace(was, told_at=now)
    # A reminder reports nothing new: an old failure that stays must not delay the mail about today's increase.
    return replace(was, told_at=now, told_count=count, times_told=was.times_told + (occasion is not Occasion.REMINDER))


def joins(was: Seen, count: int, now: datetime) -> bool:
    """Whether the notice joins a reminder that is written anyway."""
    return count > 0 and was.told_count > 0 and _reminded(was) and was.told_at is not None and now - was.told_at >= JOINS_FROM


def begun_again(was: Seen, now: datetime) -> Seen:
    """Return the state of a notice that ended within `SAME_WITHIN` and is found again. Its last mail still counts for the hour between two
    mails."""
    return replace(was, opened_at=now, clear_since=None, told_count=0)


def _absent(was: Seen, now: datetime) -> NoticeStep:
    away = replace(was, clear_since=was.clear_since or now)
    if now - (away.clear_since or now) < OVER_AFTER:
        return NoticeStep(away)
    # Nobody knows of a later beginning: it will be reported as a new problem.
    return NoticeStep(replace(away, told_count=0), Occasion.ENDED if was.told_count else None, over=True)


def _occasion(was: Seen, count: int, now: datetime) -> Occasion | None:
    since = None if was.told_at is None else now - was.told_at
    if not was.told_count:
        ripe = now - was.opened_at >= GATHER.get(NoticeKind(was.kind), timedelta(0))
        return Occasion.OPENED if ripe and (since is None or since >= AT_MOST_EVERY) else None
    if since is None:
        return None
    if count > was.told_count and since >= between(was.times_told):
        return Occasion.MORE
    return Occasion.REMINDER if _reminded(was) and since >= REMIND_EVERY else None


def between(times_told: int) -> timedelta:
    """Return how long an increase waits after this many mails."""
    return min(LONGEST, AT_MOST_EVERY * 2 ** min(times_told - 1, 10)) if times_told > 0 else AT_MOST_EVERY


def _reminded(was: Seen) -> bool:
    return was.kind != NoticeKind.GONE and was.acknowledged_at is None


def _stays(was: Seen, now: datetime) -> bool:
    """Whether to notify the company's admins that an office has not fixed it. An acknowledged notice is not fixed (C15)."""
    overdue = was.kind == NoticeKind.FAILED and was.of_office and now - was.opened_at >= ESCALATE_AFTER
    return overdue and was.told_count > 0 and was.escalated_at is None
