"""Prove that bytes are a complete MP3: frames follow one another from the first byte to the last, and all other bytes are identified.

Data that every player skips is skipped here too, with a name and a count: tags and padding around and between the frames of one file or
of several joined files, unknown bytes before or after the frames that are shorter than a frame, an incomplete last frame. Anything else
between two frames is damage. The CRC of a frame, if it has one, must match. Other bytes inside a frame are not examined. A cut exactly
between two frames is visible only in the duration, which `domain.duration` checks.
"""

import itertools
from dataclasses import dataclass
from math import gcd

from . import sniff, tags
from .failures import RecordingDamaged, RecordingEmpty, RecordingNotAudio, RecordingTruncated, RokuonError
from .mpeg import FOURTH, INFO_BYTES, INFO_WORDS, LONGEST, PLAIN_STEPS, Data, Frame, Info, checksum_fits, frame_at, info_frame, info_starts

_FIRST_PERIODS, _MOST_PERIODS = 1 << 8, 1 << 16
"""Number of periods compared in one step; it starts small, so that many short ranges cost no more than one long range. The maximum bounds
the memory for a range of any length."""
_CHAIN = 3
"""This many consecutive frames are required before bytes after unknown bytes count as audio."""
MOST_TAGS, MOST_JOINS = 16, 10_000
"""Limits of consecutive tags and padding, and of places where frames start again after other data. Each takes much more time than its few
bytes justify, so a file of only tags would keep a worker busy for a long time; no program writes so many."""
_CUTS, _TAGS_IN_A_ROW = 4, 4
"""Limits of the tag words that are tried inside a frame, and of the consecutive tags there."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Data that is not a frame: `what` it is, `where` it was (front, between, behind), how many times, and how many bytes in total."""

    what: str
    where: str
    times: int
    size: int


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """`frames` counts audio frames, `bitrate_kbps` is their average, `sample_rate` (Hz) the first one's.

    `silent_ms` is the padding around the sound that the encoder reports, `announced_ms` the length that the file itself states (0: none).
    `joins`: how many times frames start again after other data. `short_by`: bytes that are missing in the last frame. `checked`: frames
    that have a matching CRC.
    """

    format: str
    duration_ms: int
    frames: int
    bitrate_kbps: int
    sample_rate: int
    silent_ms: int = 0
    announced_ms: int = 0
    joins: int = 0
    short_by: int = 0
    checked: int = 0
    skipped: tuple[Skipped, ...] = ()

    @property
    def has_gaps(self) -> bool:
        """Whether data other than a tag is between two frames: it may have replaced audio."""
        return any(one.where == "between" and one.what in ("zeros", "line_ends", "short_frame") for one in self.skipped)


def inspect(data: Data) -> AudioFacts:
    """Return the facts of an MP3.

    Raises RecordingEmpty, RecordingNotAudio (with the likely format), RecordingTruncated (a tag at the front is cut) or RecordingDamaged
    (with the byte where the frames stop or a CRC does not match). Time is linear in the size for any bytes, and memory is bounded for a
    mapped file of any size.
    """
    if len(data) == 0:
        raise RecordingEmpty("no bytes")
    return _Inspection(data).run()


def looks(data: Data) -> sniff.DetectedFormat:
    """Return the likely format of bytes that `inspect` refused."""
    inspection = _Inspection(data)
    try:
        at = inspection.step_over(0)
    except RokuonError:
        at = 0
    found = _first_frames(data, at)
    if frame_at(data, at, len(data)) is not None or (found is not None and not _is_known(data, inspection.tags_end, found)):
        return sniff.DetectedFormat("damaged MP3", "mp3", "audio/mpeg")
    return sniff.looks_like(sniff.head_of(data, inspection.tags_end))


class _Inspection:
    def __init__(self, data: Data) -> None:
        self.data = data
        self.frames = self.audio_bytes = self.checked = self.infos = self.joins = self.short_by = self.sample_rate = 0
        self.last = 0
        """Offset of the last frame."""
        self.tags_end = 0
        """End of the tags at the front; padding may follow."""
        self.duration_ms = self.silent_ms = self.announced_ms = 0.0
        self.skipped: dict[tuple[str, str], list[int]] = {}
        """Count and bytes, by name and place."""
        self.waiting: dict[str, list[int]] = {}
        """The same since the last frame: its place is known only at the next frame or at the end."""

    def run(self) -> AudioFacts:
        at, size = 0, len(self.data)
        while (at := self.step_over(at)) < size:
            if not self.starts(at):
                at = self.step_over_unknown(at)
                if at == size:
                    break
            if self.frames or self.infos:
                self.joins += 1
                if self.joins > MOST_JOINS:
                    raise RecordingDamaged(f"frames begin again more than {MOST_JOINS} times")
                self.settle("between")
            else:
                self.settle("front")
            at = self.step_back(self.walk(self.step_over_info(at)))
        self.settle("behind" if self.frames or self.infos else "front")
        if self.frames == 0:
            raise self.nothing()
        if self.frames == 1 and not self.infos:
            # Four bytes may look like a header by chance; a second frame in the right place is a proof.
            raise RecordingNotAudio("a single frame")
        return AudioFacts(
            "mp3", round(self.duration_ms), self.frames, round(self.audio_bytes * 8 / self.duration_ms), self.sample_rate,
            round(self.silent_ms), round(self.announced_ms), self.joins, self.short_by, self.checked,
            tuple(Skipped(what, where, *counts) for (what, where), counts in sorted(self.skipped.items())),
        )  # fmt: skip

    def nothing(self) -> RokuonError:
        if self.skipped.keys() <= {("zeros", "front")} and not self.infos:
            return RecordingNotAudio("zeros")
        return RecordingEmpty("no audio frame" if self.infos else "a tag and no audio")

    # --- what is no frame ---------------------------------------------------------------------------------------------

    def step_over(self, at: int) -> int:
        """Return the end of the tags and padding that start at `at`. Raises RecordingNotAudio or RecordingDamaged for more than
        MOST_TAGS."""
        size, begun = len(self.data), at
        for number in itertools.count(1):
            if at >= size:
                break
            skip = tags.skip_at(self.data, at, size)
            if skip is None and self.frames and frame_at(self.data, at, size) is None:
                skip = tags.items_of_ape(self.data, at, size)
            if skip is None:
                break
            if number > MOST_TAGS:
                said = f"more than {MOST_TAGS} tags in a row from byte {begun} on"
                raise RecordingDamaged(said) if self.frames else RecordingNotAudio(said)
            if skip.cut and not self.frames:
                raise RecordingTruncated("ends inside a tag")
            if skip.name not in ("zeros", "line_ends"):
                self.tags_end = skip.end
            self.skip(f"{skip.name}_cut" if skip.cut else skip.name, skip.end - at)
            at = skip.end
        return at

    def skip(self, what: str, size: int) -> None:
        counts = self.waiting.setdefault(what, [0, 0])
        counts[0] += 1
        counts[1] += size

    def settle(self, where: str) -> None:
        for what, (times, size) in self.waiting.items():
            counts = self.skipped.setdefault((what, where), [0, 0])
            counts[0] += times
            counts[1] += size
        self.waiting.clear()

    def starts(self, at: int) -> bool:
        """Whether frames start here: a header, and after its frame another frame, the end, or known data."""
        data, size = self.data, len(self.data)
        frame = frame_at(data, at, size)
        if frame is None:
            return False
        following = at + frame.length
        if following >= size:
            return bool(self.frames) or self.info(at, frame) is not None
        return tags.goes_on(data, following, size)

    def step_back(self, at: int) -> int:
        """Return where known data starts inside the frame that ends at `at`, if nothing follows that frame: a tag or a joined file then cut
        the frame short, and it is not counted as a frame. Else return `at`: bytes may also be missing in the middle of a file."""
        data, size, last = self.data, len(self.data), self.last
        frame = frame_at(data, last, size)
        padded = bytes(data[at : at + 1]) in (b"\0", b"\r", b"\n")
        if at >= size or frame is None or self.frames < 2 or (tags.goes_on(data, at, size) and not padded):
            return at
        place = last + 4
        for _ in range(_CUTS):
            word = tags.find(data, place, min(size, at + 7), (*tags.WORDS, *INFO_WORDS), LONGEST)
            if word is None:
                break
            begin = self.known_from(word, last)
            if begin is not None and begin < at:
                self.frames -= 1
                self.duration_ms -= frame.duration_ms
                self.audio_bytes -= frame.length
                self.skip("short_frame", begin - last)
                return begin
            place = word + 1
        return at

    def known_from(self, word: int, last: int) -> int | None:
        """Return the start, after `last`, of the tag or Info frame with this word, if frames or the end follow it."""
        data, size = self.data, len(self.data)
        if bytes(data[word : word + 4]) in INFO_WORDS:
            for start in info_starts(word):
                frame = frame_at(data, start, size) if start > last else None
                if frame is not None and self.info(start, frame) is not None and self.starts(start):
                    return start
            return None
        at = word
        for _ in range(_TAGS_IN_A_ROW):
            skip = tags.skip_at(data, at, size)
            if skip is None or skip.cut:
                break
            at = skip.end
        return word if at > word and (at == size or self.starts(at)) else None

    def step_over_unknown(self, at: int) -> int:
        """Skip unknown bytes. Before the first frame, return where frames start; after the last frame, return the end."""
        data, size = self.data, len(self.data)
        if self.frames or self.infos:
            rest = bytes(data[at : at + LONGEST])
            if size - at > LONGEST or sniff.looks_like(rest[: sniff.SNIFFED_BYTES]).name in ("HTML", "XML", "JSON"):
                raise RecordingDamaged(f"no frame at byte {at}")
            if frame_at(data, at, size) is None:
                self.skip("unknown", size - at)
            else:
                self.walk(at)
            return size
        found = _first_frames(data, at)
        if found is None or _is_known(data, self.tags_end, found):
            if found is None and frame_at(data, at, size) is not None and size - at < 2 * LONGEST:
                raise RecordingNotAudio("a single frame")
            raise RecordingNotAudio(sniff.looks_like(sniff.head_of(data, self.tags_end)).name)
        self.skip("unknown", found - at)
        return found

    # --- frames -------------------------------------------------------------------------------------------------------

    def info(self, at: int, frame: Frame) -> Info | None:
        return info_frame(bytes(self.data[at : at + min(frame.length, INFO_BYTES)]))

    def step_over_info(self, at: int) -> int:
        frame = frame_at(self.data, at, len(self.data))
        if frame is None or at + frame.length > len(self.data):
            return at
        info = self.info(at, frame)
        if info is None:
            return at
        self.infos += 1
        self.silent_ms += info.silent * 1000 / frame.sample_rate
        self.announced_ms += info.frames * frame.duration_ms
        return at + frame.length

    def walk(self, at: int) -> int:
        """Count the frames from here and return where they stop. Constant bitrate runs at C speed, the rest frame by frame."""
        data, size = self.data, len(self.data)
        if not self.sample_rate and (first := frame_at(data, at, size)) is not None:
            self.sample_rate = first.sample_rate
        start = last = at
        at, frames, duration_ms = _walk_steady(data, at, size)
        last_header = size - 4
        steps = PLAIN_STEPS
        while at <= last_header:
            if data[at] != 0xFF or data[at + 3] & 3 == 2:
                break
            step = steps.get(data[at + 1] << 8 | data[at + 2])
            if step is None:
                frame = frame_at(data, at, size)
                if frame is None:
                    break
                self.check(at, frame)
                step = frame.length, frame.duration_ms
            last = at
            at += step[0]
            frames += 1
            duration_ms += step[1]
        if at > size:
            self.short_by = at - size
            at = size
        self.last = last
        self.frames += frames
        self.duration_ms += duration_ms
        self.audio_bytes += at - start
        return at

    def check(self, at: int, frame: Frame) -> None:
        whole = bytes(self.data[at : at + frame.length])
        if len(whole) < frame.length:
            return
        if not checksum_fits(whole):
            raise RecordingDamaged(f"the checksum of the frame at byte {at} does not fit")
        self.checked += 1


def _first_frames(data: Data, at: int) -> int | None:
    """Return where a chain of frames starts, at most one frame length after `at`."""
    size = len(data)
    near = bytes(data[at : at + LONGEST])
    offset = near.find(b"\xff", 0)
    while offset >= 0:
        place = at + offset
        for _ in range(_CHAIN):
            frame = frame_at(data, place, size)
            if frame is None or place + frame.length > size:
                break
            place += frame.length
        else:
            return at + offset
        offset = near.find(b"\xff", offset + 1)
    return None


def _is_known(data: Data, at: int, found: int) -> bool:
    """Whether the bytes before the frames are a page, a text or another format that contains frames by chance."""
    junk = bytes(data[at:found])
    name = sniff.looks_like(junk[: sniff.SNIFFED_BYTES]).name
    # Encoders pad frames with letters, so text alone is not a sign of another format.
    return name not in ("zeros", "text", "unknown data", "damaged MP3", "free-format MP3", "AAC", "MPEG layer 1", "MPEG layer 2")


def _walk_steady(data: Data, start: int, end: int) -> tuple[int, int, float]:
    """Walk a range of constant bitrate without CRCs, except its last period. Return where the last period starts, and the number of frames
    and the duration in ms before it; (start, 0, 0.0) if there is no such range.

    At a constant bitrate the pattern of padded frames repeats after a few frames (one, if frames need no padding; 49 in the 44.1 kHz
    family). So the same header byte of every period is at a fixed stride and is compared in one slice.
    """
    first = frame_at(data, start, end)
    if first is None or first.protected:
        return start, 0, 0.0
    rate_bits = first.samples // 8 * first.kbps * 1000
    period = first.sample_rate // gcd(rate_bits, first.sample_rate)
    stride = rate_bits * period // first.sample_rate
    periods = (end - start) // stride
    if periods < 2:
        return start, 0, 0.0
    headers = []
    at = start
    for _ in range(period):
        frame = frame_at(data, at, end)
        if frame is None or frame.protected or (frame.kbps, frame.sample_rate) != (first.kbps, first.sample_rate):
            return start, 0, 0.0
        headers.append((at - start, bytes({data[at + 1]}), bytes({data[at + 2], data[at + 2] ^ 1})))
        at += frame.length
    if at != start + stride:
        return start, 0, 0.0
    done, at_once = 0, _FIRST_PERIODS
    while done < periods:
        some = min(periods - done, at_once)
        base = start + done * stride
        for offset, second, third in headers:
            for shift, allowed in ((0, b"\xff"), (1, second), (2, third), (3, FOURTH)):
                seen = bytes(data[base + offset + shift : base + some * stride : stride])
                if seen.translate(None, allowed):
                    return _stretch(start, stride, done, period, first)
        done += some
        at_once = min(8 * at_once, _MOST_PERIODS)
    return _stretch(start, stride, periods, period, first)


def _stretch(start: int, stride: int, periods: int, period: int, frame: Frame) -> tuple[int, int, float]:
    # Leave the last period to `walk`, which must see where the last frame starts.
    periods = max(0, periods - 1)
    return start + periods * stride, periods * period, periods * period * frame.duration_ms
