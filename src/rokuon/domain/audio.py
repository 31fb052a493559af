"""Proof that bytes are a whole MP3: frames follow one another from the first byte to the last, and what is no frame has a name.

What every player steps over is stepped over, named and counted: tags and padding around and between the frames of one file or of
several joined ones, a stretch in front or behind that is shorter than a frame, the end of a last frame. Anything else between two frames
is damage. A frame that carries a CRC must fit it. Bytes inside a frame are looked at no further; a cut exactly between two frames shows
only in the duration, hence `domain.duration`.
"""

import itertools
from dataclasses import dataclass
from math import gcd

from . import sniff, tags
from .failures import RecordingDamaged, RecordingEmpty, RecordingNotAudio, RecordingTruncated, RokuonError
from .mpeg import FOURTH, INFO_BYTES, INFO_WORDS, LONGEST, PLAIN_STEPS, Data, Frame, Info, checksum_fits, frame_at, info_frame, info_starts

_FIRST_PERIODS, _MOST_PERIODS = 1 << 8, 1 << 16
"""Compared at once, few at first: many short stretches cost no more than a long one, and memory stays bounded however long it is."""
_CHAIN = 3
"""Frames that follow one another before bytes behind unknown ones count as audio."""
MOST_TAGS, MOST_JOINS = 16, 10_000
"""Tags and stretches of padding in a row, and places where frames begin anew. Each costs far more time than its few bytes are worth, so a
file of nothing but tags would keep a worker busy for long; no program writes so many."""
_CUTS, _TAGS_IN_A_ROW = 4, 4
"""Words of tags that are tried inside a frame, and tags that may follow one another there."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was no frame: `what` it is, `where` it stood (front, between, behind), how many times, and how many bytes in all."""

    what: str
    where: str
    times: int
    size: int


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """`frames` counts audio frames, `bitrate_kbps` is their average, `sample_rate` (Hz) the first one's.

    `silent_ms` is what the encoder says that it put around the sound, `announced_ms` the length that the file says of itself (0: it says
    nothing). `joins`: how many times frames begin anew behind something else. `short_by`: bytes that the last frame lacks. `checked`:
    frames whose CRC was there, and fits.
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
        """Whether something other than a tag stands between two frames: it may have taken the place of audio."""
        return any(one.where == "between" and one.what in ("zeros", "line_ends", "short_frame") for one in self.skipped)


def inspect(data: Data) -> AudioFacts:
    """What kind of audio these bytes are.

    Raises RecordingEmpty, RecordingNotAudio (naming what it looks like), RecordingTruncated (a tag in front is cut) or RecordingDamaged
    (naming where the frames stop, or whose CRC does not fit). Time is linear in the size whatever the bytes are, and memory bounded for
    a mapped file of any size.
    """
    if len(data) == 0:
        raise RecordingEmpty("no bytes")
    return _Inspection(data).run()


def looks(data: Data) -> sniff.Looks:
    """What bytes are that `inspect` refused."""
    inspection = _Inspection(data)
    try:
        at = inspection.step_over(0)
    except RokuonError:
        at = 0
    found = _first_frames(data, at)
    if frame_at(data, at, len(data)) is not None or (found is not None and not _is_known(data, inspection.tags_end, found)):
        return sniff.Looks("damaged MP3", "mp3", "audio/mpeg")
    return sniff.looks_like(sniff.head_of(data, inspection.tags_end))


class _Inspection:
    def __init__(self, data: Data) -> None:
        self.data = data
        self.frames = self.audio_bytes = self.checked = self.infos = self.joins = self.short_by = self.sample_rate = 0
        self.last = 0
        """Where the last frame begins."""
        self.tags_end = 0
        """Where the tags in front end and padding may begin."""
        self.duration_ms = self.silent_ms = self.announced_ms = 0.0
        self.skipped: dict[tuple[str, str], list[int]] = {}
        """By name and place: how many times, and how many bytes."""
        self.waiting: dict[str, list[int]] = {}
        """The same, since the last frame: where that is, only the next frame or the end tells."""

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
                    raise RecordingDamaged(f"frames begin anew more than {MOST_JOINS} times")
                self.settle("between")
            else:
                self.settle("front")
            at = self.step_back(self.walk(self.step_over_info(at)))
        self.settle("behind" if self.frames or self.infos else "front")
        if self.frames == 0:
            raise self.nothing()
        if self.frames == 1 and not self.infos:
            # Four bytes that happen to look like a header are no proof; a second frame in the right place is.
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
        """Where the tags and the padding that begin at `at` end. Raises RecordingNotAudio or RecordingDamaged for more than MOST_TAGS."""
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
        """Whether frames begin here: a header, and behind its frame another, the end, or something known."""
        data, size = self.data, len(self.data)
        frame = frame_at(data, at, size)
        if frame is None:
            return False
        following = at + frame.length
        if following >= size:
            return bool(self.frames) or self.info(at, frame) is not None
        return tags.goes_on(data, following, size)

    def step_back(self, at: int) -> int:
        """Where something known begins inside the frame that ends at `at`, though nothing follows it: a tag behind that frame, or a file
        that was joined, so that it is short. It counts as no frame. Else `at`: bytes may as well be missing in the middle of a file."""
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
        """Where the tag or Info frame of this word begins, behind `last`, if frames or the end follow."""
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
        """Where frames begin behind bytes of no known kind, in front of all frames; the end, behind all of them."""
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
        """Count the frames from here on; where they stop. Constant bitrate at C speed, the rest frame by frame."""
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
    """Where a chain of frames begins, no further behind `at` than a frame is long."""
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
    """Whether the bytes in front of the frames are a page, a text or another format, which happens to hold frames."""
    junk = bytes(data[at:found])
    name = sniff.looks_like(junk[: sniff.SNIFFED_BYTES]).name
    # Encoders fill frames with letters, so text alone says nothing.
    return name not in ("zeros", "text", "unknown data", "damaged MP3", "free-format MP3", "AAC", "MPEG layer 1", "MPEG layer 2")


def _walk_steady(data: Data, start: int, end: int) -> tuple[int, int, float]:
    """As far as a constant bitrate without CRCs reaches, but for its last period: where that begins, and frames and duration in ms before
    it. (start, 0, 0.0) where there is none.

    At a constant bitrate the pattern of padded frames repeats after a few frames (one, where frames need no padding; 49 in the
    44.1 kHz family). So the same header byte of every period lies a fixed stride apart and is compared in one slice.
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
    # Where the last frame begins is seen by whoever walks to it.
    periods = max(0, periods - 1)
    return start + periods * stride, periods * period, periods * period * frame.duration_ms
