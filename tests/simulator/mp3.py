"""An MP3 reader of the tests' own: walks frames by their headers, and knows nothing of how the simulator makes them."""

_KBPS = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]


def frames(data: bytes) -> list[bytes]:
    """All frames of an MPEG-2.5 Layer III file; fails unless they fill it from the first byte to the last."""
    found, at = [], 0
    while at < len(data):
        head = int.from_bytes(data[at : at + 4], "big")
        assert head >> 21 == 0x7FF, f"no frame sync at byte {at} of {len(data)}"
        assert head >> 19 & 3 == 0, "MPEG 2.5"
        assert head >> 17 & 3 == 1, "Layer III"
        assert head >> 10 & 3 == 2, "8 kHz"
        assert head >> 6 & 3 == 3, "mono"
        size = 72 * _KBPS[head >> 12 & 15] * 1000 // 8000 + (head >> 9 & 1)
        assert at + size <= len(data), "the last frame is cut"
        found.append(data[at : at + size])
        at += size
    return found


def milliseconds(data: bytes) -> float:
    return len(frames(data)) * 576 / 8


def borrows(frame: bytes) -> int:
    """main_data_begin: how many bytes of earlier frames this one needs."""
    return frame[4]
