"""Makes the simulator's voice clips: src/rokuon/simulator/assets/voices-<kbit/s>.mp3 (needs lameenc, a dev dependency).

Each file contains CLIPS clips of FRAMES frames of MPEG-2.5 Layer III, 8 kHz mono, constant bit rate. Every clip is encoded separately, so
its first frame borrows no bits from the frame before it, and clips may be joined in any order and cut at any frame.

    python tools/make_voices.py
"""

import math
import random
import struct
from pathlib import Path

import lameenc

ASSETS = Path(__file__).parent.parent / "src/rokuon/simulator/assets"
RATE, FRAMES, CLIPS, SAMPLES_PER_FRAME = 8000, 14, 24, 576
VOWELS = [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410), (640, 1190, 2390)]


def speech(rng: random.Random) -> bytes:
    """Return about one second of three sung syllables, 16-bit PCM."""
    total = FRAMES * SAMPLES_PER_FRAME
    pitch = rng.choice([105, 120, 180, 210]) * rng.uniform(0.92, 1.08)
    samples, phase = [], 0.0
    syllables = [(rng.choice(VOWELS), rng.uniform(-0.15, 0.15)) for _ in range(3)]
    for n in range(total):
        position = 3 * n / total
        formants, glide = syllables[min(int(position), 2)]
        within = position % 1
        phase += 2 * math.pi * pitch * (1 + glide * within) / RATE
        value = 0.0
        for harmonic in range(1, int(3400 / pitch)):
            weight = sum(math.exp(-(((harmonic * pitch - f) / 140) ** 2)) / (i + 1) for i, f in enumerate(formants))
            value += (weight + 0.02) * math.sin(harmonic * phase) / harmonic**0.4
        samples.append(int(max(-1.0, min(1.0, value * 0.4 * math.sin(math.pi * within) ** 1.5)) * 20000))
    return struct.pack(f"<{total}h", *samples)


def encode(pcm: bytes, kbps: int) -> bytes:
    """Encode to exactly FRAMES frames; the first is independent of any other."""
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(kbps)
    encoder.set_in_sample_rate(RATE)
    encoder.set_out_sample_rate(RATE)
    encoder.set_channels(1)
    encoder.set_quality(2)
    data = bytes(encoder.encode(pcm) + encoder.flush())
    size = 72 * kbps // 8
    frames = [data[i : i + size] for i in range(0, len(data), size)]
    if b"Xing" in frames[0] or b"Info" in frames[0] or b"LAME" in frames[0]:
        frames = frames[1:]
    frames = frames[:FRAMES]
    assert len(frames) == FRAMES
    assert all(len(f) == size and f[:2] == b"\xff\xe3" for f in frames)
    assert frames[0][4] == 0, "the first frame must not borrow bits"
    assert all(f[5] & 0x80 == 0 for f in frames), "the private bit is where the simulator stamps a recording's number"
    return b"".join(frames)


def main() -> None:
    rng = random.Random(8000)
    clips = [speech(rng) for _ in range(CLIPS)]
    ASSETS.mkdir(exist_ok=True)
    for kbps in (8, 16):
        (ASSETS / f"voices-{kbps}.mp3").write_bytes(b"".join(encode(pcm, kbps) for pcm in clips))


if __name__ == "__main__":
    main()
