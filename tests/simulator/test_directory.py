"""Company, offices, contact centers, coaching teams and people."""

import pytest

from rokuon.simulator import WorldSpec

from .conftest import NOW, Start


async def test_the_company_answers_with_text_ids(start: Start) -> None:
    api = await start()
    body = (await api.get("company")).json
    assert body["id"] == str(api.sim.company.id)
    assert body["office_count"] == "3"


@pytest.mark.parametrize("last", ["null", "empty", "absent"])
async def test_every_center_comes_once_over_pages_however_the_last_page_says_so(start: Start, last: str) -> None:
    api = await start(directory_page=4, last_cursor=last)
    ids, cursor = [], ""
    for _ in range(3):
        body = (await api.get("callcenters", **({"cursor": cursor} if cursor else {}))).json
        ids += [item["id"] for item in body["items"]]
        cursor = body.get("cursor")
        if not cursor:
            break
    assert sorted(ids) == sorted(str(center.id) for center in api.sim.company.centers)
    assert body.get("cursor", "absent") == {"null": None, "empty": "", "absent": "absent"}[last]


async def test_the_last_page_varies_by_default(start: Start) -> None:
    api = await start()
    assert len({repr((await api.get("offices")).json.get("cursor", "absent")) for _ in range(6)}) == 3


async def test_an_office_lists_its_own_centers_and_teams_only(start: Start) -> None:
    api = await start()
    for office in api.sim.company.offices:
        centers = (await api.get(f"offices/{office.id}/callcenters")).json["items"]
        assert [c["id"] for c in centers] == [str(c.id) for c in api.sim.company.centers if c.office is office]
        teams = (await api.get(f"offices/{office.id}/teams")).json["items"]
        assert [t["id"] for t in teams] == [str(t.id) for t in api.sim.company.teams if t.office is office]
        assert (await api.get(f"offices/{office.id}")).json["timezone"] == office.timezone


async def test_centers_are_filtered_by_office_and_name(start: Start) -> None:
    api = await start()
    assert len((await api.get("callcenters", name_search="billing")).json["items"]) == 2
    office = api.sim.company.offices[0].id
    assert {c["office_id"] for c in (await api.get("callcenters", office_id=office)).json["items"]} == {str(office)}


async def test_team_members_carry_their_role(start: Start) -> None:
    api = await start()
    team = api.sim.company.teams[0]
    members = (await api.get(f"coachingteams/{team.id}/members")).json["items"]
    assert [m["role"] for m in members] == ["coach", "trainee", "trainee", "trainee"]
    assert members[1]["id"] == str(team.trainees[0].id)
    assert (await api.get(f"coachingteams/{team.id}")).json["name"] == team.name


async def test_people_come_100_a_page_and_deleted_ones_on_request(start: Start) -> None:
    api = await start(WorldSpec(now_ms=NOW, users=130, recordings=5, deleted_user=True))
    first = (await api.get("users")).json
    assert len(first["items"]) == 100
    rest = (await api.get("users", cursor=first["cursor"])).json
    assert len(rest["items"]) == 29
    assert len((await api.get("users", state="deleted")).json["items"]) == 1
    assert (await api.get("users", state="asleep")).status == 400


async def test_one_in_five_requests_for_more_than_100_people_is_refused(start: Start) -> None:
    api = await start()
    statuses = [(await api.get("users", limit=200)).status for _ in range(10)]
    assert statuses.count(400) == 2
    assert statuses.count(200) == 8


async def test_names_travel_unharmed(start: Start) -> None:
    api = await start()
    users = (await api.get("users")).json["items"]
    assert [u["display_name"] for u in users] == [u.name for u in api.sim.company.users]
    assert (await api.get("users/me")).json["is_super_admin"] is True


@pytest.mark.parametrize(
    "path",
    [
        "offices/1",
        "callcenters/1",
        "coachingteams/x",
        "users/1",
        "call/1",
        "call/²",
        "call/" + "9" * 5000,
        "webhooks/²",
        "nothing",
        "offices/1/teams",
    ],
)
async def test_an_unknown_id_or_path_is_404_in_dialpads_words(start: Start, path: str) -> None:
    reply = await (await start()).get(path)
    assert reply.status == 404
    assert reply.json["error"]["errors"][0]["reason"] == "notFound"


async def test_a_cursor_of_another_question_is_refused(start: Start) -> None:
    api = await start(directory_page=2)
    cursor = (await api.get("callcenters")).json["cursor"]
    assert (await api.get("callcenters", cursor=cursor, office_id=api.sim.company.offices[0].id)).status == 400
    assert (await api.get("callcenters", cursor="garbage!")).status == 400
