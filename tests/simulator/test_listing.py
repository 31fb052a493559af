"""GET /call: windows, bounds, filters, pages, order; checked against the world itself."""

import random
from typing import Any

import pytest

from rokuon.simulator import WorldSpec, build
from rokuon.simulator.calls import CallBook, newest_first
from rokuon.simulator.model import Call

from .conftest import DAY, NOW, Api, Start

MONTH = 2_592_000_000


def in_window(api: Api, after: int, before: int) -> list[Call]:
    book = api.sim.world.books[api.sim.company.id]
    wanted = [call for call in book.by_id.values() if after <= call.started < before and not call.anonymized]
    return sorted(wanted, key=lambda call: (call.started, call.id), reverse=True)


@pytest.mark.parametrize("style", ["key", "offset"])
@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_paging_gives_every_call_of_the_window_once_newest_first(start: Start, limit: int, style: str) -> None:
    api = await start(cursor_style=style)
    after, before = NOW - 29 * DAY, NOW
    listed = await api.calls(limit=limit, started_after=after, started_before=before)
    assert [int(item["call_id"]) for item in listed] == [call.id for call in in_window(api, after, before)]
    assert len(listed) > 7


async def test_numbers_are_text_in_rest_answers_and_durations_are_floats_in_ms(start: Start) -> None:
    api = await start()
    item = next(i for i in (await api.get("call", limit=50)).json["items"] if "recording_details" in i)
    call = api.sim.world.books[api.sim.company.id].by_id[int(item["call_id"])]
    assert item["date_started"] == str(call.started)
    assert isinstance(item["duration"], float)
    detail, recording = item["recording_details"][0], call.recordings[0]
    assert detail == {
        "id": str(recording.id),
        "recording_type": recording.kind,
        "start_time": str(recording.start),
        "duration": str(recording.duration_ms),
        "url": detail["url"],
    }
    assert detail["url"].startswith(api.sim.base_url)


async def test_every_id_and_time_of_a_listing_is_text(start: Start) -> None:
    def look(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for inner, it in value.items():
                look(it, inner)
        elif isinstance(value, list):
            for it in value:
                look(it, name)
        elif name == "id" or name.endswith("_id") or name.startswith("date_") or name in ("start_time", "event_timestamp"):
            assert isinstance(value, str), (name, value)

    api = await start(WorldSpec(now_ms=NOW, recordings=300, days=25))
    items = await api.calls(started_after=NOW - 29 * DAY, started_before=NOW)
    assert {"operator_call_id", "entry_point_call_id", "master_call_id", "group_id"} <= {name for item in items for name in item}
    look(items, "")


async def test_the_default_page_is_25_and_51_is_refused(start: Start) -> None:
    api = await start()
    assert len((await api.get("call")).json["items"]) == 25
    reply = await api.get("call", limit=51)
    assert reply.status == 400
    assert reply.json["error"]["message"] == "Limit cannot be greater than 50"
    assert (await api.get("call", limit=0)).status == 400


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"started_after": NOW - MONTH - 1, "started_before": NOW}, "Timestamp range must be smaller than 2592000000ms."),
        ({"started_after": NOW - MONTH, "started_before": NOW}, "Timestamp range must be smaller than 2592000000ms."),
        ({"started_after": NOW - MONTH - DAY}, "Timestamp range must be smaller than 2592000000ms."),
        ({"started_after": NOW - DAY, "started_before": NOW + 60_000}, "started_before cannot be in the future."),
        ({"started_after": NOW, "started_before": NOW - DAY}, "started_after must be before started_before."),
        ({"started_after": NOW - DAY, "started_before": NOW - DAY}, "started_after must be before started_before."),
        ({"started_after": "yesterday"}, "started_after must be an integer"),
        ({"target_type": "callcenter"}, "target_type and target_id must be given together."),
        ({"target_id": 7}, "target_type and target_id must be given together."),
        ({"cursor": "bm90LWpzb24"}, "Invalid cursor"),
    ],
)
async def test_a_wrong_window_or_filter_is_refused_with_dialpads_words(start: Start, window: dict[str, Any], words: str) -> None:
    reply = await (await start()).get("call", **window)
    assert reply.status == 400
    assert reply.json["error"]["message"] == words


async def test_call_center_with_an_underscore_is_no_target_type_of_a_filter(start: Start) -> None:
    assert (await (await start()).get("call", target_type="call_center", target_id=1)).status == 400


async def test_exactly_30_days_pass_when_the_switch_says_so(start: Start) -> None:
    api = await start(exact_window_allowed=True)
    assert (await api.get("call", started_after=NOW - MONTH, started_before=NOW)).status == 200
    assert (await api.get("call", started_after=NOW - MONTH - 1, started_before=NOW)).status == 400


async def test_seconds_into_the_future_are_tolerated(start: Start) -> None:
    assert (await (await start()).get("call", started_before=NOW + 4_000)).status == 200


async def test_a_misspelt_parameter_is_ignored(start: Start) -> None:
    api = await start()
    assert (await api.get("call", start_after=NOW)).json["items"] == (await api.get("call")).json["items"]


@pytest.mark.parametrize("after_in", [True, False])
@pytest.mark.parametrize("before_in", [True, False])
async def test_bounds_are_inclusive_or_not_as_the_switches_say(start: Start, after_in: bool, before_in: bool) -> None:
    api = await start(after_inclusive=after_in, before_inclusive=before_in)
    book = sorted({call.started for call in api.sim.world.books[api.sim.company.id].by_id.values()})
    low, high = book[-9], book[-3]
    listed = {int(item["date_started"]) for item in await api.calls(started_after=low, started_before=high)}
    assert listed == {start for start in book if low < start < high or (after_in and start == low) or (before_in and start == high)}


async def test_a_call_in_progress_is_listed_only_when_it_has_ended(start: Start) -> None:
    clock = NOW
    api = await start()
    api.sim._clock = lambda: clock
    latest = max(api.sim.world.books[api.sim.company.id].by_id.values(), key=lambda call: call.ended)
    clock = latest.ended - 1
    window = {"started_after": latest.started, "started_before": latest.started + 1}
    assert str(latest.id) not in [i["call_id"] for i in await api.calls(**window)]
    clock = latest.ended
    assert str(latest.id) in [i["call_id"] for i in await api.calls(**window)]


async def test_a_window_before_the_company_existed_is_an_empty_page(start: Start) -> None:
    body = (await (await start()).get("call", started_after=1, started_before=2)).json
    assert body["items"] == []
    assert not body.get("cursor")


@pytest.mark.parametrize(("how", "items"), [("list", []), ("null", None), ("absent", "absent")])
async def test_an_empty_page_may_hold_a_list_null_or_nothing(start: Start, how: str, items: Any) -> None:
    api = await start(empty_items=how)
    assert (await api.get("call", started_after=1, started_before=2)).json.get("items", "absent") == items


async def test_the_calls_of_a_deleted_user_come_only_on_request(start: Start) -> None:
    api = await start(WorldSpec(now_ms=NOW, recordings=150, days=25, users=4, deleted_user=True))
    window = {"started_after": NOW - 29 * DAY, "started_before": NOW}
    some, every = await api.calls(**window), await api.calls(**window, include_anonymized="true")
    assert {i["call_id"] for i in some} < {i["call_id"] for i in every}
    gone = str(api.sim.company.users[-1].id)
    assert gone not in {i["target"]["id"] for i in some}
    assert gone in {i["target"]["id"] for i in every}


async def test_a_ghost_says_was_recorded_and_has_nothing(start: Start) -> None:
    api = await start(WorldSpec(now_ms=NOW, recordings=60, days=25, ghosts=2))
    items = await api.calls(started_after=NOW - 29 * DAY, started_before=NOW)
    ghosts = [i for i in items if i["was_recorded"] and "recording_details" not in i]
    assert len(ghosts) == 2


async def test_with_a_key_cursor_a_call_that_ends_during_paging_shifts_nothing(start: Start) -> None:
    api = await start()
    window = {"started_after": NOW - 29 * DAY, "started_before": NOW, "limit": 5}
    before = [i["call_id"] for i in await api.calls(**window)]
    first = (await api.get("call", **window)).json
    book = api.sim.world.books[api.sim.company.id]
    newest = book.by_id[int(first["items"][0]["call_id"])]
    late = Call(1, 1, newest.started - 1, None, NOW, "inbound", newest.target, "group", newest.office)
    book.add(late)
    rest = await api.calls(**window, cursor=first["cursor"])
    assert [i["call_id"] for i in first["items"] + rest] == before


def test_every_grouping_keeps_up_with_calls_that_are_added() -> None:
    world = build(WorldSpec(now_ms=NOW, recordings=60))
    calls = list(world.books[world.first.id].by_id.values())
    random.Random(4).shuffle(calls)
    book = CallBook(calls[:30])

    def center_of(call: Call) -> int | None:
        return call.center.id if call.center is not None else None

    def entries(center: int) -> list[Call]:
        return list(newest_first(book.group("center", center_of, center), 0, NOW, None))

    assert entries(1) == []
    for call in calls[30:]:
        book.add(call)
    for center in world.first.centers:
        mine = [call for call in calls if call.center is center]
        assert entries(center.id) == sorted(mine, key=lambda c: (c.started, c.id), reverse=True)
    assert len(list(newest_first(book.all, 0, NOW, None))) == len(calls)
