"""GET /call and GET /call/{id}: windows, filters, pages, newest first."""

from itertools import islice

from . import wire
from .answers import Answer, bad_request, json_answer, not_found
from .calls import Entry, GroupOf, newest_first
from .model import Call, Center
from .query import DAY_MS, Query, as_id
from .switches import Switches

WINDOW_MS = 2_592_000_000
FUTURE_TOLERANCE_MS = 5_000
TARGET_TYPES = [
    "callcenter",
    "callrouter",
    "channel",
    "coachinggroup",
    "coachingteam",
    "department",
    "office",
    "room",
    "staffgroup",
    "unknown",
    "user",
]
_FOREVER = 2**62
_MORE = "more-"


def call(query: Query) -> Answer:
    found = query.book.by_id.get(as_id(query.item))
    if found is None:
        return not_found()
    return json_answer(_show(query, found, "all"))


def _show(query: Query, it: Call, details: str) -> wire.Wire:
    # Without the scope the call is listed without its recordings.
    shown = query.shown(it) if "recordings_export" in query.key.scopes else []
    told = wire.call(it, query.base_url, str, query.was_recorded(it), shown, details)
    if query.switches.person_names == "absent" and it.target.wire_type == "user":
        told["target"]["name"] = ""
    return told


def calls(query: Query) -> Answer:
    """Return one page of concluded calls. 400 for a limit over 50, or a window of 30 days or more, in the future, or reversed."""
    limit = query.number("limit")
    limit = 25 if limit is None else limit
    if limit > 50:
        return bad_request("Limit cannot be greater than 50")
    if limit < 1:
        return bad_request("Limit must be greater than 0")
    after, before = query.number("started_after"), query.number("started_before")
    wrong = _window_error(query, after, before)
    if wrong:
        return bad_request(wrong)
    entries = _entries(query)
    if isinstance(entries, str):
        return bad_request(entries)
    switches = query.switches
    ignored = _ignored(query)
    lowest = -_FOREVER if after is None or "after" in ignored else after + (0 if switches.after_inclusive else 1)
    below = _FOREVER if before is None or "before" in ignored else before + (1 if switches.before_inclusive else 0)
    if switches.call_access_days:
        lowest = max(lowest, query.now - switches.call_access_days * DAY_MS)
    if switches.list_end != "ends" and query.text("cursor").startswith(_MORE):
        return _for_ever(query, list(islice(newest_first(entries, lowest, below, None), 2 * limit)), limit)
    position = query.position()
    last = (position[0], position[1]) if position is not None and len(position) == 2 else None
    anonymized = query.text("include_anonymized").lower() == "true"
    listed = (it for it in newest_first(entries, lowest, below, last) if it.ended <= query.now and (anonymized or not it.anonymized))
    skipped = position[0] if position is not None and len(position) == 1 else 0
    found = list(islice(listed, skipped, skipped + limit + 1))
    page, more = found[:limit], len(found) > limit
    cursor = f"{_MORE}0" if switches.list_end != "ends" else None
    if more:
        cursor = query.cursor_for(skipped + limit) if switches.cursor_style == "offset" else query.cursor_for(page[-1].started, page[-1].id)
    return json_answer(query.with_cursor({"items": [_show(query, it, switches.list_details) for it in page]}, cursor))


def _ignored(query: Query) -> tuple[str, ...]:
    """Return the bounds that this listing ignores, by switch."""
    switches = query.switches
    if switches.bounds_ignored_by not in ("all", query.text("target_type") or "company"):
        return ()
    return {"none": (), "both": ("after", "before")}.get(switches.ignored_bounds, (switches.ignored_bounds,))


def _for_ever(query: Query, first: list[Call], limit: int) -> Answer:
    """Return a page after the last one, by the switch list_end."""
    number, how = int(query.text("cursor").removeprefix(_MORE)), query.switches.list_end
    page = {"same": first[:limit], "empty": [], "turns": first[limit:] if number % 2 else first[:limit]}.get(how)
    if page is None:
        turn = number % max(1, len(first))
        page = (first[turn:] + first[:turn])[:limit]
    shown = [_show(query, it, query.switches.list_details) for it in page]
    return json_answer({"cursor": f"{_MORE}{number + 1}", "items": shown})


def _window_error(query: Query, after: int | None, before: int | None) -> str | None:
    if before is not None and before > query.now + FUTURE_TOLERANCE_MS:
        return "started_before cannot be in the future."
    if after is None:
        return None
    end = query.now if before is None else before
    if before is not None and after >= before:
        return "started_after must be before started_before."
    if end - after > WINDOW_MS or (end - after == WINDOW_MS and not query.switches.exact_window_allowed):
        return f"Timestamp range must be smaller than {WINDOW_MS}ms."
    return None


def _entries(query: Query) -> list[Entry] | str:
    """Return the index that the target filter names, or the message of a 400."""
    kind, target = query.text("target_type"), query.number("target_id")
    if not kind and target is None:
        query.notes["scope"] = "company"
        return query.book.all
    if not kind or target is None:
        return "target_type and target_id must be given together."
    if kind not in TARGET_TYPES:
        return f"target_type must be one of {', '.join(TARGET_TYPES)}."
    query.notes["scope"] = f"{kind}:{target}"
    name, group_of = _grouping(query.switches, kind)
    return query.book.group(name, group_of, target)


def _grouping(switches: Switches, kind: str) -> tuple[str, GroupOf]:
    """Return a name and the function that assigns calls to targets of a kind, by the switches."""
    if kind == "callcenter":
        legs = ("group", "agent") if switches.target_legs == "both" else (switches.target_legs,)
        return f"center {legs}", lambda it: it.center.id if it.center is not None and it.leg in legs else None
    if kind == "coachingteam" and switches.team_listing == "trainees":
        # A team's call is a call of a trainee: its own leg, not the group leg of the conversation.
        return "team", lambda it: it.agent.team.id if it.leg != "group" and it.agent is not None and it.agent.team is not None else None
    if kind == "office" and switches.office_listing == "all":
        return "office", lambda it: it.office.id
    if kind in ("office", "user"):
        return f"{kind} itself", lambda it: it.target.id if it.target.wire_type == kind else None
    return "nothing", lambda it: None


def scope_of(it: Call) -> tuple[Center | None, int | None]:
    """Return the contact center and the coaching team (its id) to which a leg's recordings belong."""
    team = it.agent.team if it.agent is not None else None
    return it.center, team.id if team is not None else None
