"""The wire format of Dialpad's API, and the only place that knows it (docs/design/dialpad.md section 2, 3 and 5).

Plain functions over parsed JSON. Integers may be numbers, whole floats or text; ids become text. An odd field is left out, an item
without an id or a time is malformed and set aside, so that the others go on.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rokuon.domain.failures import SourceAnswerMalformed
from rokuon.domain.recording import (
    Company,
    Kind,
    ListedCall,
    ListedRecording,
    MalformedItem,
    Office,
    Party,
    Target,
    TargetKind,
    User,
)

Json = Any
DAY_MS = 86_400_000
PARSER_VERSION = 1
"""Raised when the parser reads more out of a listing than before: days listed with an older one are listed again."""

# 2000-01-01: long before Dialpad, and far above any time in seconds that was meant as milliseconds.
_EARLIEST_MS = 946_684_800_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MAX_TEXT = 4_000
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")
# The forms of docs/design/dialpad.md section 3: /r/<id> and /blob/adminrecording/<id>.mp3.
_ID_IN_URL = re.compile(r"/(?:r|adminrecording)/([A-Za-z0-9_-]{1,200})(?:\.[a-z0-9]{2,4})?(?:[?#]|$)")
_KINDS = {kind.value: kind for kind in Kind}
# How a recording is found where `recording_details` is missing; both fields were seen as arrays and as single values.
_FALLBACKS = ((Kind.CALL, "recording_url"), (Kind.ADMIN, "admin_recording_urls"))


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """`exact` is False where the start was missing or impossible and the end stands in for it. `odd`: recordings left out, and why."""

    call: ListedCall
    exact: bool
    odd: tuple[MalformedItem, ...] = ()


def parse_items(answer: Json) -> list[Json]:
    """The items of a list answer. A list without items is empty (an API of this make leaves empty lists out)."""
    items = answer.get("items")
    if items is None and "error" not in answer:
        return []
    if not isinstance(items, list):
        raise SourceAnswerMalformed("a list answer without a list")
    return items


def parse_cursor(answer: Json) -> str:
    """The cursor of the next page, "" after the last: null, empty and absent mean the same."""
    cursor = answer.get("cursor")
    if cursor is None or cursor == "":
        return ""
    if isinstance(cursor, str):
        return cursor
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        return str(cursor)
    raise SourceAnswerMalformed("a cursor that is not text")


def parse_call(item: Json, latest_ms: int) -> ParsedCall | MalformedItem:
    """One listed call. A time after `latest_ms` or before the year 2000 is taken as not given."""
    if not isinstance(item, dict):
        return MalformedItem("not an object")
    get = item.get
    call_id = to_id(get("call_id"))
    if not call_id:
        call_id = to_id(get("id"))
    if not call_id:
        return MalformedItem("no call id")
    started = _time(get("date_started"), latest_ms)
    ended = _time(get("date_ended"), latest_ms)
    start = started if started is not None else ended
    if start is None:
        return MalformedItem("no start and no end that can be", call_id)
    recordings, odd = _recordings(item, latest_ms)
    call = ListedCall(
        id=call_id,
        started_ms=start,
        ended_ms=ended,
        was_recorded=get("was_recorded") in (True, "true", 1),
        target=_party(get("target")),
        entry_point_target=_party(get("entry_point_target")),
        proxy_target=_party(get("proxy_target")),
        group=_group(get("group_id")),
        entry_point_call_id=to_id(get("entry_point_call_id")),
        operator_call_id=to_id(get("operator_call_id")),
        master_call_id=to_id(get("master_call_id")),
        recordings=recordings,
    )
    return ParsedCall(call, started is not None, tuple(MalformedItem(why, call_id) for why in odd))


def to_int(value: Json) -> int | None:
    """An integer of up to 64 bits from a number, a whole or broken float, or decimal text; None for anything else."""
    kind = type(value)
    if kind is str:
        text = value.strip()
        if not 0 < len(text) <= 40:
            return None
        try:
            number = int(text) if text.lstrip("-").isdecimal() else round(float(text))
        except (ValueError, OverflowError):
            return None
    elif kind is int:
        number = value
    elif kind is float:
        try:
            number = round(value)
        except (ValueError, OverflowError):
            return None
    else:
        return None
    return number if -(2**63) <= number < 2**64 else None


def to_id(value: Json) -> str:
    """An id as text, "" where there is none. 0 is how the source writes "none"."""
    kind = type(value)
    if kind is str:
        return value if value != "0" and _ID.fullmatch(value) else ""
    if kind is int:
        return str(value) if 0 < value < 2**64 else ""
    # A float is exact up to 2^53; past that the digits are not those of the id.
    if kind is float and 0 < value <= 2**53 and value == int(value):
        return str(int(value))
    return ""


def normal_type(value: Json) -> str:
    """`call_center`, `CallCenter` and `callcenter` are one word (docs/design/dialpad.md 2.10)."""
    return value.replace("_", "").replace("-", "").lower() if isinstance(value, str) else ""


def to_text(value: Json) -> str:
    """Text that a database can keep: NUL becomes a space, a lone surrogate the replacement character."""
    if not isinstance(value, str):
        return ""
    text = value[:_MAX_TEXT]
    return _UNSTORABLE.sub(lambda match: " " if match[0] == "\0" else "\ufffd", text) if _UNSTORABLE.search(text) else text


def _time(value: Json, latest_ms: int) -> int | None:
    number = to_int(value)
    return number if number is not None and _EARLIEST_MS <= number <= latest_ms else None


def _party(value: Json) -> Party | None:
    if not value or not isinstance(value, dict):
        return None
    party_id = to_id(value.get("id"))
    return Party(normal_type(value.get("type")), party_id, to_text(value.get("name"))) if party_id else None


def _group(value: Json) -> Party | None:
    if not isinstance(value, str):
        return None
    kind, colon, group_id = value.partition(":")
    group_id = to_id(group_id)
    return Party(normal_type(kind), group_id) if colon and kind and group_id else None


def _recordings(item: dict[str, Json], latest_ms: int) -> tuple[tuple[ListedRecording, ...], Sequence[str]]:
    """The recordings of a call, each once, and why others were left out."""
    details = item.get("recording_details")
    if not details:
        return _from_urls(item), ()
    if not isinstance(details, list):
        return _from_urls(item), ("recording details are not a list",)
    found: dict[tuple[Kind, str], ListedRecording] = {}
    odd: list[str] = []
    for entry in details:
        if not isinstance(entry, dict):
            odd.append("a recording is not an object")
            continue
        recording_id = to_id(entry.get("id"))
        kind = _KINDS.get(normal_type(entry.get("recording_type")))
        if kind is None or not recording_id:
            odd.append("a recording of an unknown kind" if kind is None else "a recording without an id")
            continue
        duration = to_int(entry.get("duration"))
        found.setdefault(
            (kind, recording_id),
            ListedRecording(
                kind,
                recording_id,
                to_text(entry.get("url")),
                _time(entry.get("start_time"), latest_ms),
                duration if duration is not None and duration >= 0 else None,
            ),
        )
    return tuple(found.values()), odd


def _from_urls(item: dict[str, Json]) -> tuple[ListedRecording, ...]:
    found: dict[tuple[Kind, str], ListedRecording] = {}
    for kind, name in _FALLBACKS:
        for url in _texts(item.get(name)):
            match = _ID_IN_URL.search(url)
            if match:
                found.setdefault((kind, match[1]), ListedRecording(kind, match[1], url))
    # `call_recording_ids` is not used: it does not say of which kind each is, and kind and id together are the identity.
    voicemail = to_id(item.get("voicemail_recording_id"))
    if voicemail:
        found.setdefault((Kind.VOICEMAIL, voicemail), ListedRecording(Kind.VOICEMAIL, voicemail, ""))
    return tuple(found.values())


def _texts(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        return (to_text(value),)
    return (to_text(one) for one in value if isinstance(one, str)) if isinstance(value, list) else ()


# --- directory ----------------------------------------------------------------------------------------------------------


def parse_company(answer: Json) -> Company:
    return Company(_required_id(answer, "id"), to_text(answer.get("name")), to_text(answer.get("domain")))


def parse_office(item: Json) -> Office:
    office_id = to_id(item.get("id")) or _required_id(item, "office_id")
    return Office(office_id, to_text(item.get("name")) or office_id, to_timezone(item.get("timezone")), _state(item))


def parse_target(item: Json, kind: TargetKind) -> Target:
    target_id = _required_id(item, "id")
    return Target(
        kind,
        target_id,
        to_text(item.get("name")) or target_id,
        to_id(item.get("office_id")),
        to_timezone(item.get("timezone")),
        _state(item),
    )


def parse_user(item: Json) -> User:
    emails = item.get("emails")
    offices = item.get("admin_office_ids")
    joined = f"{to_text(item.get('first_name'))} {to_text(item.get('last_name'))}".strip()
    return User(
        id=_required_id(item, "id"),
        name=to_text(item.get("display_name")) or joined,
        emails=tuple(_texts(emails)),
        state=_state(item),
        is_super_admin=item.get("is_super_admin") is True,
        admin_office_ids=tuple(filter(None, map(to_id, offices))) if isinstance(offices, list) else (),
    )


def parse_trainee(item: Json) -> str:
    """The user id of a member, "" for a coach. Without a role somebody counts as a trainee: rather too much than too little."""
    return "" if normal_type(item.get("role")) == "coach" else _required_id(item, "id")


def parse_all(items: Sequence[Json], parse: Callable[[Json], Any]) -> list[Any]:
    """Every item, or SourceAnswerMalformed: a directory with a hole would quietly leave somebody out."""
    if not all(isinstance(item, dict) for item in items):
        raise SourceAnswerMalformed("a directory item is not an object")
    return [parse(item) for item in items]


@lru_cache(maxsize=2048)
def _known_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def to_timezone(value: Json) -> str:
    """A tz database name that Python knows, else ""."""
    return value if isinstance(value, str) and 0 < len(value) <= 64 and _known_timezone(value) else ""


def _state(item: Json) -> str:
    return to_text(item.get("state")).lower() or "active"


def _required_id(item: Json, name: str) -> str:
    found = to_id(item.get(name))
    if not found:
        raise SourceAnswerMalformed(f"a directory item without {name}")
    return found
