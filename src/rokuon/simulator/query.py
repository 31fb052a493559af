"""A parsed API request: its parameters, its cursor, its company, and the state that all requests share."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from .calls import CallBook
from .keys import Key
from .model import Call, Company, Recording
from .switches import Switches


class BadQuery(ValueError):
    """A parameter is not valid and gets a 400; the client sees the message."""


@dataclass
class Shared:
    """State across requests: counters on which some behaviours of Dialpad depend."""

    wide_user_pages: int = 0
    last_pages: int = 0

    def every_fifth(self) -> bool:
        self.wide_user_pages += 1
        return self.wide_user_pages % 5 == 1


@dataclass
class Query:
    """An API request. params are the query parameters; unknown ones are ignored, as by Dialpad. now is epoch ms of the simulated clock."""

    company: Company
    book: CallBook
    key: Key
    switches: Switches
    shared: Shared
    params: dict[str, str]
    item: str
    now: int
    base_url: str
    body: Any = None
    method: str = "GET"
    notes: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.params.get(name, "")

    def number(self, name: str) -> int | None:
        """Return an integer parameter; None if absent or empty. Raises BadQuery for anything else."""
        text = self.params.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError as exc:
            raise BadQuery(f"{name} must be an integer") from exc

    # --- cursors. Opaque to clients, valid only for the query for which they were made.

    def _question(self) -> str:
        return "&".join(
            f"{n}={self.text(n)}" for n in ("started_after", "started_before", "target_type", "target_id", "state", "office_id")
        )

    def cursor_for(self, *position: int) -> str:
        return base64.urlsafe_b64encode(json.dumps([self._question(), *position]).encode()).decode().rstrip("=")

    def position(self) -> list[int] | None:
        """Return the position in the request's cursor. Raises BadQuery for a cursor that was not made for this query."""
        cursor = self.text("cursor")
        if not cursor:
            return None
        try:
            question, *position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            numbers = [int(number) for number in position]
        except (ValueError, TypeError, binascii.Error) as exc:
            raise BadQuery("Invalid cursor") from exc
        if question != self._question() or not numbers:
            raise BadQuery("Invalid cursor")
        return numbers

    def offset_cursor(self) -> int:
        position = self.position()
        return 0 if position is None else max(0, position[0])

    def with_cursor(self, body: dict[str, Any], cursor: str | None) -> dict[str, Any]:
        """Add the next cursor, or the switch's form of "no more": null, empty, absent, or each in turn."""
        if cursor is not None:
            return {"cursor": cursor, **body}
        how = self.switches.last_cursor
        if how == "vary":
            self.shared.last_pages += 1
            how = ("null", "empty", "absent")[self.shared.last_pages % 3]
        if not body.get("items", True) and self.switches.empty_items != "list":
            body = {"items": None} if self.switches.empty_items == "null" else {}
        return body if how == "absent" else {"cursor": None if how == "null" else "", **body}

    # --- the recordings that a call shows

    def shown(self, call: Call) -> list[Recording]:
        """Return the recordings that a call names now: on this leg by switch, published, not deleted, old and young enough."""
        return [r for r in on_leg(call, self.switches) if available(r, self.switches, self.now) and self.may_list(r)]

    def may_list(self, recording: Recording) -> bool:
        return self.switches.old_recordings == "denied" or not too_old(recording, self.switches, self.now)

    def was_recorded(self, call: Call) -> bool:
        return was_recorded(call, self.switches)


DAY_MS = 86_400_000


def as_id(text: str) -> int:
    """Parse the id in a part of a path; -1, which nothing has, if it is not an id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else -1


def on_leg(call: Call, switches: Switches) -> list[Recording]:
    """Return the recordings that belong to this leg, whether or not they are available yet."""
    if call.partner is None or switches.recording_leg == "mixed":
        return call.recordings
    carried = [recording for leg in call.conversation for recording in leg.recordings]
    return carried if switches.recording_leg in ("both", call.leg) else []


def was_recorded(call: Call, switches: Switches) -> bool:
    """Return Dialpad's flag: true for a recorded leg, false on an agent leg that has only admin recordings."""
    talk = [recording for recording in on_leg(call, switches) if recording.kind != "voicemail"]
    if call.leg == "agent" and all(recording.kind == "admincallrecording" for recording in talk):
        return False
    return bool(talk) or call.ghost


def available(recording: Recording, switches: Switches, now: int) -> bool:
    return recording.published and not recording.deleted and recording.call.ended + switches.recording_delay_ms <= now


def too_old(recording: Recording, switches: Switches, now: int) -> bool:
    days = switches.recording_access_days
    return days > 0 and recording.call.started < now - days * DAY_MS
