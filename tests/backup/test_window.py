"""One window of calls: what was left over, what is listed, how far the resume mark may go, and when to stop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rokuon.backup.discover import TargetPlan, Targets
from rokuon.backup.window import JobContext, JobEnd, work_on_due, work_on_window
from rokuon.domain.classify import PATIENCE_MS, WAIT_FOR_LEGS_MS
from rokuon.domain.failures import SourceCursorLooped, SourceTlsInvalid, SourceUnavailable
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import (
    COMPANY_SCOPE,
    ListedCall,
    ListedRecording,
    ListingPage,
    MalformedItem,
    Party,
    RecordingKind,
    Scope,
    ScopeKind,
)
from rokuon.domain.work import Unread
from tests.audio import length_ms
from tests.backup.scripted import NOW_MS, Bench, Clip, listing, work

CENTER = Scope(ScopeKind.CONTACT_CENTER, "11")
TARGETS = Targets({CENTER: TargetPlan(1, 1, "Sales", "Asia/Tokyo")}, {}, voicemail=False)
DAY_MS = 86_400_000
WINDOW = TimeRange(NOW_MS - DAY_MS, NOW_MS)
SALES = Party("callcenter", "11", "Sales")


def group(number: int, ago_ms: int, *, operator: str = "", recordings: int = 1, kind: RecordingKind = RecordingKind.CALL) -> ListedCall:
    found = tuple(
        ListedRecording(kind, f"r{number}{part or ''}", f"https://dialpad.example/r/{number}", duration_ms=length_ms())
        for part in range(recordings)
    )
    started = NOW_MS - ago_ms
    return ListedCall(f"c{number}", started, started + 60_000, bool(found), SALES, operator_call_id=operator, recordings=found)


def agent(number: int, ago_ms: int, entry: str, *, recordings: int = 0) -> ListedCall:
    found = tuple(
        ListedRecording(RecordingKind.CALL, f"r{number}", "https://dialpad.example/r/x", duration_ms=length_ms()) for _ in range(recordings)
    )
    started = NOW_MS - ago_ms
    return ListedCall(
        f"c{number}", started, started + 60_000, bool(found), Party("user", "5", "Ann"), entry_point_call_id=entry, recordings=found
    )


def job(bench: Bench, time_up: Callable[[], bool] = lambda: False) -> JobContext:
    return JobContext(bench.context, bench.open_store, bench.ledger, lambda: NOW_MS, time_up)


async def worked(bench: Bench, calls: Sequence[ListedCall] = (), per_page: int = 50, **how: Any) -> JobEnd:
    if calls:
        bench.source.pages_of = listing(calls, per_page)
    scope, mark, window = how.pop("scope", COMPANY_SCOPE), how.pop("mark", WINDOW.before_ms), how.pop("window", WINDOW)
    return await work_on_window(job(bench, **how), scope, window, mark, TARGETS)


async def test_every_recording_of_the_window_is_copied_and_the_mark_reaches_the_bottom(bench: Bench) -> None:
    calls = [group(number, number * 60_000) for number in range(1, 131)]
    assert await worked(bench, calls) is JobEnd.DONE
    assert bench.ledger.states() == {"verified": 130}
    assert bench.ledger.progress[-1].down_to_ms == WINDOW.after_ms
    assert len(bench.ledger.calls) == 130


async def test_all_recordings_of_one_call_are_copied(bench: Bench) -> None:
    await worked(bench, [group(1, 1000, recordings=3)])
    assert bench.ledger.states() == {"verified": 3}


async def test_what_was_left_over_is_tried_first_and_then_the_listing(bench: Bench) -> None:
    order: list[str] = []
    bench.source.before_answer = order.append
    bench.ledger.add(*[work(number) for number in range(900, 907)])
    await worked(bench, [group(1, 1000)])
    assert order[-1] == "r1"
    assert set(order[:-1]) == {f"r{number}" for number in range(900, 907)}


async def test_the_mark_never_passes_what_was_placed(bench: Bench) -> None:
    """Whatever the page size: a call at or above the mark is in the ledger by then (a watermark that runs ahead loses calls)."""
    calls = [group(number, number * 120_000) for number in range(1, 61)]
    marks: list[tuple[int, set[str]]] = []
    bench.ledger.on_place = lambda: None
    placed = bench.ledger.place

    async def watching(*arguments: Any) -> Any:
        answer = await placed(*arguments)
        marks.append((arguments[2].down_to_ms, {call.call_id for call in bench.ledger.calls}))
        return answer

    bench.ledger.place = watching  # type: ignore[method-assign]
    await worked(bench, calls, per_page=7)
    assert len(marks) == 9
    for mark, known in marks:
        assert {call.id for call in calls if call.started_ms >= mark} <= known


async def test_a_job_that_stops_when_its_time_is_up_goes_on_below_the_mark_and_misses_none(bench: Bench) -> None:
    calls = [group(number, number * 120_000) for number in range(1, 201)]
    mark, rounds = WINDOW.before_ms, 0
    while True:
        rounds += 1
        begun = len(bench.ledger.progress)
        end = await worked(bench, calls, per_page=20, mark=mark, time_up=lambda begun=begun: len(bench.ledger.progress) > begun + 1)
        mark = min([mark, *[progress.down_to_ms for progress in bench.ledger.progress]])
        if end is JobEnd.DONE:
            break
        assert end is JobEnd.MORE
        assert rounds < 40
    assert rounds > 3
    assert {row.work.recording_id for row in bench.ledger.rows.values()} == {f"r{number}" for number in range(1, 201)}
    assert bench.ledger.states() == {"verified": 200}


async def test_a_cancel_takes_effect_at_the_next_page(bench: Bench) -> None:
    def cancel() -> None:
        bench.ledger.is_wanted = len(bench.ledger.progress) < 1

    bench.ledger.on_place = cancel
    assert await worked(bench, [group(number, number * 60_000) for number in range(1, 200)]) is JobEnd.UNWANTED
    assert len(bench.ledger.progress) == 1


async def test_a_cancel_takes_effect_between_two_recordings(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rokuon.backup.window.POLL_S", 0.01)
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=1)
    bench.ledger.add(*[work(number) for number in range(1, 100)])
    fetched: list[str] = []

    def fetch(recording: str) -> None:
        fetched.append(recording)
        bench.ledger.is_wanted = len(fetched) < 5

    put = bench.store.inner.put

    async def slow_put(*arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(0.01)
        return await put(*arguments, **options)

    bench.store.inner.put = slow_put  # type: ignore[method-assign]
    bench.source.before_answer = fetch
    assert await work_on_due(job(bench)) is JobEnd.UNWANTED
    assert 5 <= len(fetched) < 20
    assert bench.ledger.states()["verified"] == len(fetched)


async def test_a_held_source_ends_the_job_and_what_is_left_stays_pending(bench: Bench) -> None:
    for number in range(1, 200):
        bench.source.script(number, Clip(error=SourceTlsInvalid()))
    assert await worked(bench, [group(number, number * 60_000) for number in range(1, 100)], per_page=10) is JobEnd.HELD
    assert set(bench.ledger.states()) == {"pending"}


@pytest.mark.parametrize("error", [SourceUnavailable(), SourceCursorLooped()])
async def test_a_listing_that_breaks_off_is_raised_after_those_in_flight_have_ended(bench: Bench, error: Exception) -> None:
    pages = listing([group(number, number * 60_000) for number in range(1, 40)], 20)
    bench.source.pages_of = lambda scope, wanted: [pages(scope, wanted)[0], error]
    with pytest.raises(type(error)):
        await work_on_window(job(bench), COMPANY_SCOPE, WINDOW, WINDOW.before_ms, TARGETS)
    assert set(bench.ledger.states()) <= {"verified"}
    assert bench.ledger.progress
    assert bench.ledger.progress[-1].down_to_ms > WINDOW.after_ms, "what was not listed is not claimed"


async def test_a_listing_by_target_that_lacks_the_agents_leg_asks_for_a_wider_one(bench: Bench) -> None:
    calls = [group(1, 3_600_000, operator="c2"), group(3, 7_200_000)]
    assert await worked(bench, calls, scope=CENTER) is JobEnd.NARROW


async def test_the_same_listing_by_the_company_is_all_there_is(bench: Bench) -> None:
    assert await worked(bench, [group(1, 3_600_000, operator="c2"), group(3, 7_200_000)]) is JobEnd.DONE
    assert bench.ledger.states() == {"verified": 2}


async def test_a_conversation_across_the_border_of_two_windows_keeps_its_agents_name_and_both_recordings(bench: Bench) -> None:
    """The group leg starts two seconds before midnight, the agent's leg one second after it."""
    border = NOW_MS - DAY_MS
    calls = [group(1, DAY_MS + 2000, operator="c2"), agent(2, DAY_MS - 1000, "c1", recordings=1)]
    older, newer = TimeRange(border - DAY_MS, border), TimeRange(border, NOW_MS)
    for window in (newer, older):
        assert await worked(bench, calls, window=window, mark=window.before_ms) is JobEnd.DONE
    copies = {copy.recording_id: copy for copy in bench.ledger.copies}
    assert set(copies) == {"r1", "r2"}
    assert {copy.agent for copy in copies.values()} == {"Ann"}
    assert bench.ledger.states() == {"verified": 2}


async def test_the_listing_reaches_as_far_beyond_both_borders_as_a_conversations_legs_may_lie_apart(bench: Bench) -> None:
    await worked(bench, [group(1, 1000)], mark=NOW_MS - 3_600_000)
    ((scope, wanted),) = bench.source.listings
    assert scope == COMPANY_SCOPE
    assert wanted == TimeRange(WINDOW.after_ms - PATIENCE_MS, NOW_MS - 3_600_000 + WAIT_FOR_LEGS_MS)


async def entries(bench: Bench, *pages: ListingPage, scope: Scope = COMPANY_SCOPE) -> list[Unread]:
    """What the ledger was told could not be read: of each entry the last word."""
    bench.source.pages_of = lambda scope, wanted: list(pages)
    assert await work_on_window(job(bench), scope, WINDOW, WINDOW.before_ms, TARGETS) is JobEnd.DONE
    return list({entry.mark: entry for progress in bench.ledger.progress for entry in progress.unread}.values())


async def test_s27_entries_that_cannot_be_read_are_told_and_do_not_spoil_their_page(bench: Bench) -> None:
    odd = (MalformedItem("no id", digest="d"), MalformedItem("no start", "c7", after_ms=NOW_MS - 1500, before_ms=NOW_MS - 1400))
    first, second = await entries(bench, ListingPage((group(1, 1000), group(2, 2000)), last=True, malformed=odd))
    assert bench.ledger.states() == {"verified": 2}
    assert (first.after_ms, first.before_ms) == (WINDOW.after_ms, WINDOW.before_ms)
    assert (second.call_id, second.after_ms, second.before_ms) == ("c7", NOW_MS - 1500, NOW_MS - 1400)
    assert {first.target_id, second.target_id} == {None}
    assert [progress.read for progress in bench.ledger.progress] == [("c1", "c2")]


async def test_an_entry_at_the_end_of_a_page_gets_its_other_border_from_the_next(bench: Bench) -> None:
    last = MalformedItem("no start", "c7", before_ms=NOW_MS - 900)
    (entry,) = await entries(bench, ListingPage((group(1, 1000),), False, (last,)), ListingPage((group(2, 2000),), True))
    assert (entry.after_ms, entry.before_ms) == (NOW_MS - 2000, NOW_MS - 900)


async def test_an_entry_beyond_the_windows_borders_is_its_neighbours(bench: Bench) -> None:
    beyond = (
        MalformedItem("no call id", started_ms=WINDOW.before_ms + 5, digest="d"),
        MalformedItem("no call id", started_ms=1, digest="e"),
    )
    assert await entries(bench, ListingPage((group(1, 1000),), True, beyond)) == []


async def test_a_recording_that_cannot_be_read_is_of_its_calls_targets(bench: Bench) -> None:
    odd = [
        MalformedItem("a recording of an unknown kind", call, NOW_MS - 1000, kind="hologram", recording_id=number)
        for call, number in (("c1", "5"), ("c1", "6"), ("c9", "7"))
    ]
    other = ListedCall("c9", NOW_MS - 5000, NOW_MS, True, Party("callcenter", "99", "Other"))
    found = await entries(bench, ListingPage((group(1, 1000), other), True, tuple(odd)))
    (target,) = {plan.id for scope, plan in TARGETS.plans.items() if scope.kind is ScopeKind.CONTACT_CENTER}
    assert [(one.target_id, one.mark, one.after_ms) for one in found] == [
        (target, "c1/hologram/5/1", NOW_MS - 1000),
        (target, "c1/hologram/6/1", NOW_MS - 1000),
    ]


async def test_an_entry_that_names_a_backed_up_target_is_that_targets(bench: Bench) -> None:
    (scope, plan), *_ = TARGETS.plans.items()
    named = MalformedItem("no call id", started_ms=NOW_MS - 1000, digest="d", parties=(Party(scope.kind.value, scope.id),))
    (entry,) = await entries(bench, ListingPage((group(1, 1000),), True, (named,)))
    assert entry.target_id == plan.id


async def test_s21_voicemail_is_listed_as_excluded_and_not_fetched(bench: Bench) -> None:
    await worked(bench, [group(1, 1000, kind=RecordingKind.VOICEMAIL), group(2, 2000)])
    assert {copy.recording_id: copy.excluded for copy in bench.ledger.copies} == {"r1": "kind_not_chosen", "r2": ""}
    assert bench.source.opened["r1"] == 0


async def test_a_recording_listed_twice_is_one_copy(bench: Bench) -> None:
    calls = [group(1, 5000), group(1, 5000)]
    bench.source.pages_of = lambda scope, wanted: [ListingPage((calls[0],), False), ListingPage((calls[1],), True)]
    await work_on_window(job(bench), COMPANY_SCOPE, WINDOW, WINDOW.before_ms, TARGETS)
    assert bench.ledger.states() == {"verified": 1}


async def test_calls_of_centers_without_a_rule_are_not_entered(bench: Bench) -> None:
    other = ListedCall("c9", NOW_MS - 5000, NOW_MS, True, Party("callcenter", "99", "Other"), recordings=(group(9, 0).recordings))
    await worked(bench, [group(1, 1000), other])
    assert {call.call_id for call in bench.ledger.calls} == {"c1"}


async def test_a_finished_window_asks_for_nothing(bench: Bench) -> None:
    assert await worked(bench, [group(1, 1000)], mark=WINDOW.after_ms) is JobEnd.DONE
    assert bench.source.listings == []


async def test_s3_a_late_retry_looks_the_recording_up_again_and_uses_the_fresh_address(bench: Bench) -> None:
    stale = work(1, tries=3)
    bench.ledger.add(stale)
    fresh = ListedCall(
        "c1", stale.started_ms, None, True, SALES, recordings=(ListedRecording(RecordingKind.CALL, "r1", "https://dialpad.example/new"),)
    )
    bench.source.pages_of = lambda scope, wanted: [ListingPage((fresh,), True)]
    opened: list[str] = []
    plain = bench.source.open
    bench.source.open = lambda kind, recording, url: opened.append(url) or plain(kind, recording, url)  # type: ignore[method-assign, func-returns-value]
    assert await work_on_due(job(bench)) is JobEnd.DONE
    assert opened == ["https://dialpad.example/new"]
    assert [wanted for _, wanted in bench.source.listings] == [TimeRange(stale.started_ms, stale.started_ms + 1)]
