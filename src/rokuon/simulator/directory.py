"""Listings of companies, offices, contact centers, coaching teams and people. Each handler takes a Query and returns an Answer."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from . import wire
from .answers import Answer, bad_request, json_answer, not_found
from .model import Center, Company, Office, Team, User
from .query import Query
from .wire import Wire

T = TypeVar("T")


def page(query: Query, items: Sequence[T], show: Callable[[T], Wire], size: int) -> Answer:
    """Return one page of a directory listing; its cursor is opaque and contains the number of items before it."""
    size = min(size, query.switches.directory_page)
    limit = query.number("limit")
    if limit is not None and limit > 0:
        size = min(size, limit)
    start = query.offset_cursor()
    body: Wire = {"items": [show(item) for item in items[start : start + size]]}
    return json_answer(query.with_cursor(body, query.cursor_for(start + size) if start + size < len(items) else None))


def company(query: Query) -> Answer:
    return json_answer(wire.company(query.company))


def offices(query: Query) -> Answer:
    return page(query, [o for o in query.company.offices if o.state == "active"], wire.office, 100)


def _office(query: Query) -> Office | None:
    return next((o for o in query.company.offices if str(o.id) == query.item), None)


def office(query: Query) -> Answer:
    found = _office(query)
    return not_found() if found is None else json_answer(wire.office(found))


def office_centers(query: Query) -> Answer:
    found = _office(query)
    return not_found() if found is None else page(query, [c for c in query.company.centers if c.office is found], wire.center, 100)


def office_teams(query: Query) -> Answer:
    found = _office(query)
    if found is None:
        return not_found()
    return page(query, [t for t in query.company.teams if t.office is found], lambda t: wire.team(t, query.company.id), 100)


def centers(query: Query) -> Answer:
    office_id, search = query.text("office_id"), query.text("name_search")
    wanted = [c for c in query.company.centers if (not office_id or str(c.office.id) == office_id) and search.lower() in c.name.lower()]
    return page(query, wanted, wire.center, 100)


def _center(query: Query) -> Center | None:
    return next((c for c in query.company.centers if str(c.id) == query.item), None)


def center(query: Query) -> Answer:
    found = _center(query)
    return not_found() if found is None else json_answer(wire.center(found))


def center_operators(query: Query) -> Answer:
    found = _center(query)
    if found is None:
        return not_found()
    return json_answer({"rooms": [], "users": [wire.user(u, query.company) for u in found.operators]})


def _team(query: Query) -> Team | None:
    return next((t for t in query.company.teams if str(t.id) == query.item), None)


def teams(query: Query) -> Answer:
    return page(query, query.company.teams, lambda t: wire.team(t, query.company.id), 100)


def team(query: Query) -> Answer:
    found = _team(query)
    return not_found() if found is None else json_answer(wire.team(found, query.company.id))


def team_members(query: Query) -> Answer:
    found = _team(query)
    if found is None:
        return not_found()
    members = [(u, "coach") for u in found.coaches] + [(u, "trainee") for u in found.trainees]
    return page(query, members, lambda m: wire.member(m[0], m[1], query.company.id), 100)


_USER_STATES = ("active", "all", "cancelled", "deleted", "pending", "suspended")


def users(query: Query) -> Answer:
    """List people in one state (default: active). With more than 100 per page, it refuses every fifth request, as Dialpad does on
    purpose."""
    state = query.text("state") or "active"
    if state not in _USER_STATES:
        return bad_request(f"state must be one of {', '.join(_USER_STATES)}")
    if (query.number("limit") or 0) > 100 and query.shared.every_fifth():
        return bad_request("Limit cannot be greater than 100")
    email, only_admins = query.text("email"), query.text("company_admin") == "true"
    wanted = [
        u
        for u in query.company.users
        if (state in ("all", u.state)) and (not email or u.email == email) and (not only_admins or u.is_admin or u.is_super_admin)
    ]
    return page(query, wanted, lambda u: wire.user(u, query.company), 100)


def user(query: Query) -> Answer:
    people: Company = query.company
    found: User | None = next((u for u in people.users if str(u.id) == query.item or (query.item == "me" and u.is_super_admin)), None)
    return not_found() if found is None else json_answer(wire.user(found, people))
