"""Recorded calls outside every rule over pages, restarts and legs that arrive late: each counts once, as by definition."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rokuon.backup.discover import Targets
from rokuon.backup.window import JobContext, JobEnd, work_on_window
from rokuon.domain.outside import OutsideCall
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, ListedCall
from tests.backup.scripted import Bench, listing
from tests.unit.test_classify import ANN, MINUTE, SALES, T0, TRAINEES, leg, rec
from tests.unit.test_outside import RULED, Counts, counted, directly, drawn

DAY = TimeRange(T0 - 60 * MINUTE, T0 + 24 * 60 * MINUTE)
TARGETS = Targets({}, TRAINEES, voicemail=False, ruled=RULED)


async def worked(calls: Sequence[ListedCall], per_page: int, jobs: Sequence[int]) -> list[OutsideCall]:
    """List the day with jobs that end after so many pages each, and a last one that reaches the end; return what the ledger enters."""
    entered: list[OutsideCall] = []
    with tempfile.TemporaryDirectory() as spool:
        bench = Bench(Path(spool))
        bench.source.pages_of = listing(calls, per_page)
        reports, mark_ms = bench.ledger.progress, DAY.before_ms
        for pages in [*jobs, len(calls) + 1]:
            begun = len(reports)
            job = JobContext(
                bench.context, bench.open_store, bench.ledger, lambda: DAY.before_ms, lambda end=begun + pages: len(reports) >= end
            )
            end = await work_on_window(job, COMPANY_SCOPE, DAY, mark_ms, TARGETS)
            for report in reports[begun:]:
                entered += [call for call in report.outside if call.started_ms < mark_ms]
                mark_ms = min(mark_ms, report.down_to_ms)
        assert end is JobEnd.DONE
    return entered


def listed(calls: Sequence[ListedCall], per_page: int, jobs: Sequence[int] = ()) -> Counts:
    return counted(asyncio.run(worked(calls, per_page, jobs)))


@given(st.integers(0, 10**9), st.integers(1, 25), st.integers(1, 20), st.lists(st.integers(1, 8), max_size=6))
def test_pages_and_restarts_give_what_a_direct_count_gives(seed: int, conversations: int, size: int, jobs: list[int]) -> None:
    calls = drawn(seed, conversations)
    assert listed(calls, size, jobs) == directly(calls)


@given(st.integers(0, 10**9), st.integers(1, 12))
def test_a_death_after_every_page_counts_nothing_twice(seed: int, conversations: int) -> None:
    calls = drawn(seed, conversations)
    for pages in range(1, len(calls) // 3 + 2):
        assert listed(calls, 3, [pages]) == directly(calls)


# --- a center's leg that arrives late ---------------------------------------------------------------------------------

PERSONAL = leg("2", 60 * MINUTE, ANN, rec("r"))
BETWEEN = leg("7", 40 * MINUTE, ANN)
CENTERS = leg("1", 30 * MINUTE, SALES, operator_call_id="2")
"""The leg of a center with a rule, listed when the agent's leg, which started half an hour later, does not wait for it any more."""

WAITS = leg("9", 70 * MINUTE, ANN, entry_point_call_id="missing")
"""A call that waits two hours for its entry point, and keeps the resume mark above the agent's leg."""


def test_a_call_whose_centers_leg_arrives_too_late_is_counted_although_it_is_backed_up() -> None:
    calls = [PERSONAL, BETWEEN, CENTERS]
    assert directly(calls) == {}
    assert listed(calls, 1) == {("user", "1"): (1, 1)}, "docs/design/listing.md names this limit: the figure may be too high"


def test_a_call_above_whose_start_the_mark_still_stands_is_dropped_when_its_centers_leg_arrives() -> None:
    assert listed([WAITS, PERSONAL, BETWEEN, CENTERS], 1) == {}
    assert listed([WAITS, PERSONAL, BETWEEN], 1) == {("user", "1"): (1, 1)}, "no center's leg arrives"


def test_a_dropped_call_drops_no_other_and_is_not_counted_by_a_job_that_resumes() -> None:
    other = leg("3", 61 * MINUTE, ANN, rec("s"))
    for pages in range(1, 6):
        assert listed([WAITS, other, PERSONAL, BETWEEN, CENTERS], 1, [pages]) == {("user", "1"): (1, 1)}
