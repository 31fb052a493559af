"""A killed worker's job whose successor waits already must not keep the other jobs of the dead from being taken up again."""

import asyncio

from django.db import connection
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django.utils import connector_params

from rokuon.jobs import queue
from rokuon.jobs.worker import rescue


def execute(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


async def rescue_once() -> None:
    app = App(connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=1))
    async with app.open_async():
        await rescue(app)


def test_a_job_whose_successor_waits_is_ended_and_the_others_are_rescued(transactional_db: None) -> None:
    queue.enqueue_window(1)
    queue.enqueue_window(2)
    execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    queue.enqueue_window(1)
    asyncio.run(rescue_once())
    rows = execute("SELECT args->>'window_id', status::text FROM procrastinate_jobs ORDER BY id")
    assert rows == [("1", "failed"), ("2", "todo"), ("1", "todo")]
    asyncio.run(rescue_once())
    assert execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'") == [(0,)]
