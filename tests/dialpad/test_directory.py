"""Company, offices, contact centers, coaching teams with trainees, users."""

import pytest

from rokuon.domain.failures import SourceAddressUnknown, SourceAnswerMalformed, SourceCursorLooped, SourceCursorRefused
from rokuon.domain.recording import TargetKind

from .worlds import json_answer, raw_server, source_for

WORLD = {
    "/company": {"id": "1", "name": "Example", "domain": "example.com"},
    "/offices": {
        "items": [
            {"id": "10", "name": "Tokyo", "timezone": "Asia/Tokyo"},
            {"office_id": 11, "name": "Old", "timezone": "Mars/X", "state": "deleted"},
        ]
    },
    "/callcenters": {
        "items": [
            {"id": "20", "name": "Support", "office_id": "10", "timezone": "US/Pacific"},
            {"id": "21", "name": "Sales", "office_id": "10", "timezone": ""},
            {"id": "22", "name": "Lost", "office_id": "99"},
        ]
    },
    "/coachingteams": {"items": [{"id": "30", "name": "Rookies", "office_id": "10"}, {"id": "31", "name": "Gone", "office_id": "11"}]},
    "/coachingteams/30/members": {
        "items": [{"id": "40", "role": "trainee"}, {"id": 41, "role": "coach"}, {"id": "42"}, {"id": "40", "role": "trainee"}]
    },
    "/users": {"items": [{"id": "40", "display_name": "Ann", "admin_office_ids": ["10"]}, {"id": 41, "first_name": "Bob"}]},
}


REFUSED = object()


def answering(world):
    def answer(request):
        found = world.get(request.path.removeprefix("/api/v2"))
        if callable(found):
            found = found(request)
        if found is REFUSED:
            return json_answer({"error": {}}, 400)
        return json_answer({"error": {}}, 404) if found is None else json_answer(found)

    return answer


async def read(world):
    async with raw_server(answering(world)) as server, source_for(server.url) as rig:
        return await rig.source.directory(), server.requests


async def test_a_directory_holds_every_office_target_member_and_user():
    found, requests = await read(WORLD)
    assert (found.company.id, found.company.name, found.company.domain) == ("1", "Example", "example.com")
    assert [(one.id, one.timezone, one.state) for one in found.offices] == [("10", "Asia/Tokyo", "active"), ("11", "", "deleted")]
    assert [(one.kind, one.id, one.timezone) for one in found.targets] == [
        (TargetKind.CONTACT_CENTER, "20", "US/Pacific"),
        (TargetKind.CONTACT_CENTER, "21", "Asia/Tokyo"),
        (TargetKind.CONTACT_CENTER, "22", ""),
        (TargetKind.COACHING_TEAM, "30", "Asia/Tokyo"),
        (TargetKind.COACHING_TEAM, "31", ""),
    ]
    assert found.members == {"30": ("40", "42"), "31": ()}, "a coach is no trainee; a team that vanished has no members"
    assert [(one.id, one.name) for one in found.users] == [("40", "Ann"), ("41", "Bob")]
    users = next(one for one in requests if one.path.endswith("/users"))
    assert users.query["state"] == "all", "agents of old calls may be gone"
    assert int(users.query["limit"]) <= 100, "more is refused at random"


async def test_every_list_is_read_to_its_last_page():
    def paged(request):
        number = int(request.query.get("cursor", "0"))
        return {"items": [{"id": str(100 + number), "name": "x", "office_id": "10"}], "cursor": str(number + 1) if number < 2 else ""}

    world = WORLD | {"/callcenters": paged, "/users": paged, "/offices": paged, "/coachingteams": paged}
    found, _ = await read(world)
    for part in (found.offices, found.users):
        assert [one.id for one in part] == ["100", "101", "102"]
    assert len(found.targets) == 6


async def test_a_directory_list_that_loops_is_an_error():
    with pytest.raises(SourceCursorLooped):
        await read(WORLD | {"/users": lambda _: {"items": [], "cursor": "again"}})


@pytest.mark.parametrize("path", ["/offices", "/callcenters", "/coachingteams", "/users"])
@pytest.mark.parametrize("item", [{}, {"id": None, "name": "x"}, 7])
async def test_an_item_without_an_id_fails_the_directory_instead_of_leaving_a_hole(path, item):
    with pytest.raises(SourceAnswerMalformed):
        await read(WORLD | {path: {"items": [item]}})


async def test_a_refused_cursor_begins_the_list_again_and_is_no_loop_if_it_stays():
    refused = []

    def once(request):
        if "cursor" in request.query and not refused:
            refused.append(1)
            return REFUSED
        return {"items": [{"id": "4" + request.query.get("cursor", "0")}], "cursor": "" if "cursor" in request.query else "1"}

    found, _ = await read(WORLD | {"/users": once})
    assert [one.id for one in found.users] == ["40", "41"]
    always = lambda request: REFUSED if "cursor" in request.query else {"items": [], "cursor": "1"}  # noqa: E731
    with pytest.raises(SourceCursorRefused):
        await read(WORLD | {"/users": always})


@pytest.mark.parametrize("path", ["/company", "/offices", "/callcenters", "/coachingteams", "/users"])
async def test_a_list_that_is_not_there_is_no_unknown_office_or_center(path):
    with pytest.raises(SourceAddressUnknown) as unknown:
        await read({name: answer for name, answer in WORLD.items() if name != path})
    assert "office" not in unknown.value.advice and "directory sync" not in unknown.value.advice
