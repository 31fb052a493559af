"""What a window reports of recorded calls outside every rule: each call once, with the page that moves the mark past it."""

from dataclasses import replace

import pytest

from rokuon.backup.backfill import PlannedWindow
from rokuon.backup.estimate import Estimate, Rates, estimate
from rokuon.backup.window import JobEnd, work_on_window
from rokuon.domain.outside import OutsideCall
from rokuon.domain.pace import CurrentBudget
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, ListedCall, ListedRecording, Party, RecordingKind, Scope
from tests.backup.scripted import NOW_MS, Bench, listing
from tests.backup.test_window import CENTER, TARGETS, WINDOW, group, job

CARE, ANN = Party("department", "30", "Care"), Party("user", "7", "Ann")


def outside(number: int, ago_ms: int, party: Party = CARE) -> ListedCall:
    entry = ListedRecording(RecordingKind.CALL, f"o{number}", f"https://dialpad.example/r/{number}")
    return ListedCall(f"o{number}", NOW_MS - ago_ms, NOW_MS - ago_ms + 60_000, was_recorded=True, target=party, recordings=(entry,))


def some_calls() -> list[ListedCall]:
    return [call for n in range(1, 61) for call in (outside(n, n * 240_000, (CARE, ANN)[n % 2]), group(n, n * 240_000 + 1))]


async def entered(bench: Bench, per_page: int, *, pages: int, scope: Scope = COMPANY_SCOPE) -> list[OutsideCall]:
    """List the window with jobs that end after so many pages, each from the last one's mark, and enter reports as the ledger does."""
    bench.source.pages_of = listing(some_calls(), per_page)
    found: list[OutsideCall] = []
    mark, end = WINDOW.before_ms, JobEnd.MORE
    while end is JobEnd.MORE:
        begun = len(bench.ledger.progress)
        context = job(bench, lambda begun=begun: len(bench.ledger.progress) >= begun + pages)
        end = await work_on_window(context, scope, WINDOW, mark, replace(TARGETS, ruled={CENTER}))
        for progress in bench.ledger.progress[begun:]:
            found += [call for call in progress.outside if progress.down_to_ms <= call.started_ms < mark]
            assert all(call.started_ms >= progress.down_to_ms for call in progress.outside)
            mark = min(mark, progress.down_to_ms)
    assert end is JobEnd.DONE
    return found


@pytest.mark.parametrize("pages", [2, 3, 5, 100])
async def test_a_job_that_resumes_reports_each_call_once(bench: Bench, pages: int) -> None:
    found = await entered(bench, 15, pages=pages)
    assert sorted(call.started_ms for call in found) == sorted(NOW_MS - n * 240_000 for n in range(1, 61))
    assert {call.line.name for call in found} == {"Care", "Ann"}


async def test_calls_beyond_the_windows_border_are_not_reported(bench: Bench) -> None:
    bench.source.pages_of = listing([outside(1, -1), outside(2, 1000), outside(3, 86_400_000 + 1)], 50)
    await work_on_window(job(bench), COMPANY_SCOPE, WINDOW, WINDOW.before_ms, replace(TARGETS, ruled={CENTER}))
    assert [call.started_ms for progress in bench.ledger.progress for call in progress.outside] == [NOW_MS - 1000]


async def test_a_listing_by_target_reports_none(bench: Bench) -> None:
    assert await entered(bench, 50, pages=100, scope=CENTER) == []


async def test_a_target_with_a_rule_that_this_window_is_not_sorted_into_is_not_outside(bench: Bench) -> None:
    bench.source.pages_of = listing([outside(1, 1000, Party("callcenter", "12", "Support"))], 50)
    support = Scope(CENTER.kind, "12")
    await work_on_window(job(bench), COMPANY_SCOPE, WINDOW, WINDOW.before_ms, replace(TARGETS, ruled={CENTER, support}))
    assert not any(progress.outside for progress in bench.ledger.progress)


# --- the plan of a run --------------------------------------------------------------------------------------------------


async def planned(bench: Bench, *windows: tuple[Scope, TimeRange], per_page: int = 500) -> Estimate:
    bench.source.pages_of = listing(some_calls(), per_page)
    plans = [PlannedWindow(scope, (1,), wanted) for scope, wanted in windows]
    return await estimate(bench.source, plans, replace(TARGETS, ruled={CENTER}), Rates(CurrentBudget(10, 1)), already=0)


async def test_a_plan_counts_the_calls_outside_every_rule(bench: Bench) -> None:
    plan = await planned(bench, (COMPANY_SCOPE, WINDOW))
    assert (plan.outside, plan.recordings, plan.exact) == (60, 60, True)


async def test_a_plan_of_one_page_estimates_them_by_time(bench: Bench) -> None:
    plan = await planned(bench, (COMPANY_SCOPE, replace(WINDOW, after_ms=NOW_MS - 8 * 3_600_000)), per_page=30)
    assert plan.outside is not None
    assert 100 <= plan.outside <= 130
    assert not plan.exact


async def test_windows_of_the_same_days_count_them_once(bench: Bench) -> None:
    assert (await planned(bench, (COMPANY_SCOPE, WINDOW), (COMPANY_SCOPE, WINDOW))).outside == 60


async def test_a_plan_that_lists_by_target_or_nothing_does_not_know_them(bench: Bench) -> None:
    assert (await planned(bench, (COMPANY_SCOPE, WINDOW), (CENTER, WINDOW))).outside is None
    assert (await planned(bench)).outside is None
