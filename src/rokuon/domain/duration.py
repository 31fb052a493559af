"""Check the length of audio against the length that the source lists, or against plausible limits if it lists none.

The error of encoders is a fixed amount, not a percentage: they add a delay at the front and fill the last frame, 29 to 209 ms in total
(measured: docs/design/audio.md), and the Info frame states how much. So the same tolerance applies to a second and to an hour.
"""

from .audio import AudioFacts
from .failures import RecordingDamaged, RecordingDurationDiffers, RecordingTruncated

TOLERANCE_MS = 300
PER_JOIN_MS = 220
"""Each of several joined files adds its own encoder delay and padding."""

BEYOND_CALL_MS = 10_000
"""A recording may be this much longer than its call, because start and end of a call are those of only one of its legs."""


def check_length(facts: AudioFacts, listed_ms: int | None, call_ms: int | None) -> None:
    """Raises RecordingDurationDiffers if the audio is longer or shorter than `listed_ms`.

    0 and None mean that the source lists no length. Then the audio must not be much longer than the call, if the call's length is known;
    nor shorter than the length that the file itself states (RecordingTruncated); nor have gaps, since nothing explains them
    (RecordingDamaged).
    """
    if listed_ms:
        shortest = facts.duration_ms - facts.silent_ms - TOLERANCE_MS - facts.joins * PER_JOIN_MS
        if not shortest <= listed_ms <= facts.duration_ms + TOLERANCE_MS:
            raise RecordingDurationDiffers(f"{facts.duration_ms - facts.silent_ms} ms of audio, {listed_ms} ms listed")
        return
    if call_ms and facts.duration_ms > call_ms + BEYOND_CALL_MS:
        raise RecordingDurationDiffers(f"{facts.duration_ms} ms of audio, {call_ms} ms from start to end of the call")
    if facts.duration_ms + TOLERANCE_MS < facts.announced_ms:
        raise RecordingTruncated(f"{facts.duration_ms} of {facts.announced_ms} ms that the file says it has")
    if facts.has_gaps:
        raise RecordingDamaged("bytes between frames that are no audio, and no listed length that accounts for them")
