"""Retry policy: decides whether a copy is tried again later, given up or held after a failed try.

The decision depends on the error's class, never on its text. Delays are seconds, times epoch ms UTC.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .copies import State
from .failures import (
    ChecksumRefused,
    Decision,
    HoldOn,
    ObjectMisread,
    RecordingDamaged,
    RecordingDurationDiffers,
    RecordingGone,
    RecordingNotAudio,
    RecordingNotReady,
    RecordingTruncated,
    RokuonError,
    SourceAnswerMalformed,
    SourceError,
    SourceNotFound,
    SourceThrottled,
    SourceUnavailable,
    StoreUnavailable,
)

_MINUTE = 60
_HOUR = 3600

AFTER_ERROR_S = (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 1 * _HOUR, 4 * _HOUR, 12 * _HOUR, 24 * _HOUR)
"""Waits after a try that used up an attempt; a copy that still fails after the last wait is failed."""

NOT_READY_S = (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 1 * _HOUR, 4 * _HOUR)
"""Waits for audio that is listed but not available yet; the last one repeats until 24 h after the first 404."""

NOT_READY_FOR_MS = 24 * _HOUR * 1000
NEGATIVES_FOR_GONE = 3

PROBE_S = (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 1 * _HOUR)
AWAY_PROBE_S = PROBE_S[:2]
"""An outage ends without a person's action, so its probes are more frequent than those of a fault that a person must fix."""

AWAY_AFTER_TRIES = 2
"""After this many failed tries of a copy, another failure holds the source: six minutes after the first one."""

BUCKET_AWAY_AFTER = 3
"""After this many copies in a row that a bucket did not accept, each tried three times within seconds, the bucket is held: otherwise the
audio fetched for the next ones would be wasted."""

THROTTLED_S = 1 * _MINUTE
"""The wait if the other side named none. Users of Dialpad's API report that a minute is enough."""

RETRY_AFTER_MIN_S = 1
RETRY_AFTER_MAX_S = 15 * _MINUTE
PAUSE_MAX_S = 24 * _HOUR
"""Longest pause of the whole company (a 429) that is obeyed as requested. No caller waits in place for more than RETRY_AFTER_MAX_S."""

READ_APART_S = 10 * _MINUTE
"""If two reads this far apart return the same bytes, the source is no longer writing the file."""

UNPROVEN = (RecordingNotAudio, RecordingTruncated, RecordingDamaged, RecordingDurationDiffers)

QUICK_S = (1.0, 5.0)
LOOK_S = (0.5, 2.0)
"""Waits before a store is asked again for an object's state. They are shorter, because such a request is often one of several in a step
that is itself retried."""
TRANSIENT = (SourceUnavailable, StoreUnavailable, RecordingTruncated, ChecksumRefused, ObjectMisread, SourceAnswerMalformed)
"""Faults that are retried in place within seconds. RecordingTooSlow is not one: it has used a place for a long time already, and a slow
line is no faster a second later."""


@dataclass(frozen=True, slots=True)
class History:
    """The ledger's data on a copy's tries before the current one, since it was entered or a person last retried it.

    `attempts` counts the tries that were used up, `negatives` those among them that ended in a 404; `first_negative_ms` is the time of the
    first of these. `still_listed`: a listing made after the first 404 still contains the recording. `read_sha256` is the hash of the
    latest bytes that were read and not proven, `read_ms` the time when they were first seen.
    """

    tries: int = 0
    negatives: int = 0
    first_negative_ms: int | None = None
    still_listed: bool = False
    read_sha256: str = ""
    read_ms: int | None = None

    def read_apart(self, sha256: str, now_ms: int) -> bool:
        """Whether the same bytes were read before, long enough ago."""
        return bool(sha256) and sha256 == self.read_sha256 and self.until_apart_s(now_ms) <= 0

    def until_apart_s(self, now_ms: int) -> float:
        """Return the seconds until another read can be a proof; 0 if it can be one now."""
        if not self.read_sha256 or self.read_ms is None:
            return 0
        return max(0.0, READ_APART_S - (now_ms - self.read_ms) / 1000)


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Stay pending, due in `after_s`. `spends`: the attempt number grows by one."""

    after_s: float
    spends: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Final until a person or a run asks for another try: `failed` or `gone`, with the reason code to show."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class WaitForHold:
    """Stay pending, without using up an attempt, until the hold on a source, a kind or a bucket lifts."""

    on: HoldOn
    reason: str


def decide(error: RokuonError, history: History, now_ms: int, read_sha256: str = "") -> RetryLater | GiveUp | WaitForHold:
    """Decide what happens after this error. `read_sha256` is the hash of audio that was read and not proven, "" if none was."""
    if error.decision is Decision.HOLD:
        # A hold without a `hold_on` would stop nothing and never end: holding the whole source is the safe choice.
        return WaitForHold(error.hold_on or HoldOn.SOURCE, error.reason)
    if isinstance(error, RecordingGone):
        return GiveUp(State.GONE, error.reason)
    if error.decision is Decision.NEVER:
        return GiveUp(State.FAILED, error.reason)
    named = _named_wait(error)
    if not error.spends:
        return RetryLater(THROTTLED_S if named is None else named, False)
    if isinstance(error, RecordingNotReady):
        return _not_ready(error, history, now_ms, named or 0)
    second = read_sha256 and isinstance(error, UNPROVEN)
    if second and history.read_apart(read_sha256, now_ms):
        return GiveUp(State.FAILED, error.reason)
    # 404s are counted separately: audio that was late must not use up the tries of the download that follows.
    errors = history.tries - history.negatives
    if errors >= len(AFTER_ERROR_S):
        return GiveUp(State.FAILED, error.reason)
    return RetryLater(max(AFTER_ERROR_S[errors], named or 0, READ_APART_S if second else 0), True)


def _not_ready(error: RecordingNotReady, history: History, now_ms: int, named_s: float) -> RetryLater | GiveUp:
    first_ms = now_ms if history.first_negative_ms is None else history.first_negative_ms
    left_ms = NOT_READY_FOR_MS - (now_ms - first_ms)
    if left_ms <= 0 and history.negatives + 1 >= NEGATIVES_FOR_GONE:
        # A recording is gone only if it is not listed either; one that is still listed without audio needs a person's attention.
        if history.still_listed:
            return GiveUp(State.FAILED, error.reason)
        return GiveUp(State.GONE, RecordingGone.reason)
    wait_s = float(NOT_READY_S[min(history.negatives, len(NOT_READY_S) - 1)])
    if left_ms > 0:
        wait_s = min(wait_s, max(left_ms / 1000, _MINUTE))
    return RetryLater(max(wait_s, named_s), True)


def _named_wait(error: RokuonError) -> float | None:
    """Return the wait that the other side asked for, within our limits; None if it named none, or not a number."""
    if error.retry_after is None or math.isnan(error.retry_after):
        return None
    return obeyed_pause(error.retry_after) if isinstance(error, SourceThrottled) else obeyed_wait(error.retry_after)


def obeyed_wait(asked_s: float) -> float:
    """Limit a wait that the other side asked for to 1 s to 15 min. After that Rokuon asks again, carefully."""
    return min(max(float(asked_s), RETRY_AFTER_MIN_S), RETRY_AFTER_MAX_S)


def obeyed_pause(asked_s: float) -> float:
    """Limit a pause of the whole company to 1 s to one day."""
    return min(max(float(asked_s), RETRY_AFTER_MIN_S), PAUSE_MAX_S)


def quick_delay(error: RokuonError, tries: int, waits: Sequence[float] | None = None) -> float | None:
    """Return the wait before another try in place, after `tries` quick tries; None if the copy goes back to the ledger.

    There are as many quick tries as `waits` (default: QUICK_S), for faults that usually disappear without action. Together they are one
    attempt.
    """
    waits = QUICK_S if waits is None else waits
    if not isinstance(error, TRANSIENT) or tries >= len(waits):
        return None
    named = _named_wait(error) or 0.0
    return None if named > waits[-1] else max(waits[tries], named)


def may_pass_at_once(error: RokuonError) -> bool:
    """Whether a listing with this error should be tried once more at once: the client has not retried it already, and it is not a hold."""
    return (
        isinstance(error, SourceError)
        and error.decision is not Decision.HOLD
        and not isinstance(error, (SourceThrottled, SourceUnavailable, SourceNotFound))
    )


def probe_delay(probes: int) -> int:
    """Return the seconds until a hold's next probe, after `probes` unsuccessful ones."""
    return PROBE_S[min(probes, len(PROBE_S) - 1)]
