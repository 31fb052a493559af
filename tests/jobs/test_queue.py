"""A job exists if and only if the rows it concerns do, also when a worker asks for it; and a lost one is asked for again."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.db import connection, transaction

from rokuon.accounts.models import Session
from rokuon.domain.failures import HoldOn
from rokuon.events.models import Hint
from rokuon.jobs import queue, worker
from rokuon.jobs.tick import tick
from rokuon.ledger import holds, runs
from rokuon.ledger.gateway import Database
from rokuon.ledger.models import Retry, Run, Window
from tests.ledger.factory import NOW, World


def jobs() -> list[tuple[str, dict[str, int], str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args::text, status::text FROM procrastinate_jobs ORDER BY id")
        return [(task, json.loads(arguments), status) for task, arguments, status in cursor.fetchall()]


def lose_all_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


def a_run(world: World, windows: int = 3) -> Run:
    run, _ = runs.open_run(world.company.pk, "company", 0, [world.center.pk], NOW - timedelta(days=99), NOW, NOW, relist=False)
    borders = [(NOW - timedelta(days=29 * (n + 1)), NOW - timedelta(days=29 * n)) for n in range(windows)]
    runs.add_windows(run, [runs.WindowPlan("company", "", (world.center.pk,), *border) for border in borders], NOW)
    return run


def test_a_job_asked_for_in_a_transaction_that_rolls_back_does_not_exist(world: World) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue_window(1)
        assert len(jobs()) == 1
        raise ZeroDivisionError
    assert jobs() == []


def test_a_job_and_its_rows_come_into_being_together(world: World) -> None:
    a_run(world)
    queued = runs.queue_windows(world.company.pk, NOW, queue.enqueue_window)
    assert [arguments["window_id"] for _, arguments, _ in jobs()] == queued
    assert {status for _, _, status in jobs()} == {"todo"}


def test_a_second_job_for_one_window_is_not_queued_and_does_not_spoil_the_transaction(world: World) -> None:
    with transaction.atomic():
        queue.enqueue_window(1)
        queue.enqueue_window(1)
        queue.enqueue_due(world.company.pk)
    assert len(jobs()) == 2


class _Stops:
    """An engine whose window job asks for another job in a transaction that fails."""

    def __init__(self) -> None:
        self.db = Database()
        self.ran = asyncio.Event()

    async def window(self, window_id: int) -> None:
        try:
            await self.db(self._fail, window_id)
        except ZeroDivisionError:
            self.ran.set()

    @staticmethod
    @transaction.atomic
    def _fail(window_id: int) -> None:
        queue.enqueue_due(window_id)
        raise ZeroDivisionError

    async def due(self, company_id: int) -> None:
        raise AssertionError("a job that was rolled back ran")

    async def probe(self, company_id: int, hold_id: int) -> None: ...

    async def look(self, company_id: int) -> None: ...

    async def custody(self, bucket_id: int) -> None: ...

    async def inventory(self, bucket_id: int) -> None: ...

    async def hook(self, company_id: int) -> None: ...

    async def mail(self) -> None: ...

    async def sign_in_mail(self) -> None: ...


def test_a_rollback_inside_a_worker_leaves_no_job(world: World) -> None:
    queue.enqueue_window(7)

    async def work() -> None:
        engine = _Stops()
        app = worker.build_app(engine)  # type: ignore[arg-type]
        async with app.open_async():
            await app.run_worker_async(queues=[queue.BULK], wait=False, install_signal_handlers=False)
        assert engine.ran.is_set()
        await engine.db.close()

    asyncio.run(work())
    assert [(task, status) for task, _, status in jobs()] == [(queue.WINDOW, "succeeded")]


class _Backfills(_Stops):
    """An engine in the middle of a backfill: each window that ends asks for another."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    async def window(self, window_id: int) -> None:
        self.done.append(queue.WINDOW)
        if window_id < 20:
            await self.db(queue.enqueue_window, window_id + runs.QUEUED_PER_COMPANY)

    async def custody(self, bucket_id: int) -> None:
        self.done.append(queue.CUSTODY)

    async def inventory(self, bucket_id: int) -> None:
        self.done.append(queue.INVENTORY)


def test_a_seal_is_made_in_its_turn_during_a_backfill(world: World) -> None:
    for number in range(runs.QUEUED_PER_COMPANY):
        queue.enqueue_window(number)
    queue.enqueue_custody(1)

    async def work() -> list[str]:
        engine = _Backfills()
        app = worker.build_app(engine)  # type: ignore[arg-type]
        async with app.open_async():
            await app.run_worker_async(queues=[queue.BULK], wait=False, install_signal_handlers=False)
        await engine.db.close()
        return engine.done

    done = asyncio.run(work())
    assert done.index(queue.CUSTODY) == runs.QUEUED_PER_COMPANY
    assert len(done) > 2 * runs.QUEUED_PER_COMPANY


# --- the tick ---------------------------------------------------------------------------------------------------------------


def test_the_tick_asks_again_for_windows_whose_jobs_were_lost(world: World) -> None:
    a_run(world)
    queued = set(runs.queue_windows(world.company.pk, NOW, queue.enqueue_window))
    lose_all_jobs()
    tick(NOW)
    assert {arguments["window_id"] for _, arguments, _ in jobs()} == queued
    tick(NOW)
    assert len(jobs()) == len(queued)


def test_the_tick_asks_for_copies_that_have_become_due_and_for_none_before(world: World) -> None:
    world.place(world.planned(1), now=NOW + timedelta(hours=1))
    tick(NOW)
    assert jobs() == []
    tick(NOW + timedelta(hours=1))
    assert [(task, arguments) for task, arguments, _ in jobs()] == [(queue.DUE, {"company_id": world.company.pk})]


def test_the_tick_probes_an_open_hold_on_its_backoff(world: World) -> None:
    holds.open_hold(world.company.pk, HoldOn.BUCKET, "1", "bucket_missing", "", NOW)
    tick(NOW)
    assert jobs() == []
    tick(NOW + timedelta(seconds=61))
    assert [task for task, _, _ in jobs()] == [queue.PROBE]
    lose_all_jobs()
    tick(NOW + timedelta(seconds=62))
    assert jobs() == []


def test_while_the_source_is_held_no_window_and_no_copy_is_asked_for(world: World) -> None:
    a_run(world)
    world.place(world.planned(1))
    holds.open_hold(world.company.pk, HoldOn.SOURCE, "", "source_key_refused", "", NOW)
    tick(NOW)
    assert jobs() == []


def test_no_company_has_more_than_a_few_windows_in_the_queue(world: World) -> None:
    other = World("Other")
    for one in (world, other):
        a_run(one, 30)
    tick(NOW)
    per_company = {
        company: Window.objects.filter(state="queued", run__company=company).count() for company in (world.company.pk, other.company.pk)
    }
    assert set(per_company.values()) == {runs.QUEUED_PER_COMPANY}


def test_a_tick_forgets_what_nobody_needs(world: World) -> None:
    """Hints after the last sweep over their calls, watched retries, ended sessions."""
    old = NOW - timedelta(days=36)
    Hint.objects.create(company=world.company, digest="d", call_id="1", state="hangup", started_at=old, received_at=old, result="left")
    Hint.objects.create(company=world.company, digest="e", call_id="2", state="hangup", started_at=NOW, received_at=NOW, result="left")
    Retry.objects.create(company=world.company, by="someone", at=old, copies=[1])
    Session.objects.create(session_key="0" * 64, session_data="", expire_date=old, created_at=old, seen_at=old)
    tick(NOW)
    assert list(Hint.objects.values_list("call_id", flat=True)) == ["2"]
    assert not Retry.objects.exists()
    assert not Session.objects.exists()


def test_an_inventory_waits_until_a_backfill_needs_nothing(world: World) -> None:
    queue.enqueue_inventory(1)
    queue.enqueue_window(19)

    async def work() -> list[str]:
        engine = _Backfills()
        app = worker.build_app(engine)  # type: ignore[arg-type]
        async with app.open_async():
            await app.run_worker_async(queues=[queue.BULK], wait=False, concurrency=1, install_signal_handlers=False)
        await engine.db.close()
        return engine.done

    done = asyncio.run(work())
    assert done[-1] == queue.INVENTORY and done.count(queue.WINDOW) == 2
