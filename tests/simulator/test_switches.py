"""Each open question of the real Dialpad, under every answer."""

from typing import Any, Literal, get_args, get_type_hints

import pytest

from rokuon.simulator import Switches, WorldSpec
from rokuon.simulator.switches import UnknownSwitch

from .conftest import DAY, NOW, Api, Reply, Start

WINDOW = {"started_after": NOW - 29 * DAY, "started_before": NOW}
SPEC = WorldSpec(now_ms=NOW, recordings=120, days=25)


def details(items: list[dict[str, Any]]) -> list[str]:
    return [d["id"] for i in items for d in i.get("recording_details", [])]


async def chain(api: Api, url: str, **how: Any) -> Reply:
    """Follow redirects by hand to the last answer."""
    for _ in range(6):
        reply = await api.get(url, **how)
        if reply.status not in (301, 302):
            return reply
        url, how = reply.headers["Location"], {}
    raise AssertionError("no end of redirects")


# --- 8.1


@pytest.mark.parametrize(
    ("rule", "by_header", "by_query"),
    [("key", "audio/mpeg", "audio/mpeg"), ("query", "text/html", "audio/mpeg"), ("login", "text/html", "text/html")],
)
async def test_who_may_fetch_admin_recordings(start: Start, rule: str, by_header: str, by_query: str) -> None:
    api = await start(SPEC, admin_recordings=rule)
    one = next(r for r in api.sim.world.recordings.values() if r.kind == "admincallrecording")
    path = f"/blob/adminrecording/{one.id}.mp3"
    header, query = await chain(api, path), await chain(api, path, key=None, apikey=api.sim.key)
    assert (header.status, header.headers["Content-Type"].split(";")[0]) == (200, by_header)
    assert (query.status, query.headers["Content-Type"].split(";")[0]) == (200, by_query)


# --- 8.2


@pytest.mark.parametrize("how", ["all", "urls", "none"])
async def test_what_a_listed_call_tells_of_its_recordings(start: Start, how: str) -> None:
    api = await start(SPEC, list_details=how)
    items = await api.calls(**WINDOW)
    assert any("recording_details" in i for i in items) == (how == "all")
    assert any("recording_url" in i for i in items) == (how != "none")
    recorded = next(i for i in items if i["was_recorded"])
    assert (await api.get(f"call/{recorded['call_id']}")).json["recording_details"]


# --- 8.3


@pytest.mark.parametrize("legs", ["group", "agent", "both"])
async def test_which_legs_a_listing_by_contact_center_returns(start: Start, legs: str) -> None:
    api = await start(SPEC, target_legs=legs)
    center = api.sim.company.centers[1]
    items = await api.calls(**WINDOW, target_type="callcenter", target_id=center.id)
    kinds = {i["target"]["type"] for i in items}
    assert kinds == {"group": {"call_center"}, "agent": {"user"}, "both": {"call_center", "user"}}[legs]
    for i in items:
        group = i["target"] if i["target"]["type"] == "call_center" else i["entry_point_target"]
        assert group["id"] == str(center.id)


@pytest.mark.parametrize("rule", ["trainees", "empty"])
async def test_what_a_listing_by_coaching_team_returns(start: Start, rule: str) -> None:
    api = await start(SPEC, team_listing=rule)
    team = api.sim.company.teams[0]
    items = await api.calls(**WINDOW, target_type="coachingteam", target_id=team.id)
    trainees = {str(user.id) for user in team.trainees}
    assert {i["target"]["id"] for i in items} <= trainees
    assert bool(items) == (rule == "trainees")


@pytest.mark.parametrize("rule", ["all", "mainline"])
async def test_what_a_listing_by_office_returns(start: Start, rule: str) -> None:
    api = await start(SPEC, office_listing=rule)
    found = [
        {i["call_id"] for i in await api.calls(**WINDOW, target_type="office", target_id=office.id)} for office in api.sim.company.offices
    ]
    every = {i["call_id"] for i in await api.calls(**WINDOW)}
    assert set().union(*found) == (every if rule == "all" else set())
    assert sum(map(len, found)) == len(set().union(*found))


@pytest.mark.parametrize("leg", ["mixed", "group", "agent", "both"])
async def test_which_leg_carries_the_recordings(start: Start, leg: str) -> None:
    api = await start(SPEC, recording_leg=leg)
    items = await api.calls(**WINDOW)
    ids = details(items)
    assert set(ids) == {str(i) for i in api.sim.world.recordings}, "every recording is listed somewhere under every answer"
    assert (len(ids) > len(set(ids))) == (leg == "both")
    answered = [i for i in items if "operator_call_id" in i]
    agents = [i for i in items if "entry_point_call_id" in i]
    assert any(details([i]) for i in answered) == (leg != "agent")
    assert any(details([i]) for i in agents) == (leg != "group")


async def test_an_agent_leg_with_admin_recordings_only_says_it_was_not_recorded(start: Start) -> None:
    api = await start(SPEC, recording_leg="agent")
    agents = [i for i in await api.calls(**WINDOW) if "entry_point_call_id" in i and "recording_details" in i]
    for i in agents:
        assert i["was_recorded"] == any(d["recording_type"] == "callrecording" for d in i["recording_details"])
    assert {i["was_recorded"] for i in agents} == {True, False}


# --- 8.4


async def test_a_recording_appears_only_after_the_delay(start: Start) -> None:
    api = await start(SPEC, recording_delay_ms=60_000)
    ended = await api.sim.end_call(recordings=1)
    path = f"call/{ended.call_ids[0]}"
    early = (await api.get(path)).json
    assert early["was_recorded"] is True
    assert "recording_details" not in early
    assert (await api.get(f"/r/{ended.recording_ids[0]}")).status == 404
    api.sim.advance(60_000)
    assert details([(await api.get(path)).json]) == [str(ended.recording_ids[0])]
    assert (await chain(api, f"/r/{ended.recording_ids[0]}")).headers["Content-Type"] == "audio/mpeg"


# --- 8.5


async def test_calls_older_than_the_access_window_are_not_listed(start: Start) -> None:
    api = await start(SPEC, call_access_days=10)
    items = await api.calls(**WINDOW)
    assert items
    assert min(int(i["date_started"]) for i in items) >= NOW - 10 * DAY


@pytest.mark.parametrize("rule", ["absent", "denied"])
async def test_old_recordings_are_missing_or_listed_and_denied(start: Start, rule: str) -> None:
    api = await start(SPEC, recording_access_days=10, old_recordings=rule)
    old = next(r for r in api.sim.world.recordings.values() if r.call.started < NOW - 11 * DAY and r.kind == "callrecording")
    assert (str(old.id) in details(await api.calls(**WINDOW))) == (rule == "denied")
    assert (await api.get(f"/r/{old.id}")).headers["Location"] == "/login"
    new = next(r for r in api.sim.world.recordings.values() if r.call.started > NOW - 9 * DAY and r.kind == "callrecording")
    assert (await chain(api, f"/r/{new.id}")).headers["Content-Type"] == "audio/mpeg"


# --- 8.6


@pytest.mark.parametrize(("rule", "fetches"), [("none", 8), ("first", 4), ("all", 1)])
async def test_which_media_requests_count_against_the_limit(start: Start, rule: str, fetches: int) -> None:
    api = await start(SPEC, media_counts=rule, limit_per_second=4)
    one = next(r for r in api.sim.world.recordings.values() if r.kind == "callrecording")
    done = 0
    for _ in range(8):
        reply = await chain(api, f"/r/{one.id}")
        if reply.status == 429:
            break
        done += 1
    assert done == fetches


# --- the switches themselves


def test_switches_are_set_from_text() -> None:
    switches = Switches.parse(["media_hops=0", "recording_delay_ms=1500", "after_inclusive=false", "event_backoff_s=0.5"])
    assert (switches.media_hops, switches.recording_delay_ms, switches.after_inclusive, switches.event_backoff_s) == ("0", 1500, False, 0.5)


@pytest.mark.parametrize(
    "setting", ["nonsense=1", "media_hops", "media_hops=3", "after_inclusive=maybe", "limit_per_second=-1", "limit_per_second=x"]
)
def test_a_switch_that_does_not_exist_is_refused_and_changes_nothing(setting: str) -> None:
    switches = Switches()
    name, _, value = setting.partition("=")
    with pytest.raises(UnknownSwitch):
        Switches.parse([setting])
    if value:
        with pytest.raises(UnknownSwitch):
            switches.set(name, value)
    assert switches == Switches()


def test_every_default_is_one_of_the_allowed_values() -> None:
    for name, kind in get_type_hints(Switches).items():
        if getattr(kind, "__origin__", None) is Literal:
            assert getattr(Switches(), name) in get_args(kind), name
