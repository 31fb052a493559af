"""Windows, cursors and ignored parameters of GET /call."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rokuon.dialpad import paging
from rokuon.dialpad.paging import BARREN_PAGES
from rokuon.dialpad.source import MAX_SPAN_MS
from rokuon.domain.failures import (
    Decision,
    SourceAddressUnknown,
    SourceAnswerMalformed,
    SourceCursorLooped,
    SourceCursorRefused,
    SourceNotFound,
    SourceRequestRefused,
)
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Bound, ListingPage, Scope, ScopeKind

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
    assert pages == [ListingPage((), last=True)]
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
    assert pages == [ListingPage((), last=True)]
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
async def test_one_answer_with_a_call_outside_of_the_range_is_asked_for_again_and_no_habit(at):
    asked = []

    def answer(request):
        asked.append(request)
        return json_answer({"items": [call(1), call(2, at)] if len(asked) == 1 else [call(1)]})

    told = Told()
    pages, _ = await run(answer, range_ignored=told)
    assert [one.id for one in pages[-1].calls] == ["1"]
    assert (len(asked), told) == (2, [])


@pytest.mark.parametrize(
    ("at", "bound"),
    [(WEEK.before_ms + 2, Bound.BEFORE), (WEEK.after_ms - 2, Bound.AFTER), (WEEK.after_ms - 400 * DAY, Bound.AFTER)],
)
async def test_a_source_that_keeps_answering_outside_is_filtered_and_told_of(at, bound):
    told = Told()
    pages, _ = await run(one_page(call(1), call(2, at)), range_ignored=told)
    assert [one.id for one in pages[-1].calls] == ["1"]
    assert told == [(ScopeKind.COMPANY, bound)]


class Told(list):
    async def __call__(self, kind, bound):
        self.append((kind, bound))


def unbounded(calls, *ignored, per_page=3):
    """A server that lists `calls` newest first and ignores these bounds."""

    def answer(request):
        after = -1 if Bound.AFTER in ignored else int(request.query["started_after"])
        before = 2**62 if Bound.BEFORE in ignored else int(request.query["started_before"])
        inside = [one for one in calls if after <= int(one["date_started"]) < before]
        at = int(request.query.get("cursor", "0"))
        return json_answer({"items": inside[at : at + per_page], "cursor": str(at + per_page) if at + per_page < len(inside) else ""})

    return answer


HOURLY = [call(1000 - n, NOW_MS - n * 3_600_000) for n in range(1, 400)]


@pytest.mark.parametrize("ignored", [(Bound.AFTER,), (Bound.BEFORE,), (Bound.AFTER, Bound.BEFORE)])
async def test_what_the_source_does_not_bound_is_listed_whole_and_left_below_the_range(ignored):
    told = Told()
    async with raw_server(unbounded(HOURLY, *ignored)) as server, source_for(server.url, range_ignored=told) as rig:
        wanted = TimeRange(NOW_MS - 60 * 3_600_000, NOW_MS - 40 * 3_600_000)
        expected = [one["call_id"] for one in HOURLY if wanted.after_ms <= int(one["date_started"]) < wanted.before_ms]
        for _ in range(2):
            before = len(server.requests)
            pages = await listed(rig.source, COMPANY_SCOPE, wanted)
            assert list(dict.fromkeys(one.id for page in pages for one in page.calls)) == expected
            assert [page.last for page in pages].count(True) == 1
            assert pages[-1].last
        assert len(server.requests) - before <= 60 // 3 + 2, "read down to the range, and left below it"
        assert sorted(told) == sorted((ScopeKind.COMPANY, bound) for bound in ignored)


async def test_one_kind_of_scope_that_ignores_the_range_leaves_the_others_strict():
    whole, strict = unbounded(HOURLY, Bound.AFTER), unbounded(HOURLY)
    told = Told()

    def answer(request):
        return (whole if "target_id" in request.query else strict)(request)

    center = Scope(ScopeKind.CONTACT_CENTER, "8")
    async with raw_server(answer) as server, source_for(server.url, range_ignored=told) as rig:
        wanted = TimeRange(NOW_MS - 60 * 3_600_000, NOW_MS - 40 * 3_600_000)
        by_center = await listed(rig.source, center, wanted)
        by_company = await listed(rig.source, COMPANY_SCOPE, wanted)
    assert {one.id for page in by_center for one in page.calls} == {one.id for page in by_company for one in page.calls}
    assert told == [(ScopeKind.CONTACT_CENTER, Bound.AFTER)]


async def test_a_list_that_ignores_the_range_and_is_in_no_order_is_not_left_early():
    mixed = [HOURLY[n] for n in (50, 51, 300, 301, 302, 303, 52, 53, 54)]
    async with raw_server(unbounded(mixed, Bound.AFTER)) as server, source_for(server.url) as rig:
        with pytest.raises(SourceAnswerMalformed):
            await listed(rig.source, COMPANY_SCOPE, TimeRange(NOW_MS - 60 * 3_600_000, NOW_MS - 40 * 3_600_000))


async def test_unreadable_items_outside_of_an_ignored_range_are_not_counted_in_it():
    old = {"call_id": "9", "date_started": str(NOW_MS - 300 * 3_600_000), "recording_url": 7}
    items = [call(1), old | {"call_id": None}, {"call_id": "8"}, old, call(2, WEEK.after_ms - 9 * DAY)]
    pages, _ = await run(one_page(*items))
    assert [one.call_id for one in pages[-1].malformed] == ["8"], "only what may have been in the range"


async def test_a_call_whose_start_is_impossible_stays_in_the_window_that_listed_it():
    item = call(1) | {"date_started": "0", "date_ended": str(WEEK.before_ms + DAY // 2)}
    pages, _ = await run(one_page(item))
    assert pages[0].calls[0].started_ms == WEEK.before_ms + DAY // 2


async def test_a_bad_item_is_set_aside_and_the_others_go_on():
    pages, _ = await run(one_page(call(1), {"date_started": "1"}, None, call(2) | {"date_started": None, "date_ended": None}, call(3)))
    assert [one.id for one in pages[0].calls] == ["1", "3"]
    assert [one.call_id for one in pages[0].malformed] == ["", "", "2"]


async def test_an_item_without_a_time_lies_between_those_beside_it():
    start = WEEK.after_ms
    timeless = call(9) | {"date_started": None, "date_ended": None}

    def answer(request):
        items = [[call(1, start + 3_000), timeless, call(2, start + 2_000)], [None, call(3, start + 1_000), {"id": None}]]
        page = int(request.query.get("cursor", "0"))
        return json_answer({"items": items[page], "cursor": ["1", ""][page]})

    pages, _ = await run(answer)
    bounds = [(one.call_id, one.after_ms, one.before_ms) for page in pages for one in page.malformed]
    assert bounds == [("9", start + 2_000, start + 3_001), ("", start + 1_000, start + 2_001), ("", None, start + 1_001)]


async def test_an_item_without_an_id_is_the_same_whenever_it_is_listed():
    def item(signature):
        return {
            "date_started": WEEK.after_ms + 5,
            "target": {"type": "call_center", "id": 7},
            "recording_url": [f"https://x/r/1?s={signature}"],
        }

    first, second = [(await run(one_page(item(signature))))[0][0].malformed[0] for signature in ("a", "b")]
    assert first == second
    assert (first.started_ms, [party.id for party in first.parties]) == (WEEK.after_ms + 5, ["7"])
    assert first.digest
    assert "https" not in repr(first)


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
    assert pages == [ListingPage((), last=True)]
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


async def test_a_cursor_that_comes_again_is_a_loop_although_its_page_has_new_calls():
    """What is behind such a cursor can be asked for no second time. This list would end by itself."""
    numbers = iter(range(1, 31))

    def answer(request):
        number = next(numbers)
        return json_answer({"items": [call(number)], "cursor": "the same" if number < 30 else ""})

    async with raw_server(answer) as server, source_for(server.url) as rig:
        with pytest.raises(SourceCursorLooped):
            await listed(rig.source, COMPANY_SCOPE, WEEK)
        assert len(server.requests) == 2


def endless(items_of):
    """A new cursor for ever; `items_of(n)` are the items of the n-th page."""

    def answer(request):
        number = int(request.query.get("cursor", "0"))
        return json_answer({"items": items_of(number), "cursor": str(number + 1)})

    return answer


SAME = [call(n, WEEK.before_ms - 1_000 * n) for n in range(1, 51)]
WITHOUT_END = {
    "the same page": lambda n: SAME,
    "another order": lambda n: SAME[n % 50 :] + SAME[: n % 50],
    "two pages by turns": lambda n: SAME[:25] if n % 2 else SAME[25:],
    "three pages by turns": lambda n: SAME[16 * (n % 3) : 16 * (n % 3) + 16],
    "empty pages": lambda n: [],
    "pages that get shorter": lambda n: SAME[: max(0, 50 - n)],
    "one call, then none": lambda n: SAME[:1] if n == 0 else [],
    "items that cannot be read": lambda n: [{"date_started": "x"}, None],
    "the same call, older each time": lambda n: [call(1, WEEK.before_ms - 1_000 * (n + 1))],
}


@pytest.mark.parametrize("name", WITHOUT_END)
async def test_a_list_without_end_is_looped_within_a_few_pages(name):
    async with raw_server(endless(WITHOUT_END[name])) as server, source_for(server.url) as rig:
        with pytest.raises(SourceCursorLooped):
            await listed(rig.source, COMPANY_SCOPE, WEEK)
        assert len(server.requests) <= 3 + BARREN_PAGES


@pytest.mark.parametrize("name", WITHOUT_END)
@pytest.mark.parametrize("read", ["offices", "people", "hooks"])
async def test_no_other_list_goes_round_for_ever_either(name, read):
    def items_of(n):
        return [item and {"id": item.get("call_id", "7"), "name": "x", "user": 1} for item in WITHOUT_END[name](n) if item]

    async with raw_server(endless(items_of)) as server, source_for(server.url) as rig:
        with pytest.raises(SourceCursorLooped):
            if read == "hooks":
                await rig.source.ensure_events("https://rokuon.example/x", "s" * 40, None)
            else:
                await getattr(rig.source, read)()
        assert len(server.requests) <= 3 + BARREN_PAGES


async def test_a_round_that_is_longer_than_what_is_remembered_is_noticed_by_its_starts(monkeypatch):
    monkeypatch.setattr(paging, "REMEMBERED", 60)
    monkeypatch.setattr(paging, "LEVEL_PAGES", 12)
    calls = [call(n, WEEK.before_ms - 1_000 * n) for n in range(1, 101)]
    async with raw_server(endless(lambda n: calls[10 * (n % 10) : 10 * (n % 10) + 10])) as server, source_for(server.url) as rig:
        with pytest.raises(SourceCursorLooped):
            await listed(rig.source, COMPANY_SCOPE, WEEK)
        assert len(server.requests) <= 10 + 12 + 1


@pytest.mark.parametrize("step", [1, 7, 49])
async def test_pages_that_overlap_by_all_but_a_few_calls_are_an_honest_list(step):
    calls = [call(n, WEEK.before_ms - 1_000 * n) for n in range(1, 131)]
    last = -(-(len(calls) - 50) // step)

    def answer(request):
        number = int(request.query.get("cursor", "0"))
        return json_answer({"items": calls[number * step : number * step + 50], "cursor": str(number + 1) if number < last else None})

    pages, _ = await run(answer)
    assert {one.id for page in pages for one in page.calls} == {one["call_id"] for one in calls}


async def test_many_calls_of_one_millisecond_are_an_honest_list():
    def answer(request):
        number = int(request.query.get("cursor", "0"))
        return json_answer({"items": [call(100 * number + n + 1) for n in range(50)], "cursor": str(number + 1) if number < 30 else ""})

    pages, _ = await run(answer)
    assert sum(len(page.calls) for page in pages) == 31 * 50


async def test_a_list_without_end_that_always_has_more_is_stopped_by_the_number_of_pages():
    async with raw_server(endless(lambda n: [call(n + 1)])) as server, source_for(server.url, limits=replace(QUICK, pages=20)) as rig:
        with pytest.raises(SourceCursorLooped):
            await listed(rig.source, COMPANY_SCOPE, WEEK)
        assert len(server.requests) <= 20 + 1


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
    """And not as a list that repeats itself: it was never asked for twice in the same place."""

    def answer(request):
        return json_answer({"error": {}}, 400) if "cursor" in request.query else json_answer({"items": [], "cursor": "c"})

    with pytest.raises(SourceCursorRefused) as refused:
        await run(answer)
    assert (refused.value.reason, refused.value.decision) == ("source_cursor_refused", Decision.AFTER)
    assert "repeats itself" not in refused.value.advice


async def test_a_cursor_that_is_refused_on_a_late_page_is_one_that_is_refused():
    def answer(request):
        place = int(request.query.get("cursor", "0"))
        return json_answer({"error": {}}, 400) if place == 3 else json_answer({"items": [call(10 - place)], "cursor": str(place + 1)})

    with pytest.raises(SourceCursorRefused):
        await run(answer)


async def test_a_window_that_is_refused_from_its_start_is_no_refused_cursor():
    """Also where our clock is ahead, which is tried with another end a few times."""

    def answer(request):
        return json_answer({"error": {}}, 400, "Date: Mon, 01 Jan 2001 00:00:00 GMT")

    with pytest.raises(SourceRequestRefused) as refused:
        await run(answer, wanted=TimeRange(NOW_MS - DAY, NOW_MS))
    assert refused.value.reason == "source_request_refused"


async def test_a_target_that_is_not_known_is_told_from_an_api_that_is_not_known():
    with pytest.raises(SourceNotFound) as unknown:
        await run(lambda _: json_answer({}, 404), scope=Scope(ScopeKind.CONTACT_CENTER, "7"))
    assert unknown.value.reason == "source_not_found"
    with pytest.raises(SourceAddressUnknown) as api:
        await run(lambda _: json_answer({}, 404))
    assert "contact center" not in api.value.advice


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
    assert pages == [ListingPage((), last=True)]
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
