"""What happens to a copy after a try failed: again after a time, given up, or held.

Decided by the error's class alone. Delays are seconds, times epoch ms UTC.
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
"""The waits after a try that spent an attempt; after the last one the copy has failed."""

NOT_READY_S = (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 1 * _HOUR, 4 * _HOUR)
"""The waits for audio that a listing promises; the last one repeats until 24 h after the first 404."""

NOT_READY_FOR_MS = 24 * _HOUR * 1000
NEGATIVES_FOR_GONE = 3

PROBE_S = (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 1 * _HOUR)
AWAY_PROBE_S = PROBE_S[:2]
"""An outage ends without anybody's doing, so it is asked about more often than what a person has to mend."""

AWAY_AFTER_TRIES = 2
"""So many tries met an outage before the one that holds the source: with their waits, six minutes."""

BUCKET_AWAY_AFTER = 3
"""So many copies in a row, each tried three times within seconds, that a bucket did not take hold it: what is fetched for the next ones
would be thrown away."""

THROTTLED_S = 1 * _MINUTE
"""Where the other side named no time. Users of Dialpad's API report that a minute is what it takes."""

RETRY_AFTER_MIN_S = 1
RETRY_AFTER_MAX_S = 15 * _MINUTE
PAUSE_MAX_S = 24 * _HOUR
"""So long a pause of the whole company (a 429) is obeyed as it was named. For more than RETRY_AFTER_MAX_S nobody waits in place."""

READ_APART_S = 10 * _MINUTE
"""Two reads so far apart that bring the same bytes are what the source has: it is not writing any more."""

UNPROVEN = (RecordingNotAudio, RecordingTruncated, RecordingDamaged, RecordingDurationDiffers)

QUICK_S = (1.0, 5.0)
LOOK_S = (0.5, 2.0)
"""The waits before a store is asked once more what it holds. Shorter: such a question is often one of several in a step that is itself
tried again."""
TRANSIENT = (SourceUnavailable, StoreUnavailable, RecordingTruncated, ChecksumRefused, ObjectMisread, SourceAnswerMalformed)
"""Not RecordingTooSlow: it has held a place for long, and a slow line is no faster a second later."""


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger knows about a copy before the try that just failed, since it was entered or a person last had it tried again.

    `attempts` counts the tries that were spent, `negatives` those among them that ended in a 404; `first_negative_ms` is when the
    first of these was seen. `still_listed`: a listing made after the first 404 names the recording all the same. `read_sha256` is of the
    latest bytes that were read and not proven, `read_ms` when they were first seen.
    """

    attempts: int = 0
    negatives: int = 0
    first_negative_ms: int | None = None
    still_listed: bool = False
    read_sha256: str = ""
    read_ms: int | None = None

    def read_apart(self, sha256: str, now_ms: int) -> bool:
        """Whether these very bytes were read before, long enough ago."""
        return bool(sha256) and sha256 == self.read_sha256 and self.until_apart_s(now_ms) <= 0

    def until_apart_s(self, now_ms: int) -> float:
        """Seconds until another read says something; 0 where one does now."""
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
    """Final until somebody asks for it: `failed` or `gone`, with the reason code to show."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class WaitForHold:
    """Stay pending, no attempt spent, until the hold on a source, a kind or a bucket lifts."""

    on: HoldOn
    reason: str


def decide(error: RokuonError, history: History, now_ms: int, read_sha256: str = "") -> RetryLater | GiveUp | WaitForHold:
    """`read_sha256` is of the audio that was read and not proven, "" where none was."""
    if error.decision is Decision.HOLD:
        # A hold that does not say on what would stop nothing and end never: the widest cause is the safe reading.
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
    # 404s have a clock of their own: audio that was late must not use up the tries of the download that follows.
    errors = history.attempts - history.negatives
    if errors >= len(AFTER_ERROR_S):
        return GiveUp(State.FAILED, error.reason)
    return RetryLater(max(AFTER_ERROR_S[errors], named or 0, READ_APART_S if second else 0), True)


def _not_ready(error: RecordingNotReady, history: History, now_ms: int, named_s: float) -> RetryLater | GiveUp:
    first_ms = now_ms if history.first_negative_ms is None else history.first_negative_ms
    left_ms = NOT_READY_FOR_MS - (now_ms - first_ms)
    if left_ms <= 0 and history.negatives + 1 >= NEGATIVES_FOR_GONE:
        # Deleted is only what the listing forgot too; a recording that is still listed without audio is for a person to look at.
        if history.still_listed:
            return GiveUp(State.FAILED, error.reason)
        return GiveUp(State.GONE, RecordingGone.reason)
    wait_s = float(NOT_READY_S[min(history.negatives, len(NOT_READY_S) - 1)])
    if left_ms > 0:
        wait_s = min(wait_s, max(left_ms / 1000, _MINUTE))
    return RetryLater(max(wait_s, named_s), True)


def _named_wait(error: RokuonError) -> float | None:
    """The wait that the other side asked for, as far as it is obeyed; None where it named none, or no number."""
    if error.retry_after is None or math.isnan(error.retry_after):
        return None
    return obeyed_pause(error.retry_after) if isinstance(error, SourceThrottled) else obeyed_wait(error.retry_after)


def obeyed_wait(asked_s: float) -> float:
    """How long a wait that the other side asked for is obeyed: between 1 s and 15 min. Then Rokuon asks again, carefully."""
    return min(max(float(asked_s), RETRY_AFTER_MIN_S), RETRY_AFTER_MAX_S)


def obeyed_pause(asked_s: float) -> float:
    """How long a pause of the whole company is obeyed: between 1 s and a day."""
    return min(max(float(asked_s), RETRY_AFTER_MIN_S), PAUSE_MAX_S)


def quick_delay(error: RokuonError, tries: int, waits: Sequence[float] | None = None) -> float | None:
    """The wait before trying again in place, after `tries` quick tries; None where the copy goes back to the ledger.

    As many quick tries as there are `waits` (QUICK_S where none are given), for what usually passes by itself. They are one attempt
    together.
    """
    waits = QUICK_S if waits is None else waits
    if not isinstance(error, TRANSIENT) or tries >= len(waits):
        return None
    named = _named_wait(error) or 0.0
    return None if named > waits[-1] else max(waits[tries], named)


def may_pass_at_once(error: RokuonError) -> bool:
    """Whether a listing that failed so is worth one more try at once: what was not tried again by the client already, and no hold."""
    return (
        isinstance(error, SourceError)
        and error.decision is not Decision.HOLD
        and not isinstance(error, (SourceThrottled, SourceUnavailable, SourceNotFound))
    )


def probe_delay(probes: int) -> int:
    """How long a hold waits before its next probe, after `probes` in vain."""
    return PROBE_S[min(probes, len(PROBE_S) - 1)]
