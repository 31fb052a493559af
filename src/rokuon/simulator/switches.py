"""Switches for the behaviours of Dialpad that are not known for certain; the defaults are the most likely ones.

Section 8 of the research notes has six questions for a real account. Each has a switch here, and the tests run every value.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints


class UnknownSwitch(ValueError):
    """A switch name or value does not exist; the message lists the valid ones."""


@dataclass
class Switches:
    """The behaviour of this simulator. Attributes may be changed while it runs; set() checks names and values."""

    # 8.1 Who may fetch /blob/adminrecording/<id>.mp3: any valid key, a key in ?apikey= only, or only a logged-in browser.
    admin_recordings: Literal["key", "query", "login"] = "key"
    # 8.2 What a listed call says about its recordings: details and URL fields, URL fields only, or nothing. /call/{id} always says all.
    # "split": details name the first one and the URL fields the others. "odd": only an address of an undocumented form.
    list_details: Literal["all", "urls", "none", "split", "odd"] = "all"
    # 8.3 Which legs a listing by contact center returns, and whether a listing by coaching team returns its trainees' calls at all.
    target_legs: Literal["both", "group", "agent"] = "both"
    team_listing: Literal["trainees", "empty"] = "trainees"
    # A listing by office: every call of its people and centers, or only calls of its main line.
    office_listing: Literal["all", "mainline"] = "all"
    # Which leg has the recordings of a conversation; "both" lists the same recording id under two call ids.
    recording_leg: Literal["mixed", "group", "agent", "both"] = "mixed"
    # Whether a person's leg contains the person's name, or only the id.
    person_names: Literal["told", "absent"] = "told"
    # 8.4 Milliseconds from the end of a call until its recordings are listed and fetchable.
    recording_delay_ms: int = 0
    # Which event announces an admin recording, and what a hangup event says about recordings.
    admin_recording_event: Literal["recording", "admin_recording", "none"] = "recording"
    hangup_carries: Literal["none", "admin_urls"] = "none"
    # 8.5 Accessible days back, 0 = all. Older recordings are missing from the call, or listed and denied.
    call_access_days: int = 0
    recording_access_days: int = 0
    old_recordings: Literal["absent", "denied"] = "absent"
    # 8.6 Which requests of a media chain count against the company's limit, and what a 429 says.
    media_counts: Literal["none", "first", "all"] = "none"
    retry_after: Literal["seconds", "none", "date"] = "seconds"

    # Limits; 0 = off. Both count per company, over a sliding window.
    limit_per_second: int = 20
    call_get_per_minute: int = 10

    # Listing. Bounds of started_after and started_before; "must be smaller than 2592000000ms" refuses exactly 30 days.
    after_inclusive: bool = True
    before_inclusive: bool = False
    exact_window_allowed: bool = False
    # Which bounds of the range are ignored, and by which listings: all, the company's, or those by a kind of target.
    ignored_bounds: Literal["none", "after", "before", "both"] = "none"
    bounds_ignored_by: Literal["all", "company", "callcenter", "coachingteam"] = "all"
    # How a list of calls ends, or what it returns for ever instead, each time with a new cursor: the last page, the same in another
    # order, two pages in turn, or empty pages.
    list_end: Literal["ends", "same", "shuffled", "turns", "empty"] = "ends"
    last_cursor: Literal["vary", "null", "empty", "absent"] = "vary"
    empty_items: Literal["list", "null", "absent"] = "list"
    # "key" continues after the last call; "offset" counts from the newest, so it shifts when calls conclude during paging.
    cursor_style: Literal["key", "offset"] = "key"
    directory_page: int = 100
    scope_error: Literal["403", "401"] = "403"

    # Media. 0 hops answers audio at once (for benchmarks). "other" serves the last hop from another host name.
    media_hops: Literal["2", "0"] = "2"
    media_length: Literal["known", "chunked", "close"] = "known"
    blob_host: Literal["same", "other"] = "same"

    # Events. First retry wait in seconds (then doubled), answer timeout in seconds, and faults of delivery.
    event_backoff_s: float = 2.0
    event_timeout_s: float = 5.0
    event_order: Literal["in_order", "reversed"] = "in_order"
    event_copies: int = 1
    events_lost: bool = False

    def set(self, name: str, value: Any) -> None:
        """Set one switch from a value or its text. Raises UnknownSwitch and changes nothing if it does not exist."""
        if name not in {f.name for f in fields(self)}:
            raise UnknownSwitch(f"no switch {name!r}; there are: {', '.join(f.name for f in fields(self))}")
        setattr(self, name, _parse(name, get_type_hints(type(self))[name], str(value)))

    @classmethod
    def parse(cls, settings: list[str]) -> "Switches":
        """Parse lines of name=value. Raises UnknownSwitch."""
        switches = cls()
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise UnknownSwitch(f"{setting!r} is not name=value")
            switches.set(name.strip(), value.strip())
        return switches


def _parse(name: str, kind: Any, text: str) -> Any:
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise UnknownSwitch(f"switch {name} takes {' or '.join(get_args(kind))}, not {text!r}")
        return text
    if kind is bool:
        if text.lower() not in ("true", "false", "1", "0"):
            raise UnknownSwitch(f"switch {name} takes true or false, not {text!r}")
        return text.lower() in ("true", "1")
    try:
        number = kind(text)
    except ValueError as exc:
        raise UnknownSwitch(f"switch {name} takes a number, not {text!r}") from exc
    if not 0 <= number < 10**15:
        raise UnknownSwitch(f"switch {name} takes a number from 0, not {text!r}")
    return number
