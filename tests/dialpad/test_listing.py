"""Windows, cursors and ignored parameters of GET /call."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rokuon.dialpad.source import MAX_SPAN_MS
from rokuon.domain.failures import SourceAnswerMalformed, SourceCursorLooped, SourceRequestRefused
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Page, Scope, ScopeKind

from .worlds import NOW_MS, QUICK, http, json_answer, listed, raw_server, source_for

DAY = 86_400_000
WEEK = TimeRange(NOW_MS - 8 * DAY, NOW_MS - DAY)


def call(call_id, started=WEEK.after_ms + 5, **more):
    return {"call_id": str(call_id), "date_started": str(started), "date_ended": str(started + 9), **more}


async def run(answer, scope=COMPANY_SCOPE, wanted=WEEK, **changes):
    async with raw_server(answer) as server, source_for(server.url, **changes) as rig:
        return await listed(rig.source, scope, wanted), server.requests


def one_page(*items):
    return lambda _: json_answer({"items": list(items)})


@pytest.mark.parametrize(
    ("scope", "params"),
    [
        (COMPANY_SCOPE, {}),
        (Scope(ScopeKind.OFFICE, "7"), {"target_type": "office", "target_id": "7"}),
        (Scope(ScopeKind.CONTACT_CENTER, "8"), {"target_type": "callcenter", "target_id": "8"}),
        (Scope(ScopeKind.COACHING_TEAM, "9"), {"target_type": "coachingteam", "target_id": "9"}),
    ],
)
async def test_a_scope_is_asked_for_by_its_filter_and_the_window_is_a_millisecond_wider(scope, params):
    pages, requests = await run(one_page(), scope)
    assert pages == [Page((), last=True)]
    expected = {
        "started_after": str(WEEK.after_ms - 1),
        "started_before": str(WEEK.before_ms + 1),
        "limit": "50",
        "include_anonymized": "true",
    }
    assert [(one.path, one.query) for one in requests] == [("/api/v2/call", params | expected)]


async def test_nothing_is_asked_of_the_future():
    _, requests = await run(one_page(), wanted=TimeRange(NOW_MS - DAY, NOW_MS + DAY))
    assert requests[0].query["started_before"] == str(NOW_MS)


async def test_a_range_that_lies_in_the_future_is_empty_without_a_request():
    pages, requests = await run(one_page(), wanted=TimeRange(NOW_MS + DAY, NOW_MS + 2 * DAY))
    assert pages == [Page((), last=True)]
    assert requests == []


@pytest.mark.parametrize("days", [30, 45, 61, 731])
async def test_a_longer_range_is_listed_in_windows_below_30_days_that_leave_no_gap(days):
    wanted = TimeRange(NOW_MS - days * DAY, NOW_MS - 1)
    pages, requests = await run(one_page(), wanted=wanted)
    spans = [(int(one.query["started_after"]), int(one.query["started_before"])) for one in requests]
    assert all(before - after < 30 * DAY for after, before in spans)
    assert spans[0][1] == wanted.before_ms + 1
    assert spans[-1][0] == wanted.after_ms - 1
    assert all(newer[0] + 1 == older[1] - 1 for newer, older in pairwise(spans))
    assert [page.last for page in pages] == [False] * (len(spans) - 1) + [True]
    assert len(spans) == -(-(wanted.before_ms - wanted.after_ms) // MAX_SPAN_MS)


async def test_calls_at_the_very_borders_of_the_range_are_inside_or_outside_as_the_contract_says():
    items = [
        call(n, at) for n, at in enumerate([WEEK.before_ms + 1, WEEK.before_ms, WEEK.before_ms - 1, WEEK.after_ms, WEEK.after_ms - 1], 1)
    ]
    pages, _ = await run(one_page(*items))
    assert [one.id for one in pages[0].calls] == ["3", "4"]


@pytest.mark.parametrize("at", [WEEK.before_ms + 2, WEEK.after_ms - 2, WEEK.after_ms - 400 * DAY])
async def test_calls_outside_of_the_range_mean_that_the_parameters_were_ignored(at):
    with pytest.raises(SourceAnswerMalformed):
        await run(one_page(call(1), call(2, at)))


async def test_a_call_whose_start_is_impossible_stays_in_the_window_that_listed_it():
    item = call(1) | {"date_started": "0", "date_ended": str(WEEK.before_ms + DAY // 2)}
    pages, _ = await run(one_page(item))
    assert pages[0].calls[0].started_ms == WEEK.before_ms + DAY // 2


async def test_a_bad_item_is_set_aside_and_the_others_go_on():
    pages, _ = await run(one_page(call(1), {"date_started": "1"}, None, call(2) | {"date_started": None, "date_ended": None}, call(3)))
    assert [one.id for one in pages[0].calls] == ["1", "3"]
    assert [one.call_id for one in pages[0].malformed] == ["", "", "2"]


async def test_pages_follow_the_cursor_until_there_is_none():
    def answer(request):
        number = int(request.query.get("cursor", "0"))
        return json_answer({"items": [call(number + 1)], "cursor": [1, "2", ""][number]})

    pages, requests = await run(answer)
    assert [page.calls[0].id for page in pages] == ["1", "2", "3"]
    assert [page.last for page in pages] == [False, False, True]
    assert {one.query["started_after"] for one in requests} == {str(WEEK.after_ms - 1)}, "the filters stay with the cursor"


@pytest.mark.parametrize("end", [{"cursor": None}, {"cursor": ""}, {}])
@pytest.mark.parametrize("items", [{"items": []}, {"items": None}, {}])
async def test_every_form_of_the_last_and_of_the_empty_page_ends_the_list(end, items):
    pages, requests = await run(lambda _: json_answer(end | items))
    assert pages == [Page((), last=True)]
    assert len(requests) == 1


async def test_an_empty_page_with_a_cursor_is_not_the_end():
    pages, _ = await run(lambda r: json_answer({"items": []} | ({} if r.query.get("cursor") else {"cursor": "x"})))
    assert [page.last for page in pages] == [False, True]


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_a_cursor_that_comes_again_is_a_loop(length):
    def answer(request):
        last = int(request.query.get("cursor", "-1"))
        return json_answer({"items": [], "cursor": str((last + 1) % length)})

    async with asyncio.timeout(20):
        with pytest.raises(SourceCursorLooped):
            await run(answer)


async def test_a_list_without_end_is_stopped_by_the_number_of_pages():
    def answer(request):
        return json_answer({"items": [], "cursor": str(int(request.query.get("cursor", "0")) + 1)})

    with pytest.raises(SourceCursorLooped):
        await run(answer, limits=replace(QUICK, pages=20))


async def test_a_refused_cursor_starts_the_window_again():
    refused = []

    def answer(request):
        if "cursor" not in request.query:
            return json_answer({"items": [call(1)], "cursor": "c"})
        if not refused:
            refused.append(1)
            return json_answer({"error": {}}, 400)
        return json_answer({"items": [call(2)]})

    pages, _ = await run(answer)
    assert [one.id for page in pages for one in page.calls] == ["1", "1", "2"]
    assert pages[-1].last


async def test_a_cursor_that_is_always_refused_ends_in_an_error():
    def answer(request):
        return json_answer({"error": {}}, 400) if "cursor" in request.query else json_answer({"items": [], "cursor": "c"})

    with pytest.raises(SourceCursorLooped):
        await run(answer)


async def test_a_refused_window_is_an_error_at_once():
    with pytest.raises(SourceRequestRefused):
        await run(lambda _: json_answer({"error": {}}, 400))


async def test_a_clock_ahead_of_the_servers_asks_again_by_the_servers_clock():
    server_now = NOW_MS - 600_000
    stamp = "Thu, 06 Aug 2026 04:10:00 GMT"
    assert server_now == 1_785_989_400_000

    def answer(request):
        if int(request.query["started_before"]) > server_now:
            return json_answer({"error": {}}, 400, f"Date: {stamp}")
        return json_answer({"items": []}, 200, f"Date: {stamp}")

    pages, requests = await run(answer, wanted=TimeRange(NOW_MS - DAY, NOW_MS))
    assert pages == [Page((), last=True)]
    assert [one.query["started_before"] for one in requests] == [str(NOW_MS), str(server_now - 1000)]


async def test_a_listing_that_is_left_early_can_be_closed():
    def answer(request):
        return json_answer({"items": [call(1)], "cursor": str(int(request.query.get("cursor", "0")) + 1)})

    async with raw_server(answer) as server, source_for(server.url) as rig:
        pages = rig.source.pages(COMPANY_SCOPE, WEEK)
        assert (await anext(pages)).calls
        await pages.aclose()
        assert len(server.requests) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = st.sampled_from(
    [
        "call_id",
        "date_started",
        "date_ended",
        "target",
        "group_id",
        "was_recorded",
        "recording_details",
        "recording_url",
        "admin_recording_urls",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(_FIELDS, _JSON, max_size=4), cursor=_JSON, cut=st.none() | st.integers(0, 400))
async def test_a_mutated_page_never_does_anything_but_give_pages_or_a_source_error(changes, cursor, cut):
    def answer(request):
        page = {"items": [call(1), call(2) | changes, call(3)], "cursor": None if "cursor" in request.query else cursor}
        body = json.dumps(page).encode()
        return http(200, body[:cut] if cut is not None else body, kind="application/json")

    try:
        pages, _ = await run(answer)
    except SourceAnswerMalformed:
        return
    assert {"1", "3"} <= {one.id for page in pages for one in page.calls}
    assert pages[-1].last
