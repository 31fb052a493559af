"""Whether audio is as long as the source says, or as it can be where the source says nothing.

The error of encoders is a sum and no share: they put a delay in front and fill the last frame, 29 to 209 ms in all (measured:
docs/design/audio.md), and the Info frame says how much. So a recording of an hour is judged as one of a second is.
"""

from .audio import AudioFacts
from .failures import RecordingDamaged, RecordingDurationDiffers, RecordingTruncated

TOLERANCE_MS = 300
PER_JOIN_MS = 220
"""Each of several joined files brings an encoder's delay and filling of its own."""

BEYOND_CALL_MS = 10_000
"""How much longer than its call a recording may be: start and end of a call are those of one of its legs."""


def check_length(facts: AudioFacts, listed_ms: int | None, call_ms: int | None) -> None:
    """Raises RecordingDurationDiffers where the audio is longer or shorter than `listed_ms` says.

    0 and None mean that the source did not tell: then the audio may not be much longer than the call, where that is known. Nor may it be
    shorter than the file says of itself (RecordingTruncated), nor have gaps, since nothing accounts for them (RecordingDamaged).
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
