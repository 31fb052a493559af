"""Outcomes reach the ledger in batches, all of them, and an error of the ledger is never swallowed."""

import asyncio
from collections.abc import Sequence

import pytest

from rokuon.backup import recorder
from rokuon.backup.recorder import Recorder
from rokuon.domain.copies import State
from rokuon.domain.work import Outcome


def outcome(number: int) -> Outcome:
    return Outcome(number, 0, State.VERIFIED)


class Written:
    def __init__(self, refuse: set[int] = frozenset(), fail_at: int = 0) -> None:  # type: ignore[assignment]
        self.batches: list[list[int]] = []
        self._refuse, self._fail_at = refuse, fail_at

    async def __call__(self, outcomes: Sequence[Outcome]) -> set[int]:
        await asyncio.sleep(0.001)
        if self._fail_at and len(self.batches) + 1 >= self._fail_at:
            raise ConnectionError("database")
        self.batches.append([one.copy_id for one in outcomes])
        return {one.copy_id for one in outcomes} - self._refuse


async def test_a_thousand_outcomes_cost_few_batches_and_none_is_lost() -> None:
    written = Written()
    async with Recorder(written) as recording:
        for number in range(1000):
            await recording.put(outcome(number))
    assert sorted(number for batch in written.batches for number in batch) == list(range(1000))
    assert len(written.batches) <= 12
    assert max(len(batch) for batch in written.batches) <= 2 * recorder.ROWS


async def test_a_lone_outcome_does_not_wait_for_others_longer_than_a_moment() -> None:
    written = Written()
    async with Recorder(written) as recording:
        await recording.put(outcome(1))
        async with asyncio.timeout(recorder.SECONDS + 1):
            while not written.batches:
                await asyncio.sleep(0.01)


async def test_leaving_writes_what_is_left_at_once() -> None:
    written = Written()
    began = asyncio.get_running_loop().time()
    async with Recorder(written) as recording:
        await recording.put(outcome(1))
    assert written.batches == [[1]]
    assert asyncio.get_running_loop().time() - began < recorder.SECONDS


async def test_states_counts_what_the_ledger_holds_and_not_what_had_moved_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with Recorder(Written(refuse={2})) as recording:
        for number in range(4):
            await recording.put(outcome(number))
    assert recording.states == {State.VERIFIED: 3}
    assert [record.__dict__["copy"] for record in caplog.records if record.message == "copy_had_moved_on"] == [2]


async def test_an_error_of_the_ledger_is_raised_by_the_next_put_and_on_leaving_and_nobody_hangs() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(ConnectionError):
            async with Recorder(Written(fail_at=1)) as recording:
                for number in range(5000):
                    await recording.put(outcome(number))


async def test_after_an_error_nothing_more_is_written() -> None:
    written = Written(fail_at=2)
    with pytest.raises(ConnectionError):
        async with Recorder(written) as recording:
            for number in range(1000):
                await recording.put(outcome(number))
    assert len(written.batches) == 1
