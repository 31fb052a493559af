"""Parses the wire format of Dialpad's API; no other module knows it (docs/design/dialpad.md section 2, 3 and 5).

Plain functions over parsed JSON. Integers may be numbers, whole floats or text; ids become text. An invalid field is left out. An item
without an id or a time is malformed and set aside, so that the other items are still processed.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rokuon.domain.failures import SourceAnswerMalformed
from rokuon.domain.other_party import ListedParty
from rokuon.domain.recording import (
    Company,
    ListedCall,
    MalformedItem,
    Office,
    Party,
    Target,
    TargetKind,
    User,
)
from rokuon.domain.time_zones import LONGEST, zone_name

from .recordings import named_recordings
from .values import Json, normal_type, to_id, to_text, to_time

PARSER_VERSION = 2
"""Increased when the parser reads more from a listing than before: days listed with an older version are listed again."""

_ADDRESS = re.compile(r'"[a-z]+://[^"]*"')


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """A parsed call. `exact` is False if the start was missing or impossible and the end is used instead. `odd`: recordings left out, with
    the reason."""

    call: ListedCall
    exact: bool
    odd: tuple[MalformedItem, ...] = ()


def parse_items(answer: Json) -> list[Json]:
    """Return the items of a list answer. Missing items mean an empty list (this kind of API leaves out empty lists)."""
    items = answer.get("items")
    if items is None and "error" not in answer:
        return []
    if not isinstance(items, list):
        raise SourceAnswerMalformed("a list answer without a list")
    return items


def parse_cursor(answer: Json) -> str:
    """Return the cursor of the next page, "" after the last page: null, empty and missing mean the same."""
    cursor = answer.get("cursor")
    if cursor is None or cursor == "":
        return ""
    if isinstance(cursor, str):
        return cursor
    if isinstance(cursor, int) and not isinstance(cursor, bool):
        return str(cursor)
    raise SourceAnswerMalformed("a cursor that is not text")


def parse_call(item: Json, latest_ms: int) -> ParsedCall | MalformedItem:
    """Parse one listed call. A time after `latest_ms` or before the year 2000 counts as missing."""
    if not isinstance(item, dict):
        return MalformedItem("not an object", digest=_digest(item))
    get = item.get
    call_id = to_id(get("call_id"))
    if not call_id:
        call_id = to_id(get("id"))
    started = to_time(get("date_started"), latest_ms)
    if not call_id:
        return MalformedItem("no call id", started_ms=started, parties=_parties(item), digest=_digest(item))
    ended = to_time(get("date_ended"), latest_ms)
    start = started if started is not None else ended
    if start is None:
        return MalformedItem("no start and no end that can be", call_id, parties=_parties(item))
    recordings, odd = named_recordings(item, call_id, latest_ms)
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
        other=_other(item),
    )
    unread = tuple(replace(one, call_id=call_id, started_ms=start) for one in odd)
    return ParsedCall(call, started is not None, unread)


def _parties(item: dict[str, Json]) -> tuple[Party, ...]:
    """Return the parties that a call names."""
    named = [*(_party(item.get(name)) for name in ("target", "entry_point_target", "proxy_target")), _group(item.get("group_id"))]
    return tuple(party for party in named if party is not None)


def _other(item: dict[str, Json]) -> ListedParty:
    """Return the other party of a call: `external_number`, and the name that Dialpad's contacts have for it."""
    contact, direction = item.get("contact"), normal_type(item.get("direction"))
    known = contact if isinstance(contact, dict) else {}
    return ListedParty(
        direction if direction in ("inbound", "outbound") else "",
        to_text(item.get("external_number")) or to_text(known.get("phone")),
        to_text(known.get("name")),
    )


def _digest(item: Json) -> str:
    """Return 16 hex digits that distinguish items without an id. Addresses are left out, because each listing signs them again."""
    text = json.dumps(item, sort_keys=True, default=str)
    return hashlib.sha256(_ADDRESS.sub("", text).encode(errors="replace")).hexdigest()[:16]


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


def _texts(value: Json) -> Iterable[str]:
    if isinstance(value, str):
        return (to_text(value),)
    return (to_text(one) for one in value if isinstance(one, str)) if isinstance(value, list) else ()


# --- directory ----------------------------------------------------------------------------------------------------------


def parse_company(answer: Json) -> Company:
    return Company(_required_id(answer, "id"), to_text(answer.get("name")), to_text(answer.get("domain")))


def parse_office(item: Json) -> Office:
    office_id = to_id(item.get("id")) or _required_id(item, "office_id")
    return Office(
        office_id,
        to_text(item.get("name")) or office_id,
        to_timezone(item.get("timezone")),
        _state(item),
        unknown_timezone(item.get("timezone")),
    )


def parse_target(item: Json, kind: TargetKind) -> Target:
    target_id = _required_id(item, "id")
    return Target(
        kind,
        target_id,
        to_text(item.get("name")) or target_id,
        to_id(item.get("office_id")),
        to_timezone(item.get("timezone")),
        _state(item),
        unknown_timezone(item.get("timezone")),
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
    """Return the user id of a member, "" for a coach. A member without a role counts as a trainee: rather too much than too little."""
    return "" if normal_type(item.get("role")) == "coach" else _required_id(item, "id")


def parse_all(items: Sequence[Json], parse: Callable[[Json], Any]) -> list[Any]:
    """Parse every item. Raises SourceAnswerMalformed if one is no object: an incomplete directory would silently leave out a person."""
    if not all(isinstance(item, dict) for item in items):
        raise SourceAnswerMalformed("a directory item is not an object")
    return [parse(item) for item in items]


def to_timezone(value: Json) -> str:
    """Return a tz database name, else ""."""
    return zone_name(value) if isinstance(value, str) else ""


def unknown_timezone(value: Json) -> str:
    """Return the source's zone if it is not a known one; "" otherwise. Limited in length and safe to show."""
    if value is None or value == "" or to_timezone(value):
        return ""
    return "".join(one for one in str(value)[:LONGEST] if one.isprintable()).strip()


def _state(item: Json) -> str:
    return to_text(item.get("state")).lower() or "active"


def _required_id(item: Json, name: str) -> str:
    found = to_id(item.get(name))
    if not found:
        raise SourceAnswerMalformed(f"a directory item without {name}")
    return found
