"""Audio of a recording: real MP3 (MPEG-2.5 Layer III, 8 kHz mono, 8 or 16 kbit/s), generated from its id only and always different.

All bytes are valid frames, and the length matches the listed duration to within one frame (72 ms). The speech is joined from clips
that were encoded separately (tools/make_voices.py). The private bits of the first frames encode the recording's serial number, so
two recordings differ even if their clips are equal. Decoders ignore that bit.
"""

import random
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from .model import Recording

FRAME_MS = 72
CLIP_FRAMES = 14
STAMP_BITS = 40
_BLOCK_CLIPS = 512
# Above this many bytes a recording is streamed and never in memory as a whole.
WHOLE_LIMIT = 16 * 2**20


def frame_bytes(kbps: int) -> int:
    """Return the bytes of one frame: 576 samples at 8 kHz."""
    return 9 * kbps


def frames(recording: Recording) -> int:
    """Return the number of frames nearest to the listed duration, at least one."""
    return max(1, round(recording.duration_ms / FRAME_MS))


def size(recording: Recording) -> int:
    """Return the length in bytes."""
    return frames(recording) * frame_bytes(recording.kbps)


@lru_cache(maxsize=2)
def _clips(kbps: int) -> tuple[bytes, ...]:
    data = files(__package__).joinpath(f"assets/voices-{kbps}.mp3").read_bytes()
    step = CLIP_FRAMES * frame_bytes(kbps)
    return tuple(data[i : i + step] for i in range(0, len(data), step))


def pieces(recording: Recording) -> Iterator[bytes]:
    """Yield the bytes in order, in pieces of at most 1 MiB."""
    clips, step = _clips(recording.kbps), frame_bytes(recording.kbps)
    rng = random.Random(recording.id)
    left, first = size(recording), True
    while left > 0:
        piece = bytearray(b"".join(rng.choices(clips, k=min(_BLOCK_CLIPS, -(-left // (CLIP_FRAMES * step))))))[:left]
        if first:
            for bit in range(min(STAMP_BITS, len(piece) // step)):
                if recording.serial >> bit & 1:
                    piece[bit * step + 5] |= 0x80
            first = False
        left -= len(piece)
        yield bytes(piece)


def whole(recording: Recording) -> bytes:
    """Return all bytes at once; for recordings up to WHOLE_LIMIT."""
    return b"".join(pieces(recording))


class AudioCache:
    """Cache of the most recently used audio, at most limit bytes."""

    def __init__(self, limit: int = 64 * 2**20) -> None:
        self._limit, self._held = limit, 0
        self._items: OrderedDict[int, bytes] = OrderedDict()

    def get(self, recording: Recording) -> bytes:
        data = self._items.get(recording.id)
        if data is not None:
            self._items.move_to_end(recording.id)
            return data
        data = self._items[recording.id] = whole(recording)
        self._held += len(data)
        while self._held > self._limit:
            self._held -= len(self._items.popitem(last=False)[1])
        return data
