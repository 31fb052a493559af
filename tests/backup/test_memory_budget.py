"""Bytes in memory are bounded, handed out in order, and given back whatever happens (Q14)."""

import asyncio
import random

from rokuon.backup.limits import MemoryBudget


async def test_a_large_body_is_not_starved_by_small_ones_behind_it() -> None:
    budget, order = MemoryBudget(100), []

    async def take(size: int, name: str) -> None:
        async with budget.reserve(size):
            order.append(name)
            await asyncio.sleep(0.001)

    async with budget.reserve(60):
        waiting = [asyncio.create_task(take(90, "large")), *[asyncio.create_task(take(10, f"small {n}")) for n in range(5)]]
        await asyncio.sleep(0.005)
        assert order == []
    await asyncio.gather(*waiting)
    assert order[0] == "large"


async def test_a_body_larger_than_the_whole_budget_gets_the_whole_budget() -> None:
    budget = MemoryBudget(100)
    async with asyncio.timeout(1), budget.reserve(5000):
        pass
    async with asyncio.timeout(1), budget.reserve(100):
        pass


async def test_a_waiter_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    budget, order = MemoryBudget(100), []

    async def take(name: str) -> None:
        async with budget.reserve(100):
            order.append(name)

    async with asyncio.timeout(5):
        async with budget.reserve(100):
            first, second = asyncio.create_task(take("first")), asyncio.create_task(take("second"))
            await asyncio.sleep(0)
            first.cancel()  # its task has not run yet when the budget comes back
        await second
        await asyncio.gather(first, return_exceptions=True)
        async with budget.reserve(100):
            assert order == ["second"]


async def test_q14_the_budget_is_never_exceeded_and_all_comes_back_under_random_cancels() -> None:
    seed = 20261122
    rng = random.Random(seed)
    budget, inside = MemoryBudget(1000), 0

    async def use(size: int) -> None:
        nonlocal inside
        async with budget.reserve(size):
            inside += size
            assert inside <= 1000, f"seed {seed}"
            try:
                await asyncio.sleep(rng.random() / 1000)
            finally:
                inside -= size

    tasks = [asyncio.create_task(use(rng.randint(1, 900))) for _ in range(300)]
    for _ in range(150):
        await asyncio.sleep(rng.random() / 500)
        rng.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (inside, budget._free) == (0, 1000), f"seed {seed}"
