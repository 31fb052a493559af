"""No second ever holds more requests than allowed, and the budget is used."""

import asyncio
import random
import selectors
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rokuon.dialpad.pacing import BATCH, LATE, LocalReserver, Paused, SlotPacer, UnpacedSlots, spacing


class _Jump(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout=None):
        if timeout:
            self.loop.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = _Jump()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def virtually(work: Coroutine[Any, Any, Any]) -> Any:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def most_within_a_second(times: list[float]) -> int:
    times = sorted(times)
    most = left = 0
    for right, at in enumerate(times):
        while at - times[left] >= 1.0:
            left += 1
        most = max(most, right - left + 1)
    return most


def pacers(count: int, rate: float, clock, latency=lambda: 0.0) -> list[SlotPacer]:
    reserver = LocalReserver(rate, clock)

    async def reserve(n):
        await asyncio.sleep(latency())
        return await reserver.reserve(n)

    return [SlotPacer(reserve, pause=reserver.pause, clock=clock) for _ in range(count)]


async def send_for(seconds: float, takers: list[SlotPacer], waiters: int, clock, lag=lambda: 0.0) -> list[float]:
    sent: list[float] = []
    end = clock() + seconds

    async def one(pacer: SlotPacer) -> None:
        while True:
            await pacer.take()
            if clock() > end:
                return
            sent.append(clock() + lag())

    tasks = [asyncio.create_task(one(pacer)) for pacer in takers for _ in range(waiters)]
    await asyncio.gather(*tasks)
    return sent


async def test_four_pacers_in_real_time_never_exceed_the_limit():
    """That they use the budget is shown below without a clock on the wall, and measured in `bench`: a busy machine drops slots."""
    loop = asyncio.get_running_loop()
    sent = await send_for(3.0, pacers(4, 20, loop.time), 5, loop.time)
    assert sent
    assert most_within_a_second(sent) <= 20


@settings(max_examples=30, deadline=None)
@given(rate=st.sampled_from([1, 3, 15, 20, 50]), count=st.integers(1, 5), waiters=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_in_any_second_of_any_schedule_the_limit_holds(rate, count, waiters, seed):
    rng = random.Random(seed)

    async def run():
        loop = asyncio.get_running_loop()
        # Between the slot and the other side's clock lies up to 10 ms more.
        return await send_for(20, pacers(count, rate, loop.time), waiters, loop.time, lag=lambda: rng.random() * 0.009)

    sent = virtually(run())
    assert most_within_a_second(sent) <= rate
    assert len(sent) >= 0.95 * rate * 20 - 1


@pytest.mark.parametrize(("count", "latency"), [(4, 0.04), (1, 0.1)])
def test_slow_reservations_cost_no_budget_while_somebody_waits(count, latency):
    async def run():
        loop = asyncio.get_running_loop()
        return await send_for(20, pacers(count, 20, loop.time, latency=lambda: latency), 14, loop.time)

    sent = virtually(run())
    assert most_within_a_second(sent) <= 20
    assert len(sent) >= 0.95 * 400


def test_a_late_slot_is_dropped_and_not_sent_in_a_burst():
    async def run():
        loop = asyncio.get_running_loop()
        (pacer,) = pacers(1, 20, loop.time)
        sent: list[float] = []

        async def one():
            await pacer.take()
            sent.append(loop.time())

        tasks = [asyncio.create_task(one()) for _ in range(30)]
        await asyncio.sleep(0.2)
        loop.now += 0.4  # the process stood still
        await asyncio.gather(*tasks)
        return sent, pacer.dropped

    sent, dropped = virtually(run())
    assert dropped > 0
    assert most_within_a_second(sent) <= 20
    assert all(later - earlier >= spacing(20) - LATE - 1e-9 for earlier, later in pairwise(sent))


def test_c12_whoever_comes_alone_does_not_wait_behind_the_crowd_of_another_lane():
    """What a backfill has reserved comes first, and that is little; what waits in it comes later."""

    async def run():
        loop = asyncio.get_running_loop()
        crowded, alone = pacers(2, 20, loop.time)
        crowd = [asyncio.create_task(crowded.take()) for _ in range(400)]
        waits = []
        for _ in range(20):
            await asyncio.sleep(0.7)
            came = loop.time()
            await alone.take()
            waits.append(loop.time() - came)
        for task in crowd:
            task.cancel()
        return max(waits)

    assert virtually(run()) <= 5 * spacing(20)


def test_waiters_are_served_in_the_order_in_which_they_came():
    async def run():
        loop = asyncio.get_running_loop()
        (pacer,) = pacers(1, 50, loop.time)
        served: list[int] = []

        async def one(number):
            await pacer.take()
            served.append(number)

        await asyncio.gather(*[one(n) for n in range(40)])
        return served

    assert virtually(run()) == list(range(40))


def test_the_slot_of_a_cancelled_waiter_goes_to_the_next():
    async def run():
        loop = asyncio.get_running_loop()
        reserved = 0
        reserver = LocalReserver(10, loop.time)

        async def reserve(n):
            nonlocal reserved
            reserved += n
            await asyncio.sleep(0.01)
            return await reserver.reserve(n)

        pacer = SlotPacer(reserve, pause=reserver.pause, clock=loop.time)
        tasks = [asyncio.create_task(pacer.take()) for _ in range(6)]
        await asyncio.sleep(0.005)
        tasks[0].cancel()  # while the reservation is under way
        await asyncio.sleep(0.15)
        tasks[3].cancel()  # while it waits for its slot
        done = await asyncio.gather(*tasks, return_exceptions=True)
        return done, reserved, loop.time()

    done, reserved, at = virtually(run())
    assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, False, False, True, False, False]
    assert reserved <= 6
    assert at < 0.02 + 3 * spacing(10)


def test_after_slow_down_nobody_sends_until_the_time_is_over():
    async def run():
        loop = asyncio.get_running_loop()
        two = pacers(2, 20, loop.time)
        sent: list[float] = []

        async def one(pacer):
            await pacer.take()
            sent.append(loop.time())

        tasks = [asyncio.create_task(one(pacer)) for pacer in two for _ in range(15)]
        await asyncio.sleep(0.3)
        await two[0].slow_down(5)
        await asyncio.gather(*tasks)
        return sent

    sent = virtually(run())
    # What the second pacer had reserved before, and no more.
    assert sum(0.3 < at < 5.3 - 1e-9 for at in sent) <= BATCH
    assert most_within_a_second(sent) <= 20
    assert max(sent) > 5.3


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.31, 0.35])
def test_the_process_that_was_told_to_slow_down_sends_nothing_more_while_the_pause_is_still_being_written(moment):
    async def run():
        loop = asyncio.get_running_loop()
        reserver = LocalReserver(50, loop.time)

        async def reserve(n):
            granted = await reserver.reserve(n)
            await asyncio.sleep(0.01)
            return granted

        async def pause(seconds, asked):
            await asyncio.sleep(0.2)
            await reserver.pause(seconds, asked)

        pacer = SlotPacer(reserve, pause=pause, clock=loop.time)
        sent: list[float] = []

        async def one():
            await pacer.take()
            sent.append(loop.time())

        tasks = [asyncio.create_task(one()) for _ in range(60)]
        await asyncio.sleep(moment)
        await pacer.slow_down(3)
        await asyncio.gather(*tasks)
        return sent, pacer.dropped

    sent, dropped = virtually(run())
    assert dropped <= 2 * BATCH, "no slots are reserved only to be dropped while nobody may send"
    assert [at for at in sent if moment < at < moment + 3 - 1e-9] == []
    assert most_within_a_second(sent) <= 50
    assert len(sent) == 60


@pytest.mark.parametrize("hours", [0.3, 5, 24])
def test_nobody_waits_in_place_for_the_end_of_a_long_pause_and_none_sends_before_it(hours):
    async def run():
        loop = asyncio.get_running_loop()
        two = pacers(2, 20, loop.time)
        sent: list[float] = []
        given_back: list[float] = []

        async def one(pacer):
            try:
                await pacer.take()
                sent.append(loop.time())
            except Paused as paused:
                given_back.append(loop.time() + paused.seconds)

        tasks = [asyncio.create_task(one(pacer)) for pacer in two for _ in range(15)]
        await asyncio.sleep(0.3)
        await two[0].slow_down(hours * 3600)
        await asyncio.gather(*tasks)
        ended = loop.time()
        before = len(sent)
        await asyncio.gather(*[one(pacer) for pacer in two])
        assert len(sent) == before
        await asyncio.sleep(hours * 3600)
        await asyncio.gather(*[one(pacer) for pacer in two])
        return sent, before, given_back, ended

    sent, before, given_back, ended = virtually(run())
    assert ended < 10, "nobody sat it out"
    assert len(given_back) > 10
    assert all(until == pytest.approx(0.3 + hours * 3600, abs=5) for until in given_back), "each is told when it ends"
    assert sum(0.3 < at < 0.3 + hours * 3600 for at in sent) <= BATCH, "what the other had reserved"
    assert len(sent) == before + 2, "and then it goes on"


def test_a_failed_reservation_is_reported_and_the_next_waiter_tries_again():
    async def run():
        loop = asyncio.get_running_loop()
        reserver = LocalReserver(20, loop.time)
        failures = [ConnectionError("the database is away")]

        async def reserve(n):
            if failures:
                raise failures.pop()
            return await reserver.reserve(n)

        pacer = SlotPacer(reserve, pause=reserver.pause, clock=loop.time)
        return await asyncio.gather(pacer.take(), pacer.take(), return_exceptions=True)

    first, second = virtually(run())
    assert isinstance(first, ConnectionError)
    assert second is None


def test_no_more_slots_are_reserved_than_somebody_waits_for():
    async def run():
        loop = asyncio.get_running_loop()
        asked: list[int] = []
        reserver = LocalReserver(20, loop.time)

        async def reserve(n):
            asked.append(n)
            return await reserver.reserve(n)

        pacer = SlotPacer(reserve, pause=reserver.pause, clock=loop.time)
        await pacer.take()
        await asyncio.gather(*[pacer.take() for _ in range(25)])
        return asked

    asked = virtually(run())
    assert sum(asked) == 26
    assert max(asked) <= BATCH


async def test_unpaced_slots_count_and_obey_a_slow_down():
    now = 100.0
    slept: list[float] = []

    async def sleep(seconds):
        nonlocal now
        slept.append(seconds)
        now += seconds

    slots = UnpacedSlots(lambda: now, sleep)
    await slots.take()
    assert slept == []
    await slots.slow_down(7)
    await slots.take()
    assert slept == [pytest.approx(7)]
    assert slots.taken == 2
