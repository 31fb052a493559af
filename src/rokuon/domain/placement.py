"""Object key of a recording, in one portable form that every store and Windows disks accept.

`call-recordings/<center or team name>/<YYYY-MM-DD>/<agent> - <call id> - <recording id>.mp3` (article point M9). Names come from
another system and are untrusted; they are only for people. The ids make a key unique and are parsed back. A key is frozen in the ledger
before the first byte is fetched, so a later version of these rules, or of Python's Unicode tables, never moves an object.
"""

import hashlib
import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .clocks import DAY_MS

PREFIX = "call-recordings"
ASIDE = ".rokuon-aside"
"""The folder of unproven audio. No target's folder has this name, because none starts with a dot."""

SEGMENT_BYTES = 255
LEAST_SEGMENT_BYTES = 128
"""On a disk that accepts only shorter names, an agent's name does not fit beside two ids."""
FOLDER_BYTES = 180
AGENT_BYTES = 120
UNKNOWN_AGENT = "unknown-agent"
UNKNOWN_CENTER = "unknown-center"

_HASH_BYTES = 9  # "~" and eight hex digits
ASIDE_BYTES = 17  # what `aside_key` adds to a name that ends in ".mp3"
_LEAST_AGENT_BYTES = 32
_CACHED_CHARS = 256
_CACHED_CODE_POINTS = 20_000

_REMOVED_RANGES = [(0x202A, 0x202E), (0x2060, 0x206F), (0xFFF9, 0xFFFB), (0x1D173, 0x1D17A), (0xE0000, 0xE007F)]
# Bidi controls, zero-width space, word joiner and the invisible operators, BOM, soft hyphen, annotations, tag characters.
# ZWJ and ZWNJ are not among them, and no variation selector: names such as 辻󠄀 need theirs.
_REMOVED = frozenset(point for first, last in _REMOVED_RANGES for point in range(first, last + 1)).union(
    [0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF]
)
_LOOK_ALIKES = str.maketrans('/\\#[]*?<>:"|%', "／＼＃［］＊？＜＞：＂｜％")
# At the start of a name, a shell reads "-rf" as an option, "~user" as a home folder and "=cmd" (zsh) as a program; a spreadsheet reads text
# that starts with = + - @ as a formula. A leading dot hides the folder. Elsewhere in a name these characters are harmless.
_FIRST = {".": "．", "~": "～", "-": "－", "=": "＝", "+": "＋", "@": "＠"}
_SPACES = re.compile(" {2,}")
# Hangul fillers and joiners are invisible: a name that consists only of them counts as empty.
_INVISIBLE = frozenset("\u200c\u200d\u115f\u1160\u3164\uffa0\u034f ") | {"\u3000"}
_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(?:COM|LPT)[0-9¹²³]) *\Z", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_EXT = re.compile(r"[a-z0-9]{1,5}\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_KEY = re.compile(
    rf"{PREFIX}/(?P<folder>[^/]+)/(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})/"
    r"(?P<agent>[^/]+) - (?P<call>[A-Za-z0-9_-]{1,64}) - (?P<recording>[A-Za-z0-9_-]{1,64})\.(?P<ext>[a-z0-9]{1,5})\Z"
)


class _Clean(dict[int, str | None]):
    """Replacement of each code point before normalisation, computed at its first use."""

    def __missing__(self, point: int) -> str | None:
        char = chr(point)
        category = unicodedata.category(char)
        answer: str | None
        if point in _REMOVED:
            answer = None
        elif category in ("Cs", "Cn", "Co"):
            answer = "\ufffd"
        elif category in ("Cc", "Zl", "Zp") or (category == "Zs" and point != 0x3000):
            answer = " "
        else:
            answer = char
        if len(self) < _CACHED_CODE_POINTS:
            self[point] = answer
        return answer


_CLEAN = _Clean()


def _sticks(before: str, char: str, flags: int) -> bool:
    """Whether `char` belongs to the same visible character as `before`; `flags` counts the regional indicators directly before."""
    point = ord(char)
    if point < 0x300:
        return False
    if before == "\u200d" or char in "\u200c\u200d\uff9e\uff9f" or unicodedata.category(char) in ("Mn", "Mc", "Me"):
        return True
    if 0x1F3FB <= point <= 0x1F3FF:
        return True
    if 0x1160 <= point <= 0x11FF and ("\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"):
        return True
    return 0x1F1E6 <= point <= 0x1F1FF and flags % 2 == 1


def _cut(text: str, limit: int) -> str:
    """Return the longest prefix of `text` within `limit` bytes that ends between visible characters.

    A single visible character longer than the limit (a letter with a hundred accents) is cut between code points.
    """
    size = fits = whole = flags = 0
    before = ""
    for index, char in enumerate(text):
        if not _sticks(before, char, flags):
            whole = index
        size += len(char.encode())
        if size > limit:
            break
        fits = index + 1
        flags = flags + 1 if "\U0001f1e6" <= char <= "\U0001f1ff" else 0
        before = char
    return text[: whole or fits]


def _safe(raw: str, limit: int, fallback: str) -> str:
    name = unicodedata.normalize("NFC", raw.translate(_CLEAN)).translate(_LOOK_ALIKES)
    name = _SPACES.sub(" ", name).strip(" \u3000")
    if all(char in _INVISIBLE or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" for char in name):
        return fallback
    if not name.strip("."):
        name = "．" * len(name)
    name = _FIRST.get(name[0], name[0]) + name[1:]
    if name[-1] == ".":
        name = name[:-1] + "．"
    stem, dot, rest = name.partition(".")
    if _DEVICE.match(stem):
        name = f"{stem}_{dot}{rest}"
    if len(name.encode()) > limit:
        digest = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[: _HASH_BYTES - 1]
        name = f"{_cut(name, limit - _HASH_BYTES).rstrip(' 　')}~{digest}"
    return name


_safe_cached = lru_cache(maxsize=8192)(_safe)


def safe_name(raw: str | None, *, limit_bytes: int, fallback: str) -> str:
    """Return a name that is one path segment on every system, at most `limit_bytes` (32 or more) of UTF-8; `fallback` if nothing is left.

    NFC, never NFKC, which would turn `／` into a real slash. One-way and idempotent. A cut name ends in a hash of the original, so that
    people can distinguish two long names.
    """
    if not isinstance(raw, str) or not raw:
        return fallback
    return (_safe_cached if len(raw) <= _CACHED_CHARS else _safe)(raw, limit_bytes, fallback)


def agent_name(raw: str | None) -> str:
    return safe_name(raw, limit_bytes=AGENT_BYTES, fallback=UNKNOWN_AGENT)


def folder_name(raw: str | None) -> str:
    return safe_name(raw, limit_bytes=FOLDER_BYTES, fallback=UNKNOWN_CENTER)


def folder_key(name: str) -> str:
    """Return a key for comparing folders: two with equal keys are one folder on a disk that ignores case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def numbered_folder(name: str, target_id: str, again: int = 1) -> str:
    """Return `<name> (<id>)`, at most 180 bytes: the folder of a second target with the same name. `again` above 1 adds a number."""
    number = safe_id(target_id) if again == 1 else f"{safe_id(target_id)}-{again}"
    suffix = f" ({number})"
    return safe_name(name, limit_bytes=FOLDER_BYTES - len(suffix), fallback=UNKNOWN_CENTER) + suffix


def free_folder(raw_name: str | None, target_id: str, taken: Container[str]) -> str:
    """Return the folder of a target at its first backup. `taken` contains the `folder_key` of every folder of the bucket."""
    name = folder = folder_name(raw_name)
    again = 0
    while folder_key(folder) in taken:
        again += 1
        folder = numbered_folder(name, target_id, again)
    return folder


def safe_id(raw: str) -> str:
    """Return an id that is safe in a key. Dialpad's ids are digits and stay unchanged; other ids may become a hash."""
    return raw if _ID.match(raw) else _hashed(raw)


def _hashed(raw: str) -> str:
    return "h" + hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """Return the zone of a tz database name; UTC for an empty or unknown name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: a name such as "America" is a folder of the database.
        return UTC


def date_folder(started_ms: int, timezone_name: str) -> str:
    """Return the local date on which the call started, `YYYY-MM-DD`. `started_ms` is epoch ms UTC, between the years 1 and 9999."""
    return datetime.fromtimestamp(started_ms // 1000, zone(timezone_name)).date().isoformat()


_YEAR_2000_MS = 946_684_800_000


def placing_time(started_ms: int | None, ended_ms: int | None, noticed_ms: int) -> int:
    """Return the time whose date names the folder: the call's start; else its end; else the time when Rokuon noticed the call.

    A time is not used if it is missing, before 2000 (also seconds mistaken for ms), or more than a day after the call was noticed.
    """
    for time_ms in (started_ms, ended_ms):
        if time_ms is not None and _YEAR_2000_MS <= time_ms <= noticed_ms + DAY_MS:
            return time_ms
    return noticed_ms


@lru_cache(maxsize=4096)
def _refuse_unsafe(folder: str, date: str, ext: str) -> None:
    # A folder comes frozen from the ledger and is not sanitised again: a newer Unicode table must not rename it.
    if not folder.strip(". ") or folder.startswith(".") or _UNSAFE.search(folder) or len(folder.encode()) > SEGMENT_BYTES:
        raise ValueError("not a folder of the layout")
    if not _DATE.match(date) or not _EXT.match(ext):
        raise ValueError("not a date folder or an extension of the layout")


def object_key(
    folder: str, date: str, agent: str | None, call_id: str, recording_id: str, ext: str = "mp3", *, longest: int = SEGMENT_BYTES
) -> str:
    """Return the key, relative to the bucket, at most 1,024 bytes with exactly three slashes. `agent` may be as the source wrote it.

    `longest` is the longest name in bytes that the bucket accepts, LEAST_SEGMENT_BYTES to SEGMENT_BYTES. Below SEGMENT_BYTES the folder
    and the agent are cut to it, and ids that are too long become hashes; `aside_key` of such a key fits too.

    Raises ValueError for a folder or date that these rules never produce.
    """
    _refuse_unsafe(folder, date, ext)
    room = _room(longest)
    call, recording = safe_id(call_id), safe_id(recording_id)
    if len(tail := _tail(call, recording, ext)) > room - _LEAST_AGENT_BYTES:
        tail = _tail(_hashed(call), _hashed(recording), ext)
    name = agent_name(agent)
    if len(tail) > room - AGENT_BYTES:
        name = safe_name(name, limit_bytes=room - len(tail), fallback=UNKNOWN_AGENT)
    if len(folder.encode()) > longest:
        folder = safe_name(folder, limit_bytes=longest, fallback=UNKNOWN_CENTER)
    return f"{PREFIX}/{folder}/{date}/{name}{tail}"


def _room(longest: int) -> int:
    return longest if longest == SEGMENT_BYTES else longest - ASIDE_BYTES


def _tail(call_id: str, recording_id: str, ext: str) -> str:
    return f" - {call_id} - {recording_id}.{ext}"


def shortened(key: str, longest: int) -> str | None:
    """Return the key that `object_key` produces with `longest` for the recording of this key; None if the key fits already or is not of
    this layout."""
    parsed = parse_key(key)
    if parsed is None or (len(parsed.folder.encode()) <= longest and len(key.rpartition("/")[2].encode()) <= _room(longest)):
        return None
    return object_key(parsed.folder, parsed.date, parsed.agent, parsed.call_id, parsed.recording_id, parsed.ext, longest=longest)


def aside_key(key: str, sha256: str, ext: str) -> str:
    """Return the key of unproven bytes of the copy with this key: the same folder, date and name within ASIDE, with the bytes' own
    extension. A part of their SHA-256 distinguishes the bytes of several attempts, since nothing is overwritten."""
    prefix, folder, date, name = key.split("/")
    if prefix != PREFIX or not _EXT.match(ext):
        raise ValueError("not a key of the layout")
    stem, tail = name.rpartition(".")[0], f" - {sha256[:12]}.{ext}"
    if len((stem + tail).encode()) > SEGMENT_BYTES:
        # The ids make the key unique; they are at the end, and are ASCII.
        agent, call_id, recording_id = stem.rsplit(" - ", 2)
        ids = f" - {call_id} - {recording_id}"
        stem = _cut(agent, SEGMENT_BYTES - len(ids) - len(tail)).rstrip() + ids
    return f"{PREFIX}/{ASIDE}/{folder}/{date}/{stem}{tail}"


@dataclass(frozen=True, slots=True)
class ParsedKey:
    folder: str
    date: str
    agent: str
    call_id: str
    recording_id: str
    ext: str


def parse_key(key: str) -> ParsedKey | None:
    """Return the parts of a key of this layout, parsed from the right, since an agent's name may contain " - "; None for other keys."""
    match = _KEY.match(key)
    return ParsedKey(*match.groups()) if match else None
